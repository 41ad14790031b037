//! `git.require_clean`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{RepositoryState, VersionControl};
use vwmp_interfaces::{Capability, Effect, Metadata, Preview, StepContext, StepError, StepHandler, register};

use super::planned::{Expected, listed};

/// Fails unless every file is as in the last commit, and nothing is unfinished.
///
/// Counts staged, changed and untracked files, and submodules with changes of their own; not files
/// that git ignores. Fails as well while a merge, rebase, cherry-pick or revert is in progress.
///
/// ```yaml
/// - id: clean
///   handler: git.require_clean
///   config: { allow_untracked: true }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequireClean {
    /// Whether files that git doesn't know are fine.
    #[serde(default)]
    allow_untracked: bool,
}

/// What everything agrees with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Clean {
    /// The full id of the last commit; null before the first.
    commit: Option<String>,
}

impl StepHandler for RequireClean {
    const NAME: &'static str = "git.require_clean";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Clean;

    fn metadata() -> Metadata {
        Metadata { title: "Require a Clean Working Tree", category: "Git", icon: "✓" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Clean, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let state = ctx.unless_cancelled(git.state()).await?;
        self.check(&state)?;
        Ok(Clean { commit: state.head })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Clean>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let state = git.state().await?;
        let preview = Preview::new("finds the working tree clean");
        if ctx.planned().is_empty() {
            self.check(&state)?;
            return Ok(preview.output(Clean { commit: state.head }));
        }
        refuse_unfinished(&state)?;
        let expected = Expected::of(ctx, &*git).await?;
        let untracked = |path: &String| state.files.iter().any(|file| file.path == *path && file.untracked);
        let mut left = expected.changed();
        left.retain(|path| !(self.allow_untracked && untracked(path)));
        if left.is_empty() {
            let output = Clean { commit: state.head };
            return Ok(if expected.new_commit { preview } else { preview.output(output) });
        }
        Err(dirty(&left))
    }
}

register!(step RequireClean);

impl RequireClean {
    fn check(&self, state: &RepositoryState) -> Result<(), StepError> {
        refuse_unfinished(state)?;
        let counts = state.files.iter().filter(|file| !(self.allow_untracked && file.untracked));
        let files: Vec<String> = counts.map(|file| file.path.clone()).collect();
        if files.is_empty() { Ok(()) } else { Err(dirty(&files)) }
    }
}

fn refuse_unfinished(state: &RepositoryState) -> Result<(), StepError> {
    match &state.unfinished {
        Some(unfinished) => Err(StepError::permanent(format!(
            "a {unfinished} is in progress; finish it, or give it up with `git {unfinished} --abort`"
        ))),
        None => Ok(()),
    }
}

fn dirty(files: &[String]) -> StepError {
    let noun = if files.len() == 1 { "differs" } else { "differ" };
    StepError::permanent(format!(
        "the working tree isn't clean: {} {noun} from the last commit; commit or stash first",
        listed(files).replace(": ", " (") + ")"
    ))
}
