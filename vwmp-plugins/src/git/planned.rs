//! What earlier steps of a plan would do to the repository.

use std::collections::BTreeSet;
use std::fs;

use vwmp_interfaces::capability::VersionControl;
use vwmp_interfaces::{Change, StepContext, StepError};

/// How `git.stage_all` begins what it would do; `git.commit` looks for it.
pub(super) const STAGE: &str = "stage every change";

/// How `git.commit` begins what it would do; `git.create_tag` looks for it.
pub(super) const COMMIT: &str = "commit ";

/// Whether an earlier step would do something that begins like this.
pub(super) fn plans(ctx: &StepContext, beginning: &str) -> bool {
    let begins = |change: &Change| match change {
        Change::Action { description } => description.starts_with(beginning),
        Change::File { .. } => false,
    };
    ctx.planned().iter().any(begins)
}

/// Every path that differs from the last commit, or would by now; sorted.
pub(super) async fn changed(ctx: &StepContext, git: &dyn VersionControl) -> Result<Vec<String>, StepError> {
    let mut paths: BTreeSet<String> = git.status().await?.into_iter().map(|file| file.path).collect();
    paths.extend(planned_files(ctx, git));
    Ok(paths.into_iter().collect())
}

/// Every path that is staged, or would be by now; sorted.
pub(super) async fn staged(ctx: &StepContext, git: &dyn VersionControl) -> Result<Vec<String>, StepError> {
    if plans(ctx, STAGE) {
        return changed(ctx, git).await;
    }
    let staged = git.status().await?.into_iter().filter(|file| !file.code.starts_with([' ', '?']));
    Ok(staged.map(|file| file.path).collect())
}

/// The planned files, as paths of the repository: the workspace may be a folder in it.
fn planned_files(ctx: &StepContext, git: &dyn VersionControl) -> Vec<String> {
    let workspace = fs::canonicalize(ctx.workspace()).unwrap_or_else(|_| ctx.workspace().to_owned());
    let paths = ctx.planned().iter().filter_map(|change| match change {
        Change::File { path, before, after } if before != after => Some(path),
        _ => None,
    });
    paths
        .filter_map(|path| {
            let inside = workspace.join(path).strip_prefix(git.root()).ok()?.to_owned();
            Some(inside.to_string_lossy().into_owned())
        })
        .collect()
}

/// `3 files: a, b, c`; long lists are cut.
pub(super) fn listed(paths: &[String]) -> String {
    const SHOWN: usize = 20;
    let noun = if paths.len() == 1 { "file" } else { "files" };
    let shown = paths.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match paths.len() {
        0 => "no file".to_owned(),
        count if count <= SHOWN => format!("{count} {noun}: {shown}"),
        count => format!("{count} {noun}: {shown} and {} more", count - SHOWN),
    }
}
