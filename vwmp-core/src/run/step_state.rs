//! Where a step of a run stands.

use std::sync::Arc;
use std::time::Duration;

use vwmp_interfaces::{Timestamp, Wait, Waited};

use super::event::{Cause, Found, Outcome, StepStatus};

/// Where a step stands.
#[derive(Debug, Clone, Default)]
pub struct StepState {
    pub(super) phase: Phase,
    pub(super) attempts: u32,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) not_before: Timestamp,
    /// How the last attempt ended, where it didn't succeed.
    pub(super) trouble: Option<Box<Outcome>>,
    pub(super) cause: Option<Box<Cause>>,
    extra: Option<Box<Extra>>,
}

/// What few steps have.
#[derive(Debug, Clone, Default)]
pub(super) struct Extra {
    /// What the step waits for.
    pub(super) wait: Option<Wait>,
    /// How the wait ended.
    pub(super) waited: Option<Waited>,
    /// Attempts that only waited or whose process died: they don't count against the limit of retries.
    pub(super) uncounted: u32,
    /// What is known of an attempt whose end nobody saw.
    pub(super) found: Option<Found>,
    /// Whether the step has its lock.
    pub(super) locked: bool,
    /// Whether the output is one of an earlier run.
    pub(super) cached: bool,
    /// The run that the output comes from.
    pub(super) reused: Option<Arc<str>>,
}

/// What a step is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// It waits for other steps, or for a place.
    #[default]
    Pending,
    /// It waits for its lock.
    Locking,
    /// An attempt is under way.
    Running,
    /// Its items are carried out.
    Expanded,
    /// An attempt ended; what follows is not decided yet.
    Unsettled,
    /// Its handler is asked whether an attempt did its work.
    LookingUp,
    /// Somebody has to say whether an attempt did its work.
    Asking,
    /// Another attempt will follow.
    Delayed,
    /// It waits for an answer or a time.
    Waiting,
    /// It has its final status.
    Ended(StepStatus),
}

impl Phase {
    /// How it is written in JSON; an ended step says how it ended.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running | Self::Expanded | Self::Unsettled | Self::LookingUp => "running",
            Self::Asking => "unknown",
            Self::Locking | Self::Delayed | Self::Waiting => "waiting",
            Self::Ended(status) => status.name(),
        }
    }
}

/// How many steps ended in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// Done.
    pub succeeded: usize,
    /// Failed, as they may.
    pub tolerated: usize,
    /// Failed, timed out or lost.
    pub failed: usize,
    /// No longer wanted.
    pub cancelled: usize,
    /// Didn't run.
    pub skipped: usize,
}

impl StepState {
    /// What the step is doing.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Its final status, if it has one.
    pub fn status(&self) -> Option<StepStatus> {
        match self.phase {
            Phase::Ended(status) => Some(status),
            _ => None,
        }
    }

    pub(super) fn has_succeeded(&self) -> bool {
        matches!(self.phase, Phase::Ended(StepStatus::Succeeded | StepStatus::Tolerated))
    }

    /// How many attempts there were.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How the last attempt ended, where it didn't succeed.
    pub fn trouble(&self) -> Option<&Outcome> {
        self.trouble.as_deref()
    }

    /// Why it has its status, where no attempt says it.
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_deref()
    }

    /// From the start of the first attempt to the end of the last.
    pub fn duration(&self) -> Duration {
        self.ended.since(self.started)
    }

    /// When the first attempt began.
    pub fn started(&self) -> Option<Timestamp> {
        (self.started > Timestamp::default() && self.phase != Phase::Pending).then_some(self.started)
    }

    /// When the last attempt ended.
    pub fn ended(&self) -> Option<Timestamp> {
        (self.ended > Timestamp::default()).then_some(self.ended)
    }

    /// What the step waits for, while it does.
    pub fn waits_for(&self) -> Option<&Wait> {
        if self.phase == Phase::Waiting { self.extra.as_ref()?.wait.as_ref() } else { None }
    }

    /// When it goes on by itself, while it waits.
    pub fn due(&self) -> Option<Timestamp> {
        let waits = matches!(self.phase, Phase::Delayed | Phase::Waiting);
        (waits && self.not_before > Timestamp::default()).then_some(self.not_before)
    }

    /// Whether nothing had changed since an earlier run, so that its output stands for the step's.
    pub fn is_cached(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.cached)
    }

    /// The earlier run whose result stands for the step.
    pub fn reused_from(&self) -> Option<&str> {
        self.extra.as_ref()?.reused.as_deref()
    }

    pub(super) fn waited(&self) -> Option<&Waited> {
        self.extra.as_ref()?.waited.as_ref()
    }

    pub(super) fn found(&self) -> Option<&Found> {
        self.extra.as_ref()?.found.as_ref()
    }

    pub(super) fn is_locked(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.locked)
    }

    /// How many attempts count against the limit of retries.
    pub(super) fn tries(&self) -> u32 {
        self.attempts - self.extra.as_ref().map_or(0, |extra| extra.uncounted)
    }

    pub(super) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// What has been noted, if anything was.
    pub(super) fn extra_if_any(&mut self) -> Option<&mut Extra> {
        self.extra.as_deref_mut()
    }
}

impl Tally {
    pub(super) fn count(&mut self, status: StepStatus) {
        *self.of(status) += 1;
    }

    /// A step that had ended so is to be carried out after all.
    pub(super) fn take_back(&mut self, status: StepStatus) {
        *self.of(status) -= 1;
    }

    fn of(&mut self, status: StepStatus) -> &mut usize {
        match status {
            StepStatus::Succeeded => &mut self.succeeded,
            StepStatus::Tolerated => &mut self.tolerated,
            StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost => &mut self.failed,
            StepStatus::Cancelled => &mut self.cancelled,
            StepStatus::Skipped => &mut self.skipped,
        }
    }
}
