//! `git.status`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{FileState, RepositoryState, VersionControl};
use vwmp_interfaces::{Capability, Effect, Metadata, Preview, StepContext, StepError, StepHandler, register};

use super::planned::listed;

/// Tells where the repository stands: branch, last commit, and every file that differs from it.
///
/// `ahead` and `behind` count from the last fetch. Files that git ignores aren't listed.
///
/// ```yaml
/// - id: repository
///   handler: git.status
/// - id: build
///   handler: shell.run
///   when: "!steps.repository.outputs.clean"
///   config: { run: echo "built from $<step-outputs.repository.branch> with changes" }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {}

/// Where the repository stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Standing {
    /// The branch; null when the head is detached.
    branch: Option<String>,
    /// The full id of the last commit; null before the first.
    commit: Option<String>,
    /// The branch that this one follows, such as `origin/main`.
    upstream: Option<String>,
    /// Commits that the upstream lacks.
    ahead: Option<u64>,
    /// Commits that only the upstream has.
    behind: Option<u64>,
    /// Whether commits of the past are missing here.
    shallow: bool,
    /// What has been begun and not finished: `merge`, `rebase`, `cherry-pick` or `revert`.
    unfinished: Option<String>,
    /// Whether no file differs from the last commit.
    clean: bool,
    /// Files with staged changes.
    staged: Vec<String>,
    /// Files that differ from what is staged.
    changed: Vec<String>,
    /// Files that git doesn't know.
    untracked: Vec<String>,
    /// Files with unresolved conflicts.
    conflicted: Vec<String>,
    /// Submodules among those above.
    submodules: Vec<String>,
}

impl StepHandler for Status {
    const NAME: &'static str = "git.status";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Standing;

    fn metadata() -> Metadata {
        Metadata { title: "Repository Status", category: "Git", icon: "≡" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Standing, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let state = ctx.unless_cancelled(git.state()).await?;
        let files: Vec<String> = state.files.iter().map(|file| file.path.clone()).collect();
        let branch = state.branch.as_deref().unwrap_or("a detached head");
        ctx.log().info(format!("on {branch} with {} that differ from the last commit", listed(&files)));
        Ok(Standing::from(state))
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Standing>, StepError> {
        let preview = Preview::new("looks at the repository");
        if !ctx.planned().is_empty() {
            return Ok(preview);
        }
        let git = ctx.require::<dyn VersionControl>()?;
        Ok(preview.output(git.state().await?.into()))
    }
}

register!(step Status);

impl From<RepositoryState> for Standing {
    fn from(state: RepositoryState) -> Self {
        let files = |wanted: fn(&FileState) -> bool| {
            state.files.iter().filter(|file| wanted(file)).map(|file| file.path.clone()).collect()
        };
        Self {
            clean: state.files.is_empty(),
            staged: files(|file| file.staged),
            changed: files(|file| file.changed),
            untracked: files(|file| file.untracked),
            conflicted: files(|file| file.conflicted),
            submodules: files(|file| file.submodule),
            branch: state.branch,
            commit: state.head,
            upstream: state.upstream,
            ahead: state.ahead,
            behind: state.behind,
            shallow: state.shallow,
            unfinished: state.unfinished,
        }
    }
}
