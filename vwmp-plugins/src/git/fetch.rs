//! `git.fetch`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{FetchRequest, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, register,
};

use super::names::remote_problem;

/// Gets commits, branches and tags from a remote. Files and the current branch stay as they are.
///
/// Trying again is safe, and done by itself (see `retry`) when the remote can't be reached. Fails for
/// good where there is no such remote and where it doesn't let the user in.
///
/// ```yaml
/// - id: fetch
///   handler: git.fetch
///   timeout: 2m
///   retry: { max_attempts: 3 }
///   config: { tags: true, unshallow: true }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The remote; that of the adapter where none is given.
    #[serde(default)]
    remote: Option<String>,
    /// Whether to get all tags, not only those of fetched commits.
    #[serde(default)]
    tags: bool,
    /// Whether to forget branches that the remote no longer has.
    #[serde(default)]
    prune: bool,
    /// Whether to get the commits that a shallow clone left out.
    #[serde(default)]
    unshallow: bool,
}

/// What was fetched.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fetched {
    /// The remote.
    remote: String,
    /// The refs that changed here.
    refs: Vec<ChangedRef>,
}

/// A ref that changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedRef {
    /// The full name here, such as `refs/remotes/origin/main`.
    name: String,
    /// What it pointed at; null when it is new.
    before: Option<String>,
    /// What it points at; null when it is gone.
    after: Option<String>,
}

impl StepHandler for Fetch {
    const NAME: &'static str = "git.fetch";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Fetched;

    fn metadata() -> Metadata {
        Metadata { title: "Fetch", category: "Git", icon: "↓" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if let Some(problem) = self.remote.as_deref().and_then(remote_problem) {
            findings.error("git::remote", Place::Config("/remote".into()), problem);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Fetched, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let request = self.request(&*git);
        let refs = ctx.unless_cancelled(git.fetch(&request)).await?;
        let refs = refs.into_iter().map(|changed| ChangedRef {
            name: changed.name,
            before: changed.before,
            after: changed.after,
        });
        let refs: Vec<ChangedRef> = refs.collect();
        let count = refs.len();
        ctx.log().info(format!(
            "fetched {count} ref{} from {}",
            if count == 1 { "" } else { "s" },
            request.remote
        ));
        Ok(Fetched { remote: request.remote, refs })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Fetched>, StepError> {
        let remote = self.request(&*ctx.require::<dyn VersionControl>()?).remote;
        Ok(Preview::new(format!("fetches from {remote}"))
            .action(format!("fetch from {remote}"))
            .known("remote", remote))
    }
}

register!(step Fetch);

impl Fetch {
    fn request(&self, git: &dyn VersionControl) -> FetchRequest {
        FetchRequest {
            remote: self.remote.clone().unwrap_or_else(|| git.default_remote().to_owned()),
            tags: self.tags,
            prune: self.prune,
            unshallow: self.unshallow,
        }
    }
}
