//! What happens next. Pure: every policy of a run is here, and can be tested as a table.

use std::sync::Arc;
use std::time::Duration;

use vwmp_interfaces::{Effect, ErrorClass, Timestamp};

use super::event::{Cause, EventKind, Failure, Outcome, StepStatus};
use super::state::{RunState, Stop};
use super::step_state::Phase;
use super::view::View;
use crate::plan::{Plan, StepIndex};
use crate::template::NeedsStatus;

/// How many steps one decision looks at, at most: what is decided is shown before more is decided.
const BATCH: usize = 1024;

/// Says what happens next, as events that are not recorded yet. Nothing when the run has to wait
/// for an attempt, or for [`next_wakeup`]. The cost follows what changed, not the size of the plan.
pub fn decide(plan: &Plan, state: &RunState, view: &View, now: Timestamp, events: &mut Vec<EventKind>) {
    if state.ended().is_some() {
        return;
    }
    events.extend(state.unsettled.iter().map(|&step| settle(plan, state, step, now)));
    if !events.is_empty() {
        return;
    }
    if state.main_is_stopping() {
        end_the_rest(plan, state, 0..plan.main_steps, events);
    } else if state.finally_is_stopping() {
        end_the_rest(plan, state, plan.main_steps..plan.steps.len(), events);
    } else {
        start_ready(plan, state, view, now, events);
    }
    if events.is_empty() && state.everything_ended() {
        events.push(EventKind::RunFinished { status: state.verdict() });
    }
}

/// When [`decide`] has to be asked again although nothing happened.
pub fn next_wakeup(state: &RunState) -> Option<Timestamp> {
    state.delayed.first().map(|&(at, _)| at)
}

/// A step whose attempt ended gets another one or its final status.
fn settle(plan: &Plan, state: &RunState, step: StepIndex, now: Timestamp) -> EventKind {
    let planned = &plan[step];
    let Some(trouble) = state.step(step).trouble() else {
        return EventKind::StepFinished { step, status: StepStatus::Succeeded, cause: None };
    };
    let attempts = state.step(step).attempts;
    let stopping = state.main_is_stopping() || state.finally_is_stopping();
    match advised_delay(trouble, planned.handler.effect(), attempts) {
        Some(advised) if !stopping && attempts < planned.policy.retry.max_attempts => {
            let delay = planned.policy.retry.delay_after(attempts, advised, (&state.run_id, &planned.id));
            let delay = delay.max(requested_delay(trouble));
            EventKind::RetryScheduled { step, attempt: attempts + 1, not_before: now.after(delay) }
        }
        _ => EventKind::StepFinished {
            step,
            status: final_status(trouble, planned.policy.required),
            cause: None,
        },
    }
}

/// How long the handler would wait before another attempt; nothing when there must be none.
/// An attempt that was interrupted may have done its work, so only an effect that can be repeated
/// is tried again after it.
fn advised_delay(trouble: &Outcome, effect: Effect, attempts: u32) -> Option<Duration> {
    match trouble {
        Outcome::Failed(failure) => failure.retry_delay,
        Outcome::TimedOut(_) | Outcome::Lost if effect != Effect::Once => {
            Some(vwmp_interfaces::step::default_retry_delay(attempts))
        }
        _ => None,
    }
}

