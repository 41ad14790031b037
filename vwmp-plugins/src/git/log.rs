//! `git.log`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{History, LogEntry, LogRequest, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use super::names::revision_problem;
use super::planned::in_repository;

/// Lists commits, newest first.
///
/// Messages are given as UTF-8, whatever they were written in. In a shallow clone commits of the past
/// are missing, which the output and a line of the log say. Fails where `from` or `to` doesn't exist.
///
/// ```yaml
/// - id: commits
///   handler: git.log
///   config:
///     from: v1.2.0
///     paths: [src]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A tag, branch or commit; it and all before it are left out.
    #[serde(default)]
    from: Option<String>,
    /// A tag, branch or commit; the last commit where none is given.
    #[serde(default)]
    to: Option<String>,
    /// Only commits that change one of these, relative to the workspace.
    #[serde(default)]
    paths: Vec<WorkspacePath>,
    /// At most so many.
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 100_000))]
    limit: usize,
}

/// Commits.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Commits {
    /// The commits, newest first.
    commits: Vec<Listed>,
    /// Whether there are more than `limit`.
    more: bool,
    /// Whether commits of the past are missing here.
    shallow: bool,
}

/// A commit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listed {
    /// Its full id.
    commit: String,
    /// The first line of the message.
    subject: String,
    /// The rest of the message.
    body: String,
    /// Who wrote it.
    author: String,
    /// The author's address.
    email: String,
    /// When it was committed, in UTC.
    date: String,
    /// Whether it merges others.
    merge: bool,
}

impl StepHandler for Log {
    const NAME: &'static str = "git.log";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Commits;

    fn metadata() -> Metadata {
        Metadata { title: "List Commits", category: "Git", icon: "≡" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>(), Capability::of::<dyn History>()]
    }

    fn validate(&self, findings: &mut Findings) {
        for (key, revision) in [("from", &self.from), ("to", &self.to)] {
            if let Some(problem) = revision.as_deref().and_then(revision_problem) {
                findings.error("git::revision", Place::Config(format!("/{key}")), problem);
            }
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Commits, StepError> {
        let commits = ctx.unless_cancelled(self.read(ctx)).await?;
        let count = commits.commits.len();
        ctx.log().info(format!("{count} commit{}", if count == 1 { "" } else { "s" }));
        if commits.shallow {
            ctx.log().warn("the clone is shallow: commits of the past are missing");
        }
        Ok(commits)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Commits>, StepError> {
        let preview = Preview::new("lists commits");
        Ok(if ctx.planned().is_empty() { preview.output(self.read(ctx).await?) } else { preview })
    }
}

register!(step Log);

impl Log {
    async fn read(&self, ctx: &StepContext) -> Result<Commits, StepError> {
        let (git, history) = (ctx.require::<dyn VersionControl>()?, ctx.require::<dyn History>()?);
        for revision in [&self.from, &self.to].into_iter().flatten() {
            require_revision(&*git, revision).await?;
        }
        let shallow = history.is_shallow().await?;
        if git.head().await?.is_none() && self.to.is_none() {
            return Ok(Commits { commits: Vec::new(), more: false, shallow });
        }
        let paths = in_repository(ctx, &*git, &self.paths)?;
        let request = LogRequest { since: self.from.clone(), until: self.to.clone(), paths };
        let entries = history.log(&request).await?;
        let more = entries.len() > self.limit;
        Ok(Commits {
            commits: entries.into_iter().take(self.limit).map(Listed::from).collect(),
            more,
            shallow,
        })
    }
}

/// Fails where a name stands for no commit.
pub(super) async fn require_revision(git: &dyn VersionControl, revision: &str) -> Result<String, StepError> {
    git.resolve(revision).await?.ok_or_else(|| {
        StepError::permanent(format!("there is no tag, branch or commit `{revision}` in this repository"))
    })
}

impl From<LogEntry> for Listed {
    fn from(entry: LogEntry) -> Self {
        let (subject, body) = entry.message.split_once('\n').unwrap_or((&entry.message, ""));
        Self {
            subject: subject.trim().to_owned(),
            body: body.trim().to_owned(),
            date: Timestamp::from_second(entry.time).map(|time| time.to_string()).unwrap_or_default(),
            commit: entry.id,
            author: entry.author,
            email: entry.email,
            merge: entry.merge,
        }
    }
}

fn limit() -> usize {
    1000
}
