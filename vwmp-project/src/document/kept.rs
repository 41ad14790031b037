//! What a step is about to change, kept before it acts, so that it can be taken back.

use vwmp_interfaces::{Change, StepContext, StepError};

/// The list of what attempts are about to change.
const LIST: &str = "changes";

/// Keeps what an attempt is about to change, if that is anything.
pub(crate) async fn keep(ctx: &StepContext, changes: Vec<Change>) -> Result<(), StepError> {
    if changes.is_empty() { Ok(()) } else { ctx.note(LIST, &changes).await }
}

/// What the attempts were about to change, the last one first. One that found what somebody else had left meanwhile is
/// the last to be taken back.
///
/// # Errors
/// When a step that changed something has nothing kept any more.
pub(crate) async fn to_take_back(changed: bool, ctx: &StepContext) -> Result<Vec<Vec<Change>>, StepError> {
    let mut back: Vec<Vec<Change>> = Vec::new();
    for changes in ctx.notes::<Vec<Change>>(LIST).await?.into_iter().rev() {
        if back.last().is_some_and(|later| !follows(&changes, later)) {
            break;
        }
        back.push(changes);
    }
    if changed && back.is_empty() {
        return Err(StepError::permanent(
            "what was kept to take it back is gone from the folder of the runs; look at what the step did, and take it \
             back by hand",
        ));
    }
    Ok(back)
}

/// Whether the later changes found what the earlier ones left, or the same as they.
fn follows(earlier: &[Change], later: &[Change]) -> bool {
    earlier.iter().zip(later).all(|pair| match pair {
        (Change::File { before, after, .. }, Change::File { before: found, .. }) => {
            found == after || found == before
        }
        _ => true,
    })
}
