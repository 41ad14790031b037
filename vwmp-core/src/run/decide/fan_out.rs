//! Steps that fan out.

use std::sync::Arc;

use crate::plan::{FanOut, Plan, StepIndex};
use crate::run::event::{Cause, EventKind, Failure, StepStatus};
use crate::run::state::RunState;
use crate::run::unit::Unit;
use crate::run::view::View;

/// The items of a step, as far as its values can be read.
pub(super) fn expand(plan: &Plan, step: StepIndex, fan: &FanOut, view: &View) -> EventKind {
    match crate::plan::items(fan, view) {
        Ok(items) => EventKind::StepExpanded { step, items: Arc::new(items), masked: false },
        Err(error) => EventKind::StepFinished {
            step: step.into(),
            status: if plan[step].policy.required { StepStatus::Failed } else { StepStatus::Tolerated },
            cause: Some(Box::new(Cause::Failure(Failure::invalid(error.to_string())))),
        },
    }
}

/// The end of the items that will not start, since another one has failed.
pub(super) fn close(state: &RunState) -> impl Iterator<Item = EventKind> + '_ {
    state.closing().flat_map(|(step, fan)| {
        let item = fan.first_failed().unwrap_or_default();
        fan.unreleased().map(move |one| EventKind::StepFinished {
            step: Unit::item_of(step, one),
            status: StepStatus::Skipped,
            cause: Some(Box::new(Cause::FailFast { item })),
        })
    })
}
