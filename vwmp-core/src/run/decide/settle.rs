//! What follows when an attempt has ended.

use std::sync::Arc;
use std::time::Duration;

use vwmp_interfaces::{Effect, Timestamp};

use crate::plan::Plan;
use crate::run::event::{EventKind, Found, Outcome, StepStatus};
use crate::run::state::RunState;
use crate::run::unit::Unit;

/// A step whose attempt ended gets another one or its final status.
pub(super) fn settle(plan: &Plan, state: &RunState, unit: Unit, now: Timestamp) -> Option<EventKind> {
    let planned = &plan[unit.step];
    let standing = state.unit(unit);
    let Some(trouble) = standing.trouble() else {
        return Some(EventKind::StepFinished { step: unit, status: StepStatus::Succeeded, cause: None });
    };
    let (attempts, tries) = (standing.attempts, standing.tries());
    let again =
        |delay| EventKind::RetryScheduled { step: unit, attempt: attempts + 1, not_before: now.after(delay) };
    if *trouble == Outcome::Lost && !state.part_is_stopping() {
        return Some(match (planned.handler.effect(), standing.found()) {
            (Effect::ReadOnly | Effect::Idempotent, _) | (_, Some(Found::NotDone)) => again(Duration::ZERO),
            _ => EventKind::LookupStarted { step: unit },
        });
    }
    Some(match advised_delay(trouble, planned.handler.effect(), tries) {
        Some(advised) if !state.part_is_stopping() && tries < planned.policy.retry.max_attempts => {
            let id: Arc<str> = match unit.item() {
                None => Arc::clone(&planned.id),
                Some(_) => unit.id(plan).into(),
            };
            let delay = planned.policy.retry.delay_after(tries, advised, (&state.run_id, &id));
            again(delay.max(requested_delay(trouble)))
        }
        _ => EventKind::StepFinished {
            step: unit,
            status: final_status(trouble, planned.policy.required),
            cause: None,
        },
    })
}

/// How long the handler would wait before another attempt; nothing when there must be none.
/// An attempt that was interrupted may have done its work, so only an effect that can be repeated
/// is tried again after it.
pub(super) fn advised_delay(trouble: &Outcome, effect: Effect, tries: u32) -> Option<Duration> {
    match trouble {
        Outcome::Failed(failure) => failure.retry_delay,
        Outcome::TimedOut(_) if effect != Effect::Once => {
            Some(vwmp_interfaces::step::default_retry_delay(tries))
        }
        _ => None,
    }
}

/// The other side's own word on when to come back, which outweighs the workflow's.
pub(super) fn requested_delay(trouble: &Outcome) -> Duration {
    match trouble {
        Outcome::Failed(failure) => failure.retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

pub(super) fn final_status(trouble: &Outcome, required: bool) -> StepStatus {
    match trouble {
        Outcome::Succeeded(_) | Outcome::Cached(_) => StepStatus::Succeeded,
        Outcome::Cancelled(_) => StepStatus::Cancelled,
        _ if !required => StepStatus::Tolerated,
        Outcome::TimedOut(_) => StepStatus::TimedOut,
        Outcome::Lost => StepStatus::Lost,
        Outcome::Failed(_) | Outcome::Panicked(_) | Outcome::Waiting(_) => StepStatus::Failed,
    }
}
