//! What can happen in a run. The journal, the terminal, the report and a resumed run are readers
//! of the same list.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::{ErrorClass, StepError, Timestamp};

use crate::plan::StepIndex;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the run, from 0.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The whole vocabulary of a run. A new word is a change of the journal's format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The run began.
    RunStarted {
        /// Its id.
        run_id: Arc<str>,
    },
    /// The run can't go on: a part of the engine or of the workflow type failed.
    RunAborted {
        /// Why.
        failure: Box<Failure>,
    },
    /// Somebody wants the run to end early.
    CancelRequested {
        /// Who or what, and why.
        reason: Arc<str>,
    },
    /// Somebody wants the run to end at once: running attempts are left behind, and no step starts
    /// any more, `finally` steps included.
    KillRequested,
    /// An attempt may begin.
    AttemptStarted {
        /// The step.
        step: StepIndex,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// An attempt ended.
    AttemptFinished {
        /// The step.
        step: StepIndex,
        /// Which attempt.
        attempt: u32,
        /// How. Secrets are masked.
        outcome: Outcome,
        /// Whether the output was another one: it had a secret in it, which is not recorded.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        masked: bool,
    },
    /// Another attempt will follow.
    RetryScheduled {
        /// The step.
        step: StepIndex,
        /// The attempt to come.
        attempt: u32,
        /// When it may begin at the earliest.
        not_before: Timestamp,
    },
    /// A step has its final status.
    StepFinished {
        /// The step.
        step: StepIndex,
        /// The status.
        status: StepStatus,
        /// Why, where no attempt says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Box<Cause>>,
    },
    /// The run ended; no event follows.
    RunFinished {
        /// How.
        status: RunStatus,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "snake_case")]
pub enum Outcome {
    /// The work is done; with the output.
    Succeeded(Arc<Value>),
    /// The handler, or the engine on its behalf, reported an error.
    Failed(Box<Failure>),
    /// It took longer than it may.
    TimedOut(Box<Interruption>),
    /// The run no longer wanted it.
    Cancelled(Box<Interruption>),
    /// The handler has a bug; with the panic's message.
    Panicked(Box<Failure>),
    /// The process ended in between; nobody knows whether the work was done.
    Lost,
}

/// How an attempt was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// How long it had been running.
    pub after: Duration,
    /// Whether the handler ignored the request to stop and was left behind.
    pub abandoned: bool,
}

/// Why something failed, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What may be expected of another attempt.
    pub class: ErrorClass,
    /// What happened.
    pub message: String,
    /// The messages of the causes, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// Where another attempt may succeed: how long the handler would wait before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<Duration>,
    /// The other side's own word on when to come back: no attempt follows sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

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
        }
    }
}

impl Failure {
    /// A failure that another attempt won't change.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            class: ErrorClass::Invalid,
            message: message.into(),
            causes: Vec::new(),
            retry_delay: None,
            retry_after: None,
        }
    }

    /// The message with its causes, on one line.
    pub(crate) fn line(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).map(String::as_str).collect::<Vec<_>>().join(": ")
    }

    /// A failure that is the engine's or the handler's own.
    pub(crate) fn permanent(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Permanent, ..Self::invalid(message) }
    }
}

impl From<&StepError> for Failure {
    fn from(error: &StepError) -> Self {
        let message = error.message().to_owned();
        Self {
            class: error.class(),
            message,
            causes: error.causes(),
            retry_delay: None,
            retry_after: error.requested_delay(),
        }
    }
}