/// The other side's own word on when to come back, which outweighs the workflow's.
fn requested_delay(trouble: &Outcome) -> Duration {
    match trouble {
        Outcome::Failed(failure) => failure.retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

fn final_status(trouble: &Outcome, required: bool) -> StepStatus {
    match trouble {
        Outcome::Succeeded(_) => StepStatus::Succeeded,
        Outcome::Cancelled(_) => StepStatus::Cancelled,
        _ if !required => StepStatus::Tolerated,
        Outcome::TimedOut(_) => StepStatus::TimedOut,
        Outcome::Lost => StepStatus::Lost,
        Outcome::Failed(_) | Outcome::Panicked(_) => StepStatus::Failed,
    }
}

/// The run is stopping: what has not started never will.
fn end_the_rest(plan: &Plan, state: &RunState, steps: std::ops::Range<usize>, events: &mut Vec<EventKind>) {
    let (status, reason) = match state.stopping() {
        Some(Stop::Cancelled(reason)) => (StepStatus::Cancelled, Arc::clone(reason)),
        Some(Stop::Aborted(failure)) => (StepStatus::Skipped, failure.message.as_str().into()),
        Some(Stop::StepFailed(step)) => (StepStatus::Skipped, format!("{} failed", plan[*step].id).into()),
        None => return,
    };
    events.extend(steps.map(StepIndex::new).filter_map(|step| match state.step(step).phase {
        // It failed, and would have been tried again.
        Phase::Delayed if status == StepStatus::Skipped => {
            let trouble = state.step(step).trouble()?;
            let status = final_status(trouble, plan[step].policy.required);
            Some(EventKind::StepFinished { step, status, cause: None })
        }
        Phase::Pending | Phase::Delayed => {
            let cause = Cause::Stopping { reason: Arc::clone(&reason) };
            Some(EventKind::StepFinished { step, status, cause: Some(Box::new(cause)) })
        }
        _ => None,
    }));
}

fn start_ready(plan: &Plan, state: &RunState, view: &View, now: Timestamp, events: &mut Vec<EventKind>) {
    let mut places = plan.max_parallel.saturating_sub(state.running);
    let due = state.delayed.iter().take_while(|&&(at, _)| at <= now).map(|&(_, step)| step);
    for step in due.chain(state.ready.iter()).take(BATCH) {
        if places == 0 {
            break;
        }
        let attempts = state.step(step).attempts;
        // Whether it runs is asked once, before its first attempt.
        let event = if attempts > 0 { None } else { refusal(plan, state, view, step) };
        places -= usize::from(event.is_none());
        events.push(event.unwrap_or(EventKind::AttemptStarted { step, attempt: attempts + 1 }));
    }
}

/// The end of a step that will not run; nothing when it runs.
fn refusal(plan: &Plan, state: &RunState, view: &View, step: StepIndex) -> Option<EventKind> {
    let finished = |status, cause| EventKind::StepFinished { step, status, cause: Some(Box::new(cause)) };
    let failed_need = plan.needs(step).iter().copied().find(|&need| blocks(plan, state, step, need));
    let when = plan[step].when();
    let asks_status = when.is_some_and(crate::template::Condition::uses_status_function);
    if let (Some(need), false) = (failed_need, asks_status) {
        return Some(finished(StepStatus::Skipped, Cause::Need { step: need }));
    }
    let status = needs_status(plan, state, step, failed_need.is_some());
    match when?.evaluate(view, status) {
        Ok(true) => None,
        Ok(false) => {
            let when = plan[step].when().map(|when| when.text().to_owned()).unwrap_or_default();
            Some(finished(StepStatus::Skipped, Cause::Condition { when }))
        }
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
    use super::event::RunStatus::{Cancelled, Failed};
    let run_failed = plan.is_finally(step) && matches!(state.verdict(), Failed | Cancelled);
    let failed = need_failed || run_failed;
    NeedsStatus { succeeded: !failed, failed }
}

impl Cause {
    /// One line for people.
    pub fn describe(&self, plan: &Plan) -> String {
        match self {
            Self::Condition { when } => format!("its condition `{when}` does not hold"),
            Self::Need { step } => format!("it needs {}, which did not succeed", plan[*step].id()),
            Self::Stopping { reason } => format!("the run was stopping: {reason}"),
            Self::Failure(failure) => failure.message.clone(),
        }
    }
}

impl Outcome {
    /// One line for people; nothing for success.
    pub fn describe(&self) -> Option<String> {
        Some(match self {
            Self::Succeeded(_) => return None,
            Self::Failed(failure) => failure.message.clone(),
            Self::Panicked(failure) => format!("the handler panicked: {}", failure.message),
            Self::TimedOut(how) => format!("it took longer than {}{}", seconds(how.after), abandoned(how)),
            Self::Cancelled(how) => format!("cancelled after {}{}", seconds(how.after), abandoned(how)),
            Self::Lost => "the process ended during the attempt; whether the work was done is unknown".into(),
        })
    }

    /// Whether another attempt could be of use, by the outcome alone.
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            Self::Failed(failure) | Self::Panicked(failure) => Some(failure.class),
            Self::TimedOut(_) => Some(ErrorClass::Transient),
            Self::Succeeded(_) | Self::Cancelled(_) | Self::Lost => None,
        }
    }
}

fn abandoned(how: &super::event::Interruption) -> &'static str {
    if how.abandoned { "; the handler ignored the request to stop and was left behind" } else { "" }
}

fn seconds(time: Duration) -> String {
    if time.as_millis() < 1000 {
        return format!("{} ms", time.as_millis());
    }
    // Tenths are enough, and a round number has none.
    format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0)
}
