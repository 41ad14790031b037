//! `git.push`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{PushRequest, VersionControl};
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler,
    register,
};

use super::names::{name_problem, remote_problem};
use super::planned::Expected;

/// Pushes the current branch and chosen tags to a remote: all of them or none, and never by force.
///
/// Hooks are run, and may refuse. Trying again is safe, and done by itself (see `retry`) when the
/// remote can't be reached. Fails for good where the remote has commits that are missing here,
/// where it refuses, where it doesn't let the user in, where a tag doesn't exist, and where the
/// head is detached, so that there is no branch to push.
///
/// What is pushed can't be taken back: a run that fails after it is continued, not rolled back.
///
/// ```yaml
/// - id: push
///   handler: git.push
///   retry: { max_attempts: 3 }
///   config:
///     tags: [$<step-outputs.tag.name>]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct Push {
    /// The remote; that of the adapter where none is given.
    #[serde(default)]
    remote: Option<String>,
    /// Whether to push the current branch.
    #[serde(default = "yes")]
    branch: bool,
    /// The tags to push, by name.
    #[serde(default)]
    tags: Vec<String>,
}

/// What was pushed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pushed {
    /// The remote.
    remote: String,
    /// The full names of the refs.
    refs: Vec<String>,
}

impl StepHandler for Push {
    const NAME: &'static str = "git.push";
    const EFFECT: Effect = Effect::Idempotent;
    const POINT_OF_NO_RETURN: bool = true;
    type Output = Pushed;

    fn metadata() -> Metadata {
        Metadata { title: "Push", category: "Git", icon: "↑" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if !self.branch && self.tags.is_empty() {
            let message = "there is nothing to push: `branch` is false and `tags` is empty";
            findings.error("git::nothing-to-push", Place::Config(String::new()), message);
        }
        if let Some(problem) = self.remote.as_deref().and_then(remote_problem) {
            findings.error("git::remote", Place::Config("/remote".into()), problem);
        }
        for (index, tag) in self.tags.iter().enumerate() {
            if let Some(problem) = name_problem(tag) {
                let message = format!("`{tag}` can't be a tag: {problem}");
                findings.error("git::tag-name", Place::Config(format!("/tags/{index}")), message);
            }
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Pushed, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        ctx.unless_cancelled(async {
            for tag in &self.tags {
                if git.tag(tag).await?.is_none() {
                    return Err(StepError::invalid(format!("there is no tag `{tag}` to push")));
                }
            }
            let request = self.request(git.branch().await?, &*git)?;
            git.push(&request).await?;
            ctx.log().info(format!("pushed {} to {}", request.refs.join(" and "), request.remote));
            Ok(Pushed { remote: request.remote, refs: request.refs })
        })
        .await
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Pushed>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let request = self.request(git.branch().await?, &*git)?;
        let there = ctx.unless_cancelled(git.remote_refs(&request.remote, &request.refs)).await?;
        let (mut all, mut tags) = (true, 0);
        for name in &request.refs {
            let there = there.iter().find(|there| there.name == *name).map(|there| &there.id);
            let Some((here, there)) = git.local_ref(name).await?.zip(there) else { return Ok(Done::No) };
            if here == *there {
                tags += usize::from(name.starts_with("refs/tags/"));
            } else if name.starts_with("refs/tags/") || git.contains(there).await? {
                return Ok(Done::No);
            } else {
                // Others have pushed to the branch: before this step, or after it.
                all = false;
            }
        }
        // All is pushed or nothing is: where the tags are, the branch has been.
        Ok(if all || tags > 0 {
            Done::Yes(Pushed { remote: request.remote, refs: request.refs })
        } else {
            Done::Unknown
        })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Pushed>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let branch = Expected::of(ctx, &*git).await?.branch;
        let PushRequest { remote, refs } = self.request(branch, &*git)?;
        let what = format!("{} to {remote}", refs.join(" and "));
        Ok(Preview::new(format!("pushes {what}"))
            .action(format!("push {what}"))
            .output(Pushed { remote, refs }))
    }
}

impl Push {
    fn request(&self, branch: Option<String>, git: &dyn VersionControl) -> Result<PushRequest, StepError> {
        let mut refs = Vec::new();
        if self.branch {
            let branch = branch.ok_or_else(|| {
                StepError::invalid(
                    "there is no branch to push: the head is detached; run `git switch BRANCH`, or set \
                     `branch: false`",
                )
            })?;
            refs.push(format!("refs/heads/{branch}"));
        }
        refs.extend(self.tags.iter().map(|tag| format!("refs/tags/{tag}")));
        let remote = self.remote.clone().unwrap_or_else(|| git.default_remote().to_owned());
        Ok(PushRequest { remote, refs })
    }
}

fn yes() -> bool {
    true
}

register!(step Push);
