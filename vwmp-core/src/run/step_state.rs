//! Where a step of a run stands.

use std::time::Duration;

use vwmp_interfaces::Timestamp;

use super::event::{Cause, Outcome, StepStatus};

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
}

/// What a step is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// It waits for other steps, or for a place.
    #[default]
    Pending,
    /// An attempt is under way.
    Running,
    /// An attempt ended; what follows is not decided yet.
    Unsettled,
    /// Another attempt will follow.
    Delayed,
    /// It has its final status.
    Ended(StepStatus),
}

/// How many steps ended in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
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
        (self.attempts > 0).then_some(self.started)
    }
}

impl Tally {
    pub(super) fn count(&mut self, status: StepStatus) {
        *match status {
            StepStatus::Succeeded => &mut self.succeeded,
            StepStatus::Tolerated => &mut self.tolerated,
            StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost => &mut self.failed,
            StepStatus::Cancelled => &mut self.cancelled,
            StepStatus::Skipped => &mut self.skipped,
        } += 1;
    }
}
