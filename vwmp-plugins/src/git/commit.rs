//! `git.commit`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{CommitRequest, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    register,
};

use super::planned::{COMMIT, Expected, listed};

/// Commits what is staged.
///
/// Hooks are run, and may refuse; the commit is signed where the repository is set up to sign. Fails
/// where nothing is staged (unless `allow_empty` is set), where a merge, rebase, cherry-pick or revert
/// is in progress, where git doesn't know who commits, and where signing fails.
///
/// Undoing it moves the branch back to the commit before and leaves the changes staged; it refuses
/// when the commit isn't the last one any more.
///
/// ```yaml
/// - id: commit
///   handler: git.commit
///   config:
///     message: "release: v$<step-outputs.bump.new_version>"
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct Commit {
    /// The message; its first line is the subject.
    message: String,
    /// Whether to commit though nothing is staged.
    #[serde(default)]
    allow_empty: bool,
}

/// The commit that was made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Committed {
    /// Its full id.
    commit: String,
    /// The paths it changes, relative to the top of the repository.
    files: Vec<String>,
}

impl StepHandler for Commit {
    const NAME: &'static str = "git.commit";
    const EFFECT: Effect = Effect::Once;
    type Output = Committed;

    fn metadata() -> Metadata {
        Metadata { title: "Commit", category: "Git", icon: "●" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if self.message.trim().is_empty() {
            findings.error("git::message", Place::Config("/message".into()), "the message is empty");
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Committed, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let request = CommitRequest { message: self.message.clone(), allow_empty: self.allow_empty };
        let made = ctx.unless_cancelled(git.commit(&request)).await?;
        ctx.log().info(format!("committed {} with {}", made.id, listed(&made.files)));
        Ok(Committed { commit: made.id, files: made.files })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Committed>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let staged = Expected::of(ctx, &*git).await?.staged();
        let files = listed(&staged);
        let subject = self.message.lines().next().unwrap_or_default();
        Ok(Preview::new(format!("commits `{subject}`"))
            .action(format!("{COMMIT}`{}` with {files}", self.message.trim_end()))
            .known("files", staged))
    }
}

impl Undo for Commit {
    async fn undo(&self, output: &Committed, ctx: &StepContext) -> Result<(), StepError> {
        ctx.require::<dyn VersionControl>()?.undo_commit(&output.commit).await
    }
}

register!(step Commit: undo);
