//! What was staged before a step staged more, kept to the entry.

use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::VersionControl;
use vwmp_interfaces::{StepContext, StepError};

use crate::kept::nothing_kept;

/// The list of what attempts found staged.
const LIST: &str = "staged";

/// What an attempt found staged, and what it was about to stage.
#[derive(Serialize, Deserialize)]
struct Noted {
    /// The id of the index; it is kept under this name.
    before: String,
    /// All changes where there are none.
    paths: Option<Vec<String>>,
}

/// To be called before staging.
pub(super) async fn keep(
    ctx: &StepContext,
    git: &dyn VersionControl,
    paths: Option<&[String]>,
) -> Result<(), StepError> {
    let index = git.index().await?;
    ctx.keep(&content(&index.id), &index.bytes).await?;
    ctx.note(LIST, &Noted { before: index.id, paths: paths.map(<[String]>::to_vec) }).await
}

/// To be called after staging.
pub(super) async fn keep_result(ctx: &StepContext, git: &dyn VersionControl) -> Result<(), StepError> {
    let attempts = ctx.notes::<Noted>(LIST).await?.len();
    ctx.keep(&result(attempts), git.index().await?.id.as_bytes()).await
}

/// Makes what is staged what it was before the first attempt, unless somebody else has staged something since.
/// Fails where something was `changed` and nothing is known of what was before.
pub(super) async fn restore(ctx: &StepContext, changed: bool) -> Result<(), StepError> {
    let git = ctx.require::<dyn VersionControl>()?;
    let (noted, now) = (ctx.notes::<Noted>(LIST).await?, git.index().await?.id);
    if noted.is_empty() {
        return nothing_kept(changed);
    }
    let (mut id, mut untouched) = (&now, false);
    for (number, attempt) in noted.iter().enumerate().rev() {
        if attempt.before == *id {
            untouched = true;
        } else if left(ctx, &*git, attempt, number + 1).await?.contains(id) {
            id = &attempt.before;
        }
    }
    if *id == now {
        let changed = || StepError::permanent("can't restore what was staged: it has been changed since");
        return if untouched { Ok(()) } else { Err(changed()) };
    }
    let bytes = ctx.kept(&content(id)).await?;
    let bytes = bytes.ok_or_else(|| StepError::permanent("what was staged before isn't kept any more"))?;
    git.restore_index(&bytes).await?;
    ctx.log().info("restored what was staged");
    Ok(())
}

/// What an attempt may have left: what it noted at its end, and what it would stage now, as it may not have come so far.
async fn left(
    ctx: &StepContext,
    git: &dyn VersionControl,
    attempt: &Noted,
    number: usize,
) -> Result<Vec<String>, StepError> {
    let mut left = Vec::new();
    if let Some(id) = ctx.kept(&result(number)).await? {
        left.push(String::from_utf8_lossy(&id).into_owned());
    } else if let Some(bytes) = ctx.kept(&content(&attempt.before)).await? {
        left.push(git.index_with(&bytes, attempt.paths.as_deref()).await?);
    }
    Ok(left)
}

fn content(id: &str) -> String {
    format!("index.{id}")
}

fn result(attempt: usize) -> String {
    format!("staged.{attempt}.result")
}
