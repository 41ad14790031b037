//! `git.create_tag`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{MadeTag, TagRequest, VersionControl};
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    register,
};

use crate::kept::nothing_kept;

use super::made::comes_from;
use super::names::name_problem;
use super::planned::Expected;

/// Creates a tag at the last commit: an annotated one with a `message`, a lightweight one without.
///
/// Where the tag is there already and points at the last commit, nothing is done. Fails where it
/// points at another commit, where there is no commit yet, and where signing fails. Tags are never
/// moved.
///
/// Undoing it deletes the tag, if this step created it; it refuses when the tag has been moved or made anew since, and
/// when its commit isn't the last one any more.
///
/// ```yaml
/// - id: tag
///   handler: git.create_tag
///   needs: [commit]
///   config:
///     name: v$<step-outputs.bump.new_version>
///     message: Version $<step-outputs.bump.new_version>
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct CreateTag {
    /// The tag's name.
    name: String,
    /// The message of an annotated tag.
    #[serde(default)]
    message: Option<String>,
    /// Whether to sign the tag; as the repository is set up where this isn't given.
    #[serde(default)]
    sign: Option<bool>,
}

/// The tag.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tagged {
    /// Its name.
    name: String,
    /// The full id of the commit it points at.
    commit: String,
    /// Whether this step created it.
    created: bool,
}

impl StepHandler for CreateTag {
    const NAME: &'static str = "git.create_tag";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Tagged;

    fn metadata() -> Metadata {
        Metadata { title: "Create a Tag", category: "Git", icon: "⚑" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if let Some(problem) = name_problem(&self.name) {
            let message = format!("`{}` can't be a tag: {problem}", self.name);
            findings.error("git::tag-name", Place::Config("/name".into()), message);
        }
        if self.message.as_ref().is_some_and(|message| message.trim().is_empty()) {
            findings.error("git::message", Place::Config("/message".into()), "the message is empty");
        }
        if self.sign == Some(true) && self.message.is_none() {
            let message = "a signed tag needs a `message`";
            findings.error("git::message", Place::Config("/sign".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Tagged, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        ctx.unless_cancelled(async {
            let commit = last_commit(&*git).await?;
            let created = match git.tag(&self.name).await? {
                None => {
                    ctx.note(LIST, &Noted { commit: commit.clone() }).await?;
                    git.create_tag(&self.request()).await?;
                    if let Some(made) = git.made_tag(&self.name).await? {
                        ctx.keep(OBJECT, made.object.as_bytes()).await?;
                    }
                    true
                }
                Some(there) => self.already(&there, &commit)?,
            };
            ctx.log().info(format!("tag {} is at {commit}", self.name));
            Ok(Tagged { name: self.name.clone(), commit, created })
        })
        .await
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Tagged>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let Some(noted) = ctx.notes::<Noted>(LIST).await?.pop() else { return Ok(Done::No) };
        Ok(match git.made_tag(&self.name).await? {
            None => Done::No,
            Some(there) if self.is_ours(ctx, &there, &noted).await? => {
                Done::Yes(Tagged { name: self.name.clone(), commit: there.commit, created: true })
            }
            Some(_) => Done::Unknown,
        })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Tagged>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let there = git.tag(&self.name).await?;
        let kind = if self.message.is_some() { "annotated" } else { "lightweight" };
        let creates = |at: &str| {
            Preview::new(format!("creates the tag {}", self.name))
                .action(format!("create the {kind} tag {} at {at}", self.name))
        };
        if Expected::of(ctx, &*git).await?.new_commit {
            return match there {
                Some(there) => Err(self.elsewhere(&there, "the new commit")),
                None => Ok(creates("the new commit").known("name", self.name.clone()).known("created", true)),
            };
        }
        let commit = last_commit(&*git).await?;
        let (preview, created) = match there {
            Some(there) => (
                Preview::new(format!("finds the tag {} in place", self.name)),
                self.already(&there, &commit)?,
            ),
            None => (creates(&commit), true),
        };
        Ok(preview.output(Tagged { name: self.name.clone(), commit, created }))
    }
}

impl CreateTag {
    fn request(&self) -> TagRequest {
        TagRequest { name: self.name.clone(), message: self.message.clone(), sign: self.sign }
    }

    /// `false`, for not created, when the tag is where it should be.
    fn already(&self, there: &str, commit: &str) -> Result<bool, StepError> {
        if there == commit { Ok(false) } else { Err(self.elsewhere(there, commit)) }
    }

    fn elsewhere(&self, there: &str, commit: &str) -> StepError {
        StepError::permanent(format!(
            "the tag `{}` is already at {there}, not at {commit}; choose another name, or delete it if it \
             was a mistake",
            self.name
        ))
    }
}

async fn last_commit(git: &dyn VersionControl) -> Result<String, StepError> {
    let head = git.head().await?;
    head.ok_or_else(|| StepError::permanent("there is no commit to tag yet"))
}

/// The list of the commits that attempts were about to tag.
const LIST: &str = "tag";

/// The name under which the tag that was made is kept.
const OBJECT: &str = "object";

/// What an attempt was about to tag.
#[derive(Serialize, Deserialize)]
struct Noted {
    commit: String,
}

impl CreateTag {
    /// Whether a tag is what an attempt of this step made.
    async fn is_ours(&self, ctx: &StepContext, there: &MadeTag, noted: &Noted) -> Result<bool, StepError> {
        if let Some(object) = ctx.kept(OBJECT).await? {
            return Ok(object == there.object.as_bytes());
        }
        let same_message = match (&there.message, &self.message) {
            (Some(message), Some(given)) => comes_from(message, given),
            (None, None) => true,
            _ => false,
        };
        Ok(same_message && there.commit == noted.commit)
    }
}

impl Undo for CreateTag {
    async fn undo(&self, output: Option<&Tagged>, ctx: &StepContext) -> Result<(), StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let Some(noted) = ctx.notes::<Noted>(LIST).await?.pop() else {
            return nothing_kept(output.is_some_and(|output| output.created));
        };
        let Some(there) = git.made_tag(&self.name).await? else { return Ok(()) };
        if !self.is_ours(ctx, &there, &noted).await? {
            let at = if there.commit == noted.commit { "made anew" } else { "moved" };
            return Err(StepError::permanent(format!(
                "can't delete the tag `{}`: it has been {at} since, and is at {}",
                self.name, there.commit
            )));
        }
        // The commit of an older release stays, so its tag does too: half a release helps nobody.
        if git.head().await?.as_ref() != Some(&there.commit) {
            return Err(StepError::permanent(format!(
                "can't delete the tag `{name}`: {}, which it is at, isn't the last commit any more; \
                 `git tag --delete {name}` deletes it all the same",
                there.commit,
                name = self.name
            )));
        }
        git.delete_tag(&self.name, &there.object).await?;
        ctx.log().info(format!("deleted the tag {}", self.name));
        Ok(())
    }
}

register!(step CreateTag: undo);
