//! `git.checkout`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{SwitchTarget, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use super::log::require_revision;
use super::names::revision_problem;
use super::planned::{DETACH, Expected, SWITCH, in_repository, listed};

/// Makes the files those of a branch, tag or commit; or, with `paths`, only some of them.
///
/// A branch becomes the current one; at a tag or commit the head is detached. With `paths` the branch
/// stays, and the files are staged as they were in that revision. Nothing uncommitted is ever
/// overwritten: fails where that would happen, and while a merge or rebase is in progress.
///
/// ```yaml
/// - id: stable
///   handler: git.checkout
///   config: { revision: v1.2.0 }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// The branch, tag or commit.
    revision: String,
    /// Only these files and folders, relative to the workspace; all where none are given.
    #[serde(default)]
    paths: Vec<WorkspacePath>,
}

/// Where the repository is now.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckedOut {
    /// The full id of the revision's commit.
    commit: String,
    /// The branch; null when the head is detached.
    branch: Option<String>,
    /// The branch before; null when the head was detached.
    before: Option<String>,
}

impl StepHandler for Checkout {
    const NAME: &'static str = "git.checkout";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = CheckedOut;

    fn metadata() -> Metadata {
        Metadata { title: "Check Out", category: "Git", icon: "⎇" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if let Some(problem) = revision_problem(&self.revision) {
            findings.error("git::revision", Place::Config("/revision".into()), problem);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<CheckedOut, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        ctx.unless_cancelled(async {
            let before = git.branch().await?;
            let (target, after) = self.target(&*git, before).await?;
            if self.paths.is_empty() {
                git.switch(&target).await?;
            } else {
                let paths = in_repository(ctx, &*git, &self.paths)?;
                refuse_changed(&Expected::of(ctx, &*git).await?, &paths)?;
                git.restore(&after.commit, &paths).await?;
            }
            ctx.log().info(format!("checked out {}", self.revision));
            Ok(after)
        })
        .await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<CheckedOut>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let expected = Expected::of(ctx, &*git).await?;
        let (target, after) = self.target(&*git, expected.branch.clone()).await?;
        let action = if self.paths.is_empty() {
            match &target {
                SwitchTarget::Branch(name) => format!("{SWITCH}{name}"),
                SwitchTarget::Detached(commit) => format!("{DETACH}{commit}"),
            }
        } else {
            let paths = in_repository(ctx, &*git, &self.paths)?;
            refuse_changed(&expected, &paths)?;
            format!("restore {} as in {}", paths.join(", "), self.revision)
        };
        Ok(Preview::new(format!("checks out {}", self.revision)).action(action).output(after))
    }
}

register!(step Checkout);

impl Checkout {
    async fn target(
        &self,
        git: &dyn VersionControl,
        before: Option<String>,
    ) -> Result<(SwitchTarget, CheckedOut), StepError> {
        let commit = require_revision(git, &self.revision).await?;
        let is_branch = git.resolve(&format!("refs/heads/{}", self.revision)).await?.is_some();
        let target = if is_branch {
            SwitchTarget::Branch(self.revision.clone())
        } else {
            SwitchTarget::Detached(commit.clone())
        };
        let branch = match &target {
            _ if !self.paths.is_empty() => before.clone(),
            SwitchTarget::Branch(name) => Some(name.clone()),
            SwitchTarget::Detached(_) => None,
        };
        Ok((target, CheckedOut { commit, branch, before }))
    }
}

/// Git itself would overwrite them.
fn refuse_changed(expected: &Expected, paths: &[String]) -> Result<(), StepError> {
    match expected.changed_below(paths) {
        changed if changed.is_empty() => Ok(()),
        changed => Err(StepError::permanent(format!(
            "changes that aren't committed would be lost in {}; commit or stash them first",
            listed(&changed)
        ))),
    }
}
