//! Files as the steps before would leave them.

use vwmp_interfaces::capability::{Entry, Files};
use vwmp_interfaces::{Change, StepContext, StepError, WorkspacePath};

/// The text of a file by then; nothing when there would be none.
pub(super) async fn text(
    ctx: &StepContext,
    files: &dyn Files,
    path: &WorkspacePath,
) -> Result<Option<String>, StepError> {
    match ctx.planned_file(path.as_str()) {
        Some(planned) => Ok(planned.map(ToOwned::to_owned)),
        None => files.read_text(path).await,
    }
}

/// The bytes of a file by then; nothing when there would be none.
pub(super) async fn bytes(
    ctx: &StepContext,
    files: &dyn Files,
    path: &WorkspacePath,
) -> Result<Option<Vec<u8>>, StepError> {
    match ctx.planned_file(path.as_str()) {
        Some(planned) => Ok(planned.map(|text| text.as_bytes().to_vec())),
        None => files.read_bytes(path).await,
    }
}

/// What would be at a path by then.
pub(super) async fn entry(
    ctx: &StepContext,
    files: &dyn Files,
    path: &WorkspacePath,
) -> Result<Option<Entry>, StepError> {
    match ctx.planned_file(path.as_str()) {
        Some(None) => Ok(None),
        Some(Some(text)) => Ok(Some(Entry::File { size: text.len() as u64, executable: false })),
        None => files.entry(path).await,
    }
}

/// Everything that would be in the workspace below a directory by then, sorted.
pub(super) async fn walk(
    ctx: &StepContext,
    files: &dyn Files,
    directory: Option<&WorkspacePath>,
) -> Result<Vec<(WorkspacePath, Entry)>, StepError> {
    let mut found = files.walk(directory).await?;
    for change in ctx.planned() {
        let Change::File { path, after, .. } = change else { continue };
        let Ok(path) = WorkspacePath::parse(path) else { continue };
        let below = directory.is_none_or(|directory| {
            path.as_str().strip_prefix(directory.as_str()).is_some_and(|rest| rest.starts_with('/'))
        });
        found.retain(|(known, _)| *known != path || !below);
        if let Some(text) = after.as_ref().filter(|_| below) {
            found.push((path, Entry::File { size: text.len() as u64, executable: false }));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    Ok(found)
}

/// `3 files`.
pub(super) fn counted(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}
