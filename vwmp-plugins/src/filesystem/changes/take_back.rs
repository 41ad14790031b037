//! Taking back what attempts of a step changed in files: all of it, or nothing where somebody has changed one since.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use vwmp_interfaces::capability::{Files, Snapshot};
use vwmp_interfaces::{Done, OrFail, StepContext, StepError, WorkspacePath};

use crate::kept::nothing_kept;

use super::state::{State, too_large};
use super::{FileChange, LIST, Noted};

/// Makes every file what it was before the first attempt. What is so already stays as it is.
///
/// # Errors
/// When somebody has changed one since, with its name, and when what was there wasn't kept, or is gone though files
/// were `changed`; then no file is touched.
pub(crate) async fn take_back(ctx: &StepContext, changed: bool) -> Result<(), StepError> {
    let (files, noted) = (ctx.require::<dyn Files>()?, ctx.notes::<Noted>(LIST).await?);
    if noted.is_empty() {
        return nothing_kept(changed);
    }
    let (mut found, mut changed) = (Vec::new(), Vec::new());
    for (path, changes) in by_path(&noted) {
        match way_back(&*files, &changes).await? {
            Way::Stays => {}
            Way::Back(change) => found.push(change),
            Way::Lost => changed.push(format!("`{path}`")),
        }
    }
    if !changed.is_empty() {
        let (it, has) = if changed.len() == 1 { ("it", "has") } else { ("they", "have") };
        let message = format!("can't restore {}: {it} {has} been changed since", changed.join(", "));
        return Err(StepError::permanent(message));
    }
    for change in noted.iter().flat_map(|noted| &noted.changes) {
        files.tidy(&change.path).await?;
    }
    for (path, original) in originals(ctx, &found).await? {
        files.restore(path, original.as_ref()).await?;
        let line = match original {
            Some(_) => format!("restored {path}"),
            None if files.entry(path).await?.is_some() => {
                format!("left the folder {path} where it is: there is something else in it")
            }
            None => format!("removed {path}"),
        };
        ctx.log().info(line);
    }
    Ok(())
}

/// Whether the last attempt made all its changes, with the output it would have given.
///
/// # Errors
/// When that can't be looked up.
pub(crate) async fn already_done<T: DeserializeOwned>(ctx: &StepContext) -> Result<Done<T>, StepError> {
    let (files, noted) = (ctx.require::<dyn Files>()?, ctx.notes::<Noted>(LIST).await?);
    let Some(last) = noted.last() else { return Ok(Done::No) };
    let mut all = true;
    for change in &last.changes {
        all &= change.after.fits(&now(&*files, &change.path).await?);
    }
    if all {
        let output = serde_json::from_value(last.output.clone());
        return output.map(Done::Yes).or_permanent("what was kept as the output can't be read");
    }
    for changes in by_path(&noted).values() {
        if let Way::Lost = way_back(&*files, changes).await? {
            return Ok(Done::Unknown);
        }
    }
    Ok(Done::No)
}

/// Before an attempt whose work depends on what the files say: takes back what an earlier one has left.
///
/// # Errors
/// As [`take_back`].
pub(crate) async fn begin_anew(ctx: &StepContext) -> Result<(), StepError> {
    let (files, noted) = (ctx.require::<dyn Files>()?, ctx.notes::<Noted>(LIST).await?);
    for changes in by_path(&noted).values() {
        if let Way::Back(_) = way_back(&*files, changes).await? {
            return take_back(ctx, false).await;
        }
    }
    Ok(())
}

/// A change, with the attempt that was about to make it.
type Made<'t> = (&'t Noted, &'t FileChange);

/// From what a path has now to what it had before the first attempt.
enum Way<'t> {
    /// It has that.
    Stays,
    /// To what there was before this change.
    Back(Made<'t>),
    /// It has something that no attempt left there.
    Lost,
}

/// The changes of each path, the last one first.
fn by_path(noted: &[Noted]) -> BTreeMap<&str, Vec<Made<'_>>> {
    let mut paths: BTreeMap<&str, Vec<Made<'_>>> = BTreeMap::new();
    for attempt in noted.iter().rev() {
        for change in attempt.changes.iter().rev() {
            paths.entry(change.path.as_str()).or_default().push((attempt, change));
        }
    }
    paths
}

async fn now(files: &dyn Files, path: &WorkspacePath) -> Result<State, StepError> {
    Ok(State::of(files.snapshot(path, 0).await?.as_ref()))
}

/// Follows the changes of a path from the last to the first, as long as each leads to what the next one found.
async fn way_back<'t>(files: &dyn Files, changes: &[Made<'t>]) -> Result<Way<'t>, StepError> {
    let Some((_, last)) = changes.first() else { return Ok(Way::Stays) };
    let now = now(files, &last.path).await?;
    let (mut state, mut way) = (&now, Way::Lost);
    for made @ (_, change) in changes {
        let unkept = matches!(change.before, State::Unkept { .. });
        if change.after.fits(state) || (unkept && matches!(way, Way::Lost)) {
            (state, way) = (&change.before, Way::Back(*made));
        } else if change.before.fits(state) && matches!(way, Way::Lost) {
            way = Way::Stays;
        }
    }
    Ok(way)
}

/// What there was before the changes, in the order in which it can be put back: files first, then folders with the
/// permissions that they had; and what goes last of all, the inner before the outer.
async fn originals<'t>(
    ctx: &StepContext,
    found: &[Made<'t>],
) -> Result<Vec<(&'t WorkspacePath, Option<Snapshot>)>, StepError> {
    let mut contents = BTreeMap::new();
    for name in found.iter().filter_map(|(noted, _)| noted.content.as_deref()) {
        if !contents.contains_key(name) {
            contents.insert(name, ctx.kept(name).await?.unwrap_or_default());
        }
    }
    let mut originals = Vec::new();
    for (noted, change) in found {
        let kept = noted.content.as_deref().and_then(|name| contents.get(name));
        originals.push((&change.path, original(change, kept.map_or(&[][..], Vec::as_slice))?));
    }
    originals.sort_by_key(|(path, original)| {
        let group = match original {
            Some(Snapshot::Directory { .. }) => 1,
            Some(_) => 0,
            None => 2,
        };
        (group, Reverse(path.as_str()))
    });
    Ok(originals)
}

fn original(change: &FileChange, kept: &[u8]) -> Result<Option<Snapshot>, StepError> {
    let lost = |why: &str| StepError::permanent(format!("can't restore `{}`: {why}", change.path));
    Ok(Some(match &change.before {
        State::Absent => return Ok(None),
        State::Directory { mode } => Snapshot::Directory { mode: mode.unwrap_or(0o755) },
        State::Link { to } => Snapshot::Link { to: to.into() },
        State::Unkept { why } => return Err(lost(why)),
        State::File { hash, mode } => {
            let (start, length) = change.content.ok_or_else(|| lost(&too_large()))?;
            let content =
                kept.get(start..start + length).ok_or_else(|| lost("what was kept of it is gone"))?;
            let (hash, mode) = (hash.clone(), mode.unwrap_or(0o644));
            Snapshot::File { hash, mode, content: Some(content.to_vec()) }
        }
    }))
}
