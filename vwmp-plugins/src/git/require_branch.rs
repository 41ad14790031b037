//! `git.require_branch`.

use globset::GlobBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::VersionControl;
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, register,
};

use super::names::remote_problem;
use super::planned::Expected;

/// Fails unless the current branch is one of those named.
///
/// With `up_to_date`, asks the remote whether it has commits of this branch that are missing here, so
/// that a release stops before it has done anything rather than at its push. Fails then as well where
/// the remote can't be reached, which may be tried again.
///
/// ```yaml
/// - id: on-main
///   handler: git.require_branch
///   config:
///     branches: [main, release/*]
///     up_to_date: true
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequireBranch {
    /// Names, or patterns: `*` is anything but `/`, `**` anything, `{a,b}` one of them.
    #[schemars(length(min = 1))]
    branches: Vec<String>,
    /// Whether the remote may have no commit of the branch that is missing here.
    #[serde(default)]
    up_to_date: bool,
    /// The remote to ask; that of the adapter where none is given.
    #[serde(default)]
    remote: Option<String>,
}

/// The branch.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnBranch {
    /// Its name.
    branch: String,
}

impl StepHandler for RequireBranch {
    const NAME: &'static str = "git.require_branch";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = OnBranch;

    fn metadata() -> Metadata {
        Metadata { title: "Require a Branch", category: "Git", icon: "✓" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    fn validate(&self, findings: &mut Findings) {
        for (index, pattern) in self.branches.iter().enumerate() {
            if let Err(error) = matches(pattern, "") {
                let place = Place::Config(format!("/branches/{index}"));
                findings.error("git::branch-pattern", place, error);
            }
        }
        if let Some(problem) = self.remote.as_deref().and_then(remote_problem) {
            findings.error("git::remote", Place::Config("/remote".into()), problem);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<OnBranch, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        ctx.unless_cancelled(async {
            let branch = self.allowed(git.branch().await?)?;
            if self.up_to_date {
                self.refuse_behind(&*git, &branch).await?;
            }
            Ok(OnBranch { branch })
        })
        .await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<OnBranch>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let branch = self.allowed(Expected::of(ctx, &*git).await?.branch)?;
        if self.up_to_date {
            self.refuse_behind(&*git, &branch).await?;
        }
        Ok(Preview::new(format!("finds the branch {branch}")).output(OnBranch { branch }))
    }
}

register!(step RequireBranch);

impl RequireBranch {
    fn allowed(&self, branch: Option<String>) -> Result<String, StepError> {
        let wanted = self.branches.join(", ");
        let Some(branch) = branch else {
            let message = format!(
                "the head is detached, and the branch has to be one of {wanted}; run `git switch BRANCH`"
            );
            return Err(StepError::permanent(message));
        };
        if self.branches.iter().any(|pattern| matches(pattern, &branch).unwrap_or(false)) {
            return Ok(branch);
        }
        Err(StepError::permanent(format!("the branch is {branch}, and has to be one of {wanted}")))
    }

    async fn refuse_behind(&self, git: &dyn VersionControl, branch: &str) -> Result<(), StepError> {
        let remote = self.remote.as_deref().unwrap_or_else(|| git.default_remote());
        let refs = git.remote_refs(remote, &[format!("refs/heads/{branch}")]).await?;
        for there in refs {
            if !git.contains(&there.id).await? {
                return Err(StepError::permanent(format!(
                    "the branch {branch} of {remote} has commits that are missing here; pull or rebase first"
                )));
            }
        }
        Ok(())
    }
}

fn matches(pattern: &str, branch: &str) -> Result<bool, String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    let glob = glob.map_err(|error| format!("`{pattern}` is no pattern: {}", error.kind()))?;
    Ok(glob.compile_matcher().is_match(branch))
}
