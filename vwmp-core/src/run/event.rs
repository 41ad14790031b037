//! What can happen in a run. The journal, the terminal, the report and a resumed run are readers
//! of the same list.

mod outcome;
mod status;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::Timestamp;

use super::step_state::Tally;
use super::unit::Unit;
use crate::plan::StepIndex;

pub use outcome::{Failure, Found, Interruption, Outcome, Undone};
pub use status::{Cause, RunStatus, StepStatus};

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
        /// Where the run had ended, and what did not succeed in it, or was taken back, starts again: what stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<Box<Tally>>,
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
        /// What each item reads as `item`, or as `matrix`. Secrets are masked.
        items: Arc<Vec<Value>>,
        /// Whether some were others: they had a secret in them, which is not recorded.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        masked: bool,
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
    /// These may begin before the machine goes down the next time, and what is recorded of it may be lost with it: an
    /// attempt of each is as good as begun once the machine has gone down.
    StartsAnnounced {
        /// Steps that must not be repeated and have not begun.
        steps: Arc<[Unit]>,
        /// What tells this time of the machine apart from those after it has gone down.
        boot: Arc<str>,
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
        /// The answer. Secrets are masked.
        found: Found,
        /// Whether the output in it was another one: it had a secret in it, which is not recorded.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        masked: bool,
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
        /// Whether it is, although others may have seen what was done.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forced: bool,
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
