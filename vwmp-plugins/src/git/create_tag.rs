//! `git.create_tag`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{TagRequest, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    register,
};

use super::names::name_problem;
use super::planned::Expected;

/// Creates a tag at the last commit: an annotated one with a `message`, a lightweight one without.
///
/// Where the tag is there already and points at the last commit, nothing is done. Fails where it
/// points at another commit, where there is no commit yet, and where signing fails. Tags are never
/// moved.
///
/// Undoing it deletes the tag, if this step created it and it still points at the same commit.
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
                    git.create_tag(&self.request()).await?;
                    true
                }
                Some(there) => self.already(&there, &commit)?,
            };
            ctx.log().info(format!("tag {} is at {commit}", self.name));
            Ok(Tagged { name: self.name.clone(), commit, created })
        })
        .await
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

impl Undo for CreateTag {
    async fn undo(&self, output: &Tagged, ctx: &StepContext) -> Result<(), StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        match git.tag(&output.name).await? {
            _ if !output.created => Ok(()),
            None => Ok(()),
            Some(there) if there == output.commit => git.delete_tag(&output.name).await,
            Some(there) => Err(StepError::permanent(format!(
                "can't delete the tag `{}`: it has been moved to {there} since",
                output.name
            ))),
        }
    }
}

register!(step CreateTag: undo);
