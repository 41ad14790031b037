//! What can happen in a run. The journal, the terminal, the report and a resumed run are readers
//! of the same list.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::{ErrorClass, StepError, Timestamp, Wait};

use super::unit::Unit;
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
    /// The process that drove the run was gone, or the run had ended and must be continued: another process
    /// goes on with it. Attempts that were under way have ended unseen.
    RunResumed {
        /// Who wanted it.
        by: Arc<str>,
    },
    /// Somebody wants the run to end early.
    CancelRequested {
        /// Why.
        reason: Arc<str>,
        /// Who, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Arc<str>>,
    },
    /// Somebody wants the run to end at once: running attempts are left behind, and no step starts
    /// any more, `finally` steps included.
    KillRequested,
    /// The result of an earlier run stands for the step.
    StepReused {
        /// The step.
        step: StepIndex,
        /// The earlier run.
        run: Arc<str>,
        /// What the step gave there.
        output: Arc<Value>,
    },
    /// A step that fans out has its items: from now on each is carried out like a step.
    StepExpanded {
        /// The step.
        step: StepIndex,
        /// What each item reads as `item`, or as `matrix`.
        items: Arc<Vec<Value>>,
    },
    /// A step waits for its lock, or the run for its own.
    LockAwaited {
        /// The step; nothing for the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepIndex>,
    },
    /// A step has its lock, until it ends; or the run its own.
    LockAcquired {
        /// The step; nothing for the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepIndex>,
    },
    /// An attempt may begin.
    AttemptStarted {
        /// The step.
        step: Unit,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// An attempt ended.
    AttemptFinished {
        /// The step.
        step: Unit,
        /// Which attempt.
        attempt: u32,
        /// How. Secrets are masked.
        outcome: Outcome,
        /// Whether the output was another one: it had a secret in it, which is not recorded.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        masked: bool,
    },
    /// Somebody answered what a step waits for.
    Answered {
        /// The step.
        step: Unit,
        /// Yes or no.
        approved: bool,
        /// Who.
        by: Arc<str>,
        /// What they said about it.
        comment: Arc<str>,
    },
    /// The handler is asked whether an attempt whose end nobody knows did its work.
    LookupStarted {
        /// The step.
        step: Unit,
    },
    /// The handler was asked, or somebody said, whether such an attempt did its work.
    LookupFinished {
        /// The step.
        step: Unit,
        /// The answer.
        found: Found,
    },
    /// Another attempt will follow.
    RetryScheduled {
        /// The step.
        step: Unit,
        /// The attempt to come.
        attempt: u32,
        /// When it may begin at the earliest.
        not_before: Timestamp,
    },
    /// A step has its final status.
    StepFinished {
        /// The step.
        step: Unit,
        /// The status.
        status: StepStatus,
        /// Why, where no attempt says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Box<Cause>>,
    },
    /// What was done is taken back from now on, the last step first.
    RollbackStarted {
        /// Why.
        reason: Arc<str>,
        /// Who wanted it, where somebody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Arc<str>>,
    },
    /// A step's work is about to be taken back.
    UndoStarted {
        /// The step.
        step: Unit,
        /// Which attempt to take it back, from 1.
        attempt: u32,
    },
    /// An attempt to take a step's work back ended.
    UndoFinished {
        /// The step.
        step: Unit,
        /// Which attempt.
        attempt: u32,
        /// How.
        outcome: Outcome,
    },
    /// Another attempt to take a step's work back will follow.
    UndoRetryScheduled {
        /// The step.
        step: Unit,
        /// The attempt to come.
        attempt: u32,
        /// When it may begin at the earliest.
        not_before: Timestamp,
    },
    /// It is settled whether a step's work is taken back.
    StepUndone {
        /// The step.
        step: Unit,
        /// How.
        undone: Undone,
        /// Why, where it isn't.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
    },
    /// The run ended; none but [`EventKind::RunResumed`] or [`EventKind::RollbackStarted`] follows.
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
    /// Nothing that the work depends on has changed, so an earlier output stands for it.
    Cached(Arc<Value>),
    /// The step waits for something; another attempt follows when it is there.
    Waiting(Box<Wait>),
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

/// Whether an attempt whose end nobody knows did its work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "found", content = "detail", rename_all = "snake_case")]
pub enum Found {
    /// It did; with the output.
    Done(Arc<Value>),
    /// It did nothing.
    NotDone,
    /// The handler can't tell, and why where there is more to say.
    Unknown(Option<Arc<str>>),
}

/// Whether a step's work is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// It is.
    Yes,
    /// The handler can't take its work back, so what it did stands.
    Impossible,
    /// It could not be taken back, so what the step did stands.
    Failed,
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
