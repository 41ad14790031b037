//! `git.checkout`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{DiffRequest, SwitchTarget, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place as ConfigPlace, Preview, StepContext, StepError,
    StepHandler, Undo, WorkspacePath, register,
};

use crate::kept::nothing_kept;

use super::log::require_revision;
use super::names::revision_problem;
use super::place::Place;
use super::planned::{DETACH, Expected, SWITCH, in_repository, listed};

/// Makes the files those of a branch, tag or commit; or, with `paths`, only some of them.
///
/// A branch becomes the current one; at a tag or commit the head is detached. With `paths` the branch
/// stays, and the files are staged as they were in that revision. Nothing uncommitted is ever
/// overwritten: fails where that would happen, and while a merge or rebase is in progress.
///
/// Undoing it goes back to the branch or commit before, or restores the files; it refuses when somebody has changed them
/// or gone elsewhere since, and where changes that aren't committed would be lost.
///
/// ```yaml
/// - id: stable
///   handler: git.checkout
///   config: { revision: v1.2.0 }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct Checkout {
    /// The branch, tag or commit.
    revision: String,
    /// Only these files and folders, relative to the workspace; all where none are given.
    #[serde(default)]
    paths: Vec<WorkspacePath>,
}

/// Where the repository is now.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
            findings.error("git::revision", ConfigPlace::Config("/revision".into()), problem);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<CheckedOut, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        ctx.unless_cancelled(async {
            let at = Place::of(&*git).await?;
            let (target, after) = self.target(&*git, at.branch.clone()).await?;
            let noted = Noted { at, branch: after.branch.clone(), commit: after.commit.clone() };
            if self.paths.is_empty() {
                ctx.note(LIST, &noted).await?;
                git.switch(&target).await?;
            } else {
                let paths = in_repository(ctx, &*git, &self.paths)?;
                refuse_changed(&Expected::of(ctx, &*git).await?, &paths)?;
                ctx.note(LIST, &noted).await?;
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

/// The list of where attempts were about to go.
const LIST: &str = "checkout";

/// Where an attempt was about to go, and from where.
#[derive(Serialize, Deserialize)]
struct Noted {
    at: Place,
    branch: Option<String>,
    commit: String,
}

impl Undo for Checkout {
    async fn undo(&self, output: Option<&CheckedOut>, ctx: &StepContext) -> Result<(), StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let noted = ctx.notes::<Noted>(LIST).await?;
        let (Some(first), Some(last)) = (noted.first(), noted.last()) else {
            return nothing_kept(output.is_some());
        };
        if !self.paths.is_empty() {
            return self.restore_paths(ctx, &*git, first).await;
        }
        let now = Place::of(&*git).await?;
        if now.branch == first.at.branch && (now.branch.is_some() || now.head == first.at.head) {
            return Ok(());
        }
        if now.branch != last.branch || (now.branch.is_none() && now.head.as_ref() != Some(&last.commit)) {
            let (back, now) = (first.at.name(), now.name());
            let message = format!("can't go back to {back}: somebody has checked out {now} since");
            return Err(StepError::permanent(message));
        }
        first.at.go_back(&*git).await?;
        ctx.log().info(format!("went back to {}", first.at.name()));
        Ok(())
    }
}

register!(step Checkout: undo);

impl Checkout {
    /// Nothing uncommitted was in them before, so what they had is in the commit that was the last one.
    async fn restore_paths(
        &self,
        ctx: &StepContext,
        git: &dyn VersionControl,
        noted: &Noted,
    ) -> Result<(), StepError> {
        let paths = in_repository(ctx, git, &self.paths)?;
        let Some(head) = &noted.at.head else { return Ok(()) };
        if differing(git, head, &paths).await?.is_empty() {
            return Ok(());
        }
        let changed = differing(git, &noted.commit, &paths).await?;
        if !changed.is_empty() {
            let message = format!("can't restore {}: changed since", listed(&changed));
            return Err(StepError::permanent(message));
        }
        git.restore(head, &paths).await?;
        ctx.log().info(format!("restored {}", paths.join(", ")));
        Ok(())
    }

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

/// The files that are, or are staged, otherwise than in a commit.
async fn differing(
    git: &dyn VersionControl,
    commit: &str,
    paths: &[String],
) -> Result<Vec<String>, StepError> {
    let mut files = Vec::new();
    for staged in [false, true] {
        let (from, paths) = (Some(commit.to_owned()), paths.to_vec());
        let request = DiffRequest { from, to: None, staged, paths, patch: false };
        files.extend(git.diff(&request).await?.files.into_iter().map(|file| file.path));
    }
    files.sort();
    files.dedup();
    Ok(files)
}
