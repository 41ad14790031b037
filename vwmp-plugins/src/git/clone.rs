//! `git.clone`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{CloneRequest, RepositorySource};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use super::names::{name_problem, remote_problem};

/// Copies a repository into a folder of the workspace: all of it or nothing.
///
/// A folder that is a copy of the same repository already stays as it is; a `git.fetch` brings it up
/// to date. Trying again is safe, and done by itself (see `retry`) when the remote can't be reached.
/// Fails for good where the folder has something else in it, where there is no such repository, branch
/// or tag, and where the remote doesn't let the user in. Submodules are left out.
///
/// ```yaml
/// - id: docs
///   handler: git.clone
///   timeout: 5m
///   config:
///     url: https://example.com/acme/docs.git
///     into: build/docs
///     depth: 1
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clone {
    /// The URL, or a path. Without a password in it: that is for a credential helper.
    url: String,
    /// The folder, relative to the workspace.
    into: WorkspacePath,
    /// The branch or tag to begin with; the remote's own choice where none is given.
    #[serde(default)]
    revision: Option<String>,
    /// Only so many commits of the past; all where none is given.
    #[serde(default)]
    #[schemars(range(min = 1))]
    depth: Option<u32>,
}

/// The copy.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Copied {
    /// The folder, relative to the workspace.
    path: String,
    /// The full id of its last commit; null in an empty repository.
    commit: Option<String>,
    /// The branch; null when the head is detached.
    branch: Option<String>,
    /// Whether this step made it.
    created: bool,
}

impl StepHandler for Clone {
    const NAME: &'static str = "git.clone";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Copied;

    fn metadata() -> Metadata {
        Metadata { title: "Clone a Repository", category: "Git", icon: "⧉" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn RepositorySource>()]
    }

    fn validate(&self, findings: &mut Findings) {
        let url = || Place::Config("/url".into());
        if let Some(problem) = remote_problem(&self.url) {
            findings.error("git::remote", url(), problem);
        }
        if has_password(&self.url) {
            let message = "the URL has a password in it, which other programs could see";
            findings.error("git::password", url(), message).help("leave it to a credential helper of git");
        }
        if let Some(problem) = self.revision.as_deref().and_then(name_problem) {
            let message = format!("`revision` can't be a branch or tag: {problem}");
            findings.error("git::revision", Place::Config("/revision".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Copied, StepError> {
        let source = ctx.require::<dyn RepositorySource>()?;
        let copy = ctx.unless_cancelled(source.copy_into(&self.request())).await?;
        let verb = if copy.created { "cloned into" } else { "found a copy in" };
        ctx.log().info(format!("{verb} {}", self.into));
        Ok(Copied {
            path: self.into.to_string(),
            commit: copy.commit,
            branch: copy.branch,
            created: copy.created,
        })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Copied>, StepError> {
        let source = ctx.require::<dyn RepositorySource>()?;
        let known = |preview: Preview<Copied>, created: bool| {
            preview.known("path", self.into.as_str()).known("created", created)
        };
        if source.is_there(&self.request()).await? {
            return Ok(known(Preview::new(format!("finds a copy in {}", self.into)), false));
        }
        let what = format!("{} into {}", self.url, self.into);
        Ok(known(Preview::new(format!("clones {what}")).action(format!("clone {what}")), true))
    }
}

register!(step Clone);

impl Clone {
    fn request(&self) -> CloneRequest {
        CloneRequest {
            url: self.url.clone(),
            into: self.into.clone(),
            revision: self.revision.clone(),
            depth: self.depth,
        }
    }
}

/// `scheme://user:password@host`.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}
