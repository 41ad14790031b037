//! Where the head of a repository is, to go back there.

use serde::{Deserialize, Serialize};
use vwmp_interfaces::StepError;
use vwmp_interfaces::capability::{SwitchTarget, VersionControl};

/// Where the head is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The branch; nothing when it is detached.
    pub(super) branch: Option<String>,
    /// The last commit; nothing before the first.
    pub(super) head: Option<String>,
}

impl Place {
    pub(super) async fn of(git: &dyn VersionControl) -> Result<Self, StepError> {
        Ok(Self { branch: git.branch().await?, head: git.head().await? })
    }

    /// Makes it the current one again.
    pub(super) async fn go_back(&self, git: &dyn VersionControl) -> Result<(), StepError> {
        match (&self.branch, &self.head) {
            (Some(branch), _) => git.switch(&SwitchTarget::Branch(branch.clone())).await,
            (None, Some(head)) => git.switch(&SwitchTarget::Detached(head.clone())).await,
            (None, None) => Ok(()),
        }
    }

    /// For messages.
    pub(super) fn name(&self) -> &str {
        self.branch.as_deref().or(self.head.as_deref()).unwrap_or("no commit")
    }
}
