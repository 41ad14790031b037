//! How steps and runs end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::plan::StepIndex;

/// The final status of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// The work is done.
    Succeeded,
    /// It failed, and the workflow says that it may.
    Tolerated,
    /// It failed.
    Failed,
    /// It took longer than it may.
    TimedOut,
    /// The run no longer wanted it.
    Cancelled,
    /// It didn't run.
    Skipped,
    /// Nobody knows whether the work was done.
    Lost,
}

/// Why a step has its status, where no attempt says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// Its own condition said no.
    Condition {
        /// The condition.
        when: String,
    },
    /// A step that it needs failed or was itself skipped because of a failure.
    Need {
        /// That step.
        step: StepIndex,
    },
    /// Another item of the same step failed, and the step says `fail_fast`.
    FailFast {
        /// That item.
        item: u32,
    },
    /// Only other steps were wanted.
    NotChosen,
    /// The run was stopping.
    Stopping {
        /// Why.
        reason: Arc<str>,
    },
    /// It could not even be decided whether it runs.
    Failure(Failure),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Every step succeeded or was skipped by its own condition.
    Succeeded,
    /// The same, but for steps that may fail.
    SucceededWithTolerated,
    /// A step failed that may not.
    Failed,
    /// Somebody wanted it to end early.
    Cancelled,
    /// A step failed, and everything that was done is taken back.
    RolledBack,
    /// A step failed, and not everything that was done could be taken back.
    RollbackFailed,
    /// A step failed after a point of no return: the run must be continued, not restarted.
    MustContinue,
    /// The run has not ended: nobody drives it, or it needs an answer to go on. Never recorded.
    Interrupted,
}

impl StepStatus {
    /// How it is written in workflows and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Tolerated => "tolerated",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Lost => "lost",
        }
    }
}

impl RunStatus {
    /// How it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::SucceededWithTolerated => "succeeded_with_tolerated",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::RolledBack => "rolled_back",
            Self::RollbackFailed => "rollback_failed",
            Self::MustContinue => "must_continue",
            Self::Interrupted => "interrupted",
        }
    }

    /// The status with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Succeeded,
        Self::SucceededWithTolerated,
        Self::Failed,
        Self::Cancelled,
        Self::RolledBack,
        Self::RollbackFailed,
        Self::MustContinue,
        Self::Interrupted,
    ];
}
