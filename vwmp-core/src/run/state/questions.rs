//! Questions that may be asked of a run at any time.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::Timestamp;

use super::{Lock, Part, Phase, RunState, Stop};
use crate::plan::{Plan, StepIndex};
use crate::run::event::{Failure, Outcome, RunStatus, StepStatus};
use crate::run::step_state::{StepState, Tally};
use crate::run::unit::Unit;

impl RunState {
    /// The run's id; empty before the run started.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Where a step stands.
    pub fn step(&self, step: StepIndex) -> &StepState {
        &self.steps[step.get()]
    }

    /// How many steps ended in which way.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// When the run started.
    pub fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// How and when the run ended.
    pub fn ended(&self) -> Option<(RunStatus, Timestamp)> {
        self.ended
    }

    /// The output of a step, secrets masked.
    pub fn output(&self, step: StepIndex) -> Option<&Arc<Value>> {
        self.board.step(step)?.output.as_ref()
    }

    /// Steps about which somebody has to say whether their work is done, before the run can go on.
    pub fn questions(&self) -> &BTreeSet<Unit> {
        &self.questions
    }

    /// Why the run was cancelled, if it was.
    pub fn cancel_reason(&self) -> Option<&str> {
        match &self.stopping {
            Some(Stop::Cancelled(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Why the run could not go on, if it could not.
    pub fn abort_failure(&self) -> Option<&Failure> {
        match &self.stopping {
            Some(Stop::Aborted(failure)) => Some(failure),
            _ => None,
        }
    }

    pub(in crate::run) fn stopping(&self) -> Option<&Stop> {
        self.stopping.as_ref()
    }

    pub(in crate::run) fn part(&self) -> Part {
        self.part
    }

    /// Whether the part that the run is in ends early.
    pub(in crate::run) fn part_is_stopping(&self) -> bool {
        match self.part {
            Part::Main => self.stopping.is_some(),
            Part::Finally => self.finally_stopping,
            Part::Verdict | Part::Rollback => false,
        }
    }

    /// Whether nobody may carry anything out any more, so that what is to be taken back has to wait for another
    /// process.
    pub(in crate::run) fn was_killed(&self) -> bool {
        self.killed
    }

    pub(in crate::run) fn everything_ended(&self) -> bool {
        self.part == Part::Finally && self.main_left == 0 && self.finally_left == 0
    }

    /// Whether the run has to get its lock before it goes on. A run that ends before it began needs none.
    pub(in crate::run) fn lock_to_take(&self, plan: &Plan) -> Option<Lock> {
        let idle = self.stopping.is_some() && !self.attempted;
        (plan.lock.is_some() && self.run_lock != Lock::Held && !idle).then_some(self.run_lock)
    }

    /// How the run ends, or how its main part ended.
    pub(in crate::run) fn verdict(&self, plan: &Plan) -> RunStatus {
        use vwmp_interfaces::workflow_type::FailurePolicy::Rollback;
        let verdict = self.main_verdict();
        let unhappy = matches!(verdict, RunStatus::Failed | RunStatus::Cancelled);
        match &self.rollback {
            Some(rollback) if rollback.has_failed() => RunStatus::RollbackFailed,
            Some(_) => RunStatus::RolledBack,
            None if unhappy && plan.on_failure == Rollback && self.past_no_return(plan) => {
                RunStatus::MustContinue
            }
            None => verdict,
        }
    }

    pub(super) fn main_verdict(&self) -> RunStatus {
        match &self.stopping {
            Some(Stop::Cancelled(_)) => RunStatus::Cancelled,
            Some(Stop::Aborted(_)) => RunStatus::Failed,
            _ if self.tally.failed > 0 => RunStatus::Failed,
            _ if self.tally.tolerated > 0 => RunStatus::SucceededWithTolerated,
            _ => RunStatus::Succeeded,
        }
    }

    /// Whether a step failed, for good and against the workflow's wish.
    pub(in crate::run) fn has_failed(&self, step: StepIndex) -> bool {
        use StepStatus::{Failed, Lost, TimedOut};
        matches!(self.steps[step.get()].phase, Phase::Ended(Failed | TimedOut | Lost))
    }

    /// One line on why a step did not succeed.
    pub fn error_of(&self, plan: &Plan, step: StepIndex) -> Option<String> {
        self.error_of_unit(plan, step.into())
    }

    /// One line on why a step, or an item, did not succeed.
    pub fn error_of_unit(&self, plan: &Plan, unit: Unit) -> Option<String> {
        let state = self.unit(unit);
        match (&state.cause, &state.trouble) {
            (Some(cause), _) => Some(cause.describe(plan)),
            (None, Some(outcome)) => Outcome::describe(outcome),
            (None, None) => None,
        }
    }
}
