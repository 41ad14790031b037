//! What happens next. Pure: every policy of a run is here, and can be tested as a table.

mod announce;
mod fan_out;
mod rollback;
mod settle;
mod words;

use std::sync::Arc;

use vwmp_interfaces::Timestamp;

use super::event::{Cause, EventKind, Failure, StepStatus};
use super::state::{Lock, Part, RunState, Stop};
use super::step_state::Phase;
use super::unit::Unit;
use super::view::View;
use crate::plan::{Plan, StepIndex};
use crate::template::NeedsStatus;

pub(super) use self::announce::starts_to_announce;
use self::settle::{final_status, settle};

/// How many steps one decision looks at, at most: what is decided is shown before more is decided.
const BATCH: usize = 1024;

/// Says what happens next, as events that are not recorded yet. Nothing when the run has to wait
/// for an attempt, or for [`next_wakeup`]. The cost follows what changed, not the size of the plan.
pub fn decide(plan: &Plan, state: &RunState, view: &View, now: Timestamp, events: &mut Vec<EventKind>) {
    if state.ended().is_some() {
        return;
    }
    events.extend(state.unsettled.iter().filter_map(|&unit| settle(plan, state, unit, now)));
    events.extend(fan_out::close(state));
    if !events.is_empty() || !state.questions().is_empty() {
        return;
    }
    match state.lock_to_take(plan) {
        Some(Lock::Free) => return events.push(EventKind::LockAwaited { step: None }),
        Some(_) => return,
        None => {}
    }
    match state.part() {
        _ if state.was_killed() && rollback::is_due(plan, state) => {}
        Part::Main if state.part_is_stopping() => end_the_rest(plan, state, 0..plan.main_steps, events),
        Part::Finally if state.part_is_stopping() => {
            end_the_rest(plan, state, plan.main_steps..plan.steps.len(), events);
        }
        Part::Main | Part::Finally => start_ready(plan, state, view, now, events),
        Part::Verdict => rollback::begin(plan, state, events),
        Part::Rollback => events.extend(rollback::next(plan, state, now)),
    }
    if events.is_empty() && state.everything_ended() {
        events.push(EventKind::RunFinished { status: state.verdict(plan) });
    }
}

/// When [`decide`] has to be asked again although nothing happened.
pub fn next_wakeup(state: &RunState) -> Option<Timestamp> {
    let delayed = state.delayed.first().map(|&(at, _)| at);
    delayed.into_iter().chain(state.rollback().and_then(rollback::due)).min()
}

/// The run is stopping: what has not started never will.
fn end_the_rest(plan: &Plan, state: &RunState, steps: std::ops::Range<usize>, events: &mut Vec<EventKind>) {
    let (status, reason) = match state.stopping() {
        Some(Stop::Cancelled(reason)) => (StepStatus::Cancelled, Arc::clone(reason)),
        Some(Stop::Aborted(failure)) => (StepStatus::Skipped, failure.message.as_str().into()),
        Some(Stop::StepFailed(step)) => (StepStatus::Skipped, format!("{} failed", plan[*step].id).into()),
        None => return,
    };
    let end = |unit: Unit| match state.unit(unit).phase {
        // It failed, and would have been tried again.
        Phase::Delayed if status == StepStatus::Skipped => {
            let trouble = state.unit(unit).trouble()?;
            let status = final_status(trouble, plan[unit.step].policy.required);
            Some(EventKind::StepFinished { step: unit, status, cause: None })
        }
        Phase::Pending | Phase::Delayed | Phase::Locking | Phase::Waiting => {
            let cause = Cause::Stopping { reason: Arc::clone(&reason) };
            Some(EventKind::StepFinished { step: unit, status, cause: Some(Box::new(cause)) })
        }
        _ => None,
    };
    for step in steps.map(StepIndex::new) {
        match state.fan(step) {
            Some(fan) if state.step(step).phase == Phase::Expanded => {
                let items = (0..fan.states.len() as u32).map(|item| Unit::item_of(step, item));
                events.extend(items.filter_map(end));
            }
            _ => events.extend(end(step.into())),
        }
    }
}

