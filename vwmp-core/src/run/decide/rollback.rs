//! Taking steps back: whether, in which order, and how often it is tried.

use std::sync::Arc;
use std::time::Duration;

use vwmp_interfaces::Timestamp;
use vwmp_interfaces::step::default_retry_delay;
use vwmp_interfaces::workflow_type::FailurePolicy;

use super::settle::requested_delay;
use crate::plan::Plan;
use crate::run::event::{EventKind, Outcome, Undone};
use crate::run::state::{Part, Rollback, RunState, Stop, UndoPhase};
use crate::run::unit::Unit;

/// How often taking one step back is tried.
const ATTEMPTS: u32 = 3;

/// Whether something is taken back, or would be if the run ended now.
pub(super) fn is_due(plan: &Plan, state: &RunState) -> bool {
    state.rollback().is_some() || plan.on_failure == FailurePolicy::Rollback
}

/// The main part has failed: what may have passed a point of no return is looked up, then all is taken back.
pub(super) fn begin(plan: &Plan, state: &RunState, events: &mut Vec<EventKind>) {
    let doubtful = state.to_look_up(plan);
    if !doubtful.is_empty() {
        events.extend(doubtful.into_iter().map(|step| EventKind::LookupStarted { step }));
    } else if state.running == 0 {
        events.push(EventKind::RollbackStarted { reason: reason(plan, state), by: None, forced: false });
    }
}

fn reason(plan: &Plan, state: &RunState) -> Arc<str> {
    match state.stopping() {
        Some(Stop::Cancelled(reason)) => Arc::clone(reason),
        Some(Stop::Aborted(failure)) => failure.message.as_str().into(),
        Some(Stop::StepFailed(step)) => format!("{} failed", plan[*step].id()).into(),
        None => "the run failed".into(),
    }
}

/// When taking back goes on by itself.
pub(super) fn due(rollback: &Rollback) -> Option<Timestamp> {
    match rollback.phase {
        UndoPhase::Delayed(at) => Some(at),
        _ => None,
    }
}

/// What happens to the step that is next to be taken back.
pub(super) fn next(plan: &Plan, state: &RunState, now: Timestamp) -> Option<EventKind> {
    let rollback = state.rollback()?;
    let unit = rollback.next()?;
    match &rollback.phase {
        UndoPhase::Idle => Some(begin_one(plan, state, unit)),
        UndoPhase::Delayed(at) if *at <= now => {
            Some(EventKind::UndoStarted { step: unit, attempt: rollback.attempts() + 1 })
        }
        UndoPhase::Running | UndoPhase::Locking | UndoPhase::Delayed(_) => None,
        UndoPhase::Unsettled(outcome) => Some(settle(unit, rollback.attempts(), outcome, now)),
    }
}

fn begin_one(plan: &Plan, state: &RunState, unit: Unit) -> EventKind {
    let stands = |undone, reason: Option<String>| EventKind::StepUndone {
        step: unit,
        undone,
        reason: reason.map(Arc::from),
    };
    if let Some(stuck) = state.stands_in_the_way(plan, unit.step) {
        let why = format!("{}, which came after it, could not be taken back", stuck.id(plan));
        return stands(Undone::Failed, Some(why));
    }
    let handler = &plan[unit.step].handler;
    if handler.info().can_undo && !state.has_lock(plan, unit.step) {
        EventKind::LockAwaited { step: Some(unit.step) }
    } else if handler.info().can_undo {
        EventKind::UndoStarted { step: unit, attempt: 1 }
    } else {
        stands(Undone::Impossible, Some(format!("{} can't take its work back", handler.name())))
    }
}

fn settle(unit: Unit, attempts: u32, outcome: &Outcome, now: Timestamp) -> EventKind {
    let done = |undone, reason: Option<String>| EventKind::StepUndone {
        step: unit,
        undone,
        reason: reason.map(Arc::from),
    };
    let again = |delay: Duration| EventKind::UndoRetryScheduled {
        step: unit,
        attempt: attempts + 1,
        not_before: now.after(delay),
    };
    match outcome {
        Outcome::Succeeded(_) | Outcome::Cached(_) => done(Undone::Yes, None),
        // Taking back twice leaves the world as once does.
        Outcome::Lost => again(Duration::ZERO),
        Outcome::Failed(failure) if failure.retry_delay.is_some() && attempts < ATTEMPTS => {
            again(default_retry_delay(attempts).max(requested_delay(outcome)))
        }
        Outcome::TimedOut(_) if attempts < ATTEMPTS => again(default_retry_delay(attempts)),
        trouble => done(Undone::Failed, trouble.describe()),
    }
}

impl RunState {
    /// Whether this process has to leave the run to another one.
    pub(in crate::run) fn must_be_left(&self, plan: &Plan) -> bool {
        let open = self.part() != Part::Finally || self.rollback().is_some_and(|one| one.next().is_some());
        self.was_killed() && open && is_due(plan, self)
    }
}
