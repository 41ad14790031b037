//! `git.commit`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{CommitRequest, MadeCommit, VersionControl};
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Place as ConfigPlace, Preview, StepContext, StepError,
    StepHandler, Undo, register,
};

use crate::kept::nothing_kept;

use super::made::comes_from;
use super::place::Place;
use super::planned::{COMMIT, Expected, listed};

/// Commits what is staged.
///
/// Hooks are run, and may refuse; the commit is signed where the repository is set up to sign. Fails
/// where nothing is staged (unless `allow_empty` is set), where a merge, rebase, cherry-pick or revert
/// is in progress, where git doesn't know who commits, and where signing fails.
///
/// Undoing it moves the branch back to the commit before and leaves the changes staged; it refuses
/// when the commit isn't the last one any more, and when it has been pushed.
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
            let place = ConfigPlace::Config("/message".into());
            findings.error("git::message", place, "the message is empty");
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Committed, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let request = CommitRequest { message: self.message.clone(), allow_empty: self.allow_empty };
        // What is staged has no tree while a merge has conflicts; git says so in a moment.
        let (at, tree) = (Place::of(&*git).await?, git.staged_tree().await.ok());
        ctx.note(LIST, &Noted { at, tree }).await?;
        let made = ctx.unless_cancelled(git.commit(&request)).await?;
        ctx.log().info(format!("committed {} with {}", made.id, listed(&made.files)));
        Ok(Committed { commit: made.id, files: made.files })
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Committed>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let Some(noted) = ctx.notes::<Noted>(LIST).await?.pop() else { return Ok(Done::No) };
        if git.head().await? == noted.at.head {
            return Ok(Done::No);
        }
        Ok(match self.made(&*git, &noted).await? {
            Some(made) => Done::Yes(Committed { commit: made.id, files: made.files }),
            None => Done::Unknown,
        })
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
    async fn undo(&self, output: Option<&Committed>, ctx: &StepContext) -> Result<(), StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let Some(noted) = ctx.notes::<Noted>(LIST).await?.pop() else {
            return nothing_kept(output.is_some());
        };
        if git.head().await? == noted.at.head {
            return Ok(());
        }
        let id = match output {
            Some(output) => output.commit.clone(),
            None => self.made(&*git, &noted).await?.ok_or_else(unrecognised)?.id,
        };
        let fails = |why: String| StepError::permanent(format!("can't take back the commit {id}: {why}"));
        if git.branch().await? != noted.at.branch {
            return Err(fails(format!("{} isn't checked out any more", noted.at.name())));
        }
        if let Some(remote) = git.published(&id).await?.first() {
            return Err(fails(format!("it has been pushed, and {remote} has it")));
        }
        git.undo_commit(&id).await?;
        ctx.log().info(format!("took back the commit {id}; its changes are staged"));
        Ok(())
    }
}

register!(step Commit: undo);

/// The list of where attempts were about to commit.
const LIST: &str = "commit";

/// Where an attempt was about to commit, and what.
#[derive(Serialize, Deserialize)]
struct Noted {
    at: Place,
    tree: Option<String>,
}

impl Commit {
    /// The last commit, if an attempt of this step made it.
    async fn made(&self, git: &dyn VersionControl, noted: &Noted) -> Result<Option<MadeCommit>, StepError> {
        let last = git.made_commit("HEAD").await?;
        Ok(last.filter(|last| {
            last.parents.iter().eq(&noted.at.head)
                && Some(&last.tree) == noted.tree.as_ref()
                && comes_from(&last.message, &self.message)
        }))
    }
}

fn unrecognised() -> StepError {
    StepError::permanent(
        "can't tell whether the last commit is this step's; look at it, and take it back by hand",
    )
}