fn start_ready(plan: &Plan, state: &RunState, view: &View, now: Timestamp, events: &mut Vec<EventKind>) {
    let mut places = plan.max_parallel.saturating_sub(state.running);
    let due = state.delayed.iter().take_while(|&&(at, _)| at <= now).map(|&(_, unit)| unit);
    // Items of a step that has to take its lock again wait for that.
    let may_start = |unit: &Unit| unit.item().is_none() || state.has_lock(plan, unit.step);
    for unit in due.chain(state.ready.iter()).filter(may_start).take(BATCH) {
        if places == 0 {
            break;
        }
        let event = start(plan, state, view, unit);
        places -= usize::from(matches!(event, EventKind::AttemptStarted { .. }));
        events.push(event);
    }
}

fn start(plan: &Plan, state: &RunState, view: &View, unit: Unit) -> EventKind {
    let (step, standing) = (unit.step, state.unit(unit));
    let first = standing.attempts == 0 && unit.item().is_none() && standing.phase != Phase::Expanded;
    // Whether it runs is asked once, before its first attempt, and not again when it has got its lock.
    if first
        && !standing.is_locked()
        && let Some(refused) = refusal(plan, state, view, step)
    {
        return refused;
    }
    if unit.item().is_none() && !state.has_lock(plan, step) {
        return EventKind::LockAwaited { step: Some(step) };
    }
    match plan[step].fan_out().filter(|_| first) {
        Some(fan) => fan_out::expand(plan, step, fan, view),
        None => EventKind::AttemptStarted { step: unit, attempt: standing.attempts + 1 },
    }
}

/// The end of a step that will not run; nothing when it runs.
fn refusal(plan: &Plan, state: &RunState, view: &View, step: StepIndex) -> Option<EventKind> {
    let finished =
        |status, cause| EventKind::StepFinished { step: step.into(), status, cause: Some(Box::new(cause)) };
    let failed_need = plan.needs(step).iter().copied().find(|&need| blocks(plan, state, step, need));
    let when = plan[step].when();
    let asks_status = when.is_some_and(crate::template::Condition::uses_status_function);
    if let (Some(need), false) = (failed_need, asks_status) {
        return Some(finished(StepStatus::Skipped, Cause::Need { step: need }));
    }
    let when = when?;
    match when.evaluate(view, needs_status(plan, state, step, failed_need.is_some())) {
        Ok(true) => None,
        Ok(false) => Some(finished(StepStatus::Skipped, Cause::Condition { when: when.text().to_owned() })),
        Err(error) => {
            let status = if plan[step].policy.required { StepStatus::Failed } else { StepStatus::Tolerated };
            Some(finished(status, Cause::Failure(Failure::invalid(format!("when: {error}")))))
        }
    }
}

/// Whether a need keeps a step from running. What the main part did never keeps a `finally` step
/// from running.
fn blocks(plan: &Plan, state: &RunState, step: StepIndex, need: StepIndex) -> bool {
    if plan.is_finally(step) && !plan.is_finally(need) {
        return false;
    }
    let Phase::Ended(status) = state.step(need).phase else { return false };
    match status {
        StepStatus::Succeeded | StepStatus::Tolerated => false,
        StepStatus::Skipped => !matches!(state.step(need).cause(), Some(Cause::Condition { .. })),
        _ => true,
    }
}

/// What `succeeded()` and `failed()` say: in the main part about the needs of the step, in
/// `finally` about the run as well.
fn needs_status(plan: &Plan, state: &RunState, step: StepIndex, need_failed: bool) -> NeedsStatus {
    use super::event::RunStatus::{Succeeded, SucceededWithTolerated};
    let run_failed =
        plan.is_finally(step) && !matches!(state.verdict(plan), Succeeded | SucceededWithTolerated);
    let failed = need_failed || run_failed;
    NeedsStatus { succeeded: !failed, failed }
}
