//! `git.branch`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{SwitchTarget, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place as ConfigPlace, Preview, StepContext, StepError,
    StepHandler, Undo, register,
};

use crate::kept::nothing_kept;

use super::log::require_revision;
use super::names::{name_problem, revision_problem};
use super::place::Place;
use super::planned::{Expected, SWITCH};

/// Creates a branch where there is none of that name, and switches to it.
///
/// A branch that is there is never moved: with `from` given, it has to be at that commit. Changes that
/// aren't committed come along; fails where the switch would overwrite one, where another worktree uses
/// the branch, and while a merge or rebase is in progress.
///
/// Undoing it switches back, and deletes the branch if this step created it and nothing was committed
/// to it.
///
/// ```yaml
/// - id: branch
///   handler: git.branch
///   config:
///     name: release/$<parameters.version>
///     from: main
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct Branch {
    /// The branch's name.
    name: String,
    /// The tag, branch or commit it begins at; the last commit where none is given.
    #[serde(default)]
    from: Option<String>,
    /// Whether to switch to it.
    #[serde(default = "yes")]
    switch: bool,
}

/// The branch.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Branched {
    /// Its name.
    name: String,
    /// The full id of its last commit.
    commit: String,
    /// Whether this step created it.
    created: bool,
    /// The branch before this step switched to it; null when it didn't.
    before: Option<String>,
}

impl StepHandler for Branch {
    const NAME: &'static str = "git.branch";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Branched;

    fn metadata() -> Metadata {
        Metadata { title: "Create a Branch", category: "Git", icon: "⎇" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if let Some(problem) = name_problem(&self.name) {
            let message = format!("`{}` can't be a branch: {problem}", self.name);
            findings.error("git::branch-name", ConfigPlace::Config("/name".into()), message);
        }
        if let Some(problem) = self.from.as_deref().and_then(revision_problem) {
            findings.error("git::revision", ConfigPlace::Config("/from".into()), problem);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Branched, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        ctx.unless_cancelled(async {
            let (commit, created) = self.place(&*git).await?;
            let at = Place::of(&*git).await?;
            let switches = self.switch && at.branch.as_ref() != Some(&self.name);
            if created || switches {
                let noted = Noted { at: at.clone(), commit: commit.clone(), created, switches };
                ctx.note(LIST, &noted).await?;
            }
            if created {
                git.create_branch(&self.name, &commit).await?;
            }
            if switches {
                git.switch(&SwitchTarget::Branch(self.name.clone())).await?;
            }
            ctx.log().info(format!("the branch {} is at {commit}", self.name));
            let before = at.branch.filter(|_| switches);
            Ok(Branched { name: self.name.clone(), commit, created, before })
        })
        .await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Branched>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let expected = Expected::of(ctx, &*git).await?;
        let (commit, created) = self.place(&*git).await?;
        let at_new = expected.new_commit && self.from.is_none();
        let at = if at_new { "the new commit" } else { commit.as_str() };
        let mut preview = Preview::new(format!("uses the branch {}", self.name));
        if created {
            preview = preview.action(format!("create the branch {} at {at}", self.name));
        }
        let switches = self.switch && expected.branch.as_ref() != Some(&self.name);
        if switches {
            preview = preview.action(format!("{SWITCH}{}", self.name));
        }
        if at_new {
            return Ok(preview.known("name", self.name.clone()).known("created", created));
        }
        let before = expected.branch.filter(|_| switches);
        Ok(preview.output(Branched { name: self.name.clone(), commit, created, before }))
    }
}

/// The list of what attempts were about to do.
const LIST: &str = "branch";

/// What an attempt was about to do, and from where.
#[derive(Serialize, Deserialize)]
struct Noted {
    at: Place,
    commit: String,
    created: bool,
    switches: bool,
}

impl Undo for Branch {
    async fn undo(&self, output: Option<&Branched>, ctx: &StepContext) -> Result<(), StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let noted = ctx.notes::<Noted>(LIST).await?;
        if noted.is_empty() {
            return nothing_kept(output.is_some_and(|output| output.created || output.before.is_some()));
        }
        let is_current = async || Ok::<_, StepError>(git.branch().await?.as_ref() == Some(&self.name));
        if let Some(first) = noted.iter().find(|attempt| attempt.switches)
            && is_current().await?
        {
            first.at.go_back(&*git).await?;
            ctx.log().info(format!("went back to {}", first.at.name()));
        }
        let Some(made) = noted.iter().find(|attempt| attempt.created) else { return Ok(()) };
        let Some(there) = git.resolve(&full(&self.name)).await? else { return Ok(()) };
        let fails =
            |why: &str| StepError::permanent(format!("can't delete the branch `{}`: {why}", self.name));
        if is_current().await? {
            return Err(fails("it is the current one"));
        }
        if there != made.commit {
            return Err(fails("something has been committed to it since"));
        }
        git.delete_branch(&self.name, &made.commit).await?;
        ctx.log().info(format!("deleted the branch {}", self.name));
        Ok(())
    }
}

register!(step Branch: undo);

impl Branch {
    /// The commit that the branch is at or begins at, and whether it has to be created.
    async fn place(&self, git: &dyn VersionControl) -> Result<(String, bool), StepError> {
        let start = match &self.from {
            Some(from) => Some(require_revision(git, from).await?),
            None => git.head().await?,
        };
        match (git.resolve(&full(&self.name)).await?, start) {
            (Some(there), Some(start)) if self.from.is_some() && there != start => {
                Err(StepError::permanent(format!(
                    "the branch `{}` is already at {there}, not at {start}; choose another name, or leave `from` out",
                    self.name
                )))
            }
            (Some(there), _) => Ok((there, false)),
            (None, Some(start)) => Ok((start, true)),
            (None, None) => Err(StepError::permanent("there is no commit yet at which a branch could begin")),
        }
    }
}

fn full(name: &str) -> String {
    format!("refs/heads/{name}")
}

fn yes() -> bool {
    true
}
