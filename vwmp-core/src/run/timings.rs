//! Where the time of a run went: the chain of steps that it could not have been shorter than.

use std::time::Duration;

use vwmp_interfaces::Timestamp;

use super::state::RunState;
use super::step_state::Phase;
use crate::plan::{Plan, StepIndex};

/// A step of the critical path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Critical {
    /// The step.
    pub step: StepIndex,
    /// From the end of what it needed to its start: it waited for a place, a lock or a person.
    pub waited: Duration,
    /// From the start of its first attempt to the end of its last.
    pub took: Duration,
}

/// The critical path, first step first: each was the last that the next one waited for, and the last of all ended
/// last. Steps that did not run are on no path.
pub fn critical_path(plan: &Plan, state: &RunState) -> Vec<Critical> {
    let began = state.started().unwrap_or_default();
    let all = (0..plan.steps.len()).map(StepIndex::new);
    let mut path = Vec::new();
    let mut next = last_of(state, all);
    while let Some((step, (start, end))) = next {
        let before = before(plan, state, step, start);
        let ready = before.map_or(began, |(_, (_, end))| end);
        path.push(Critical { step, waited: start.since(ready), took: end.since(start) });
        next = before;
    }
    path.reverse();
    path
}

type Span = (Timestamp, Timestamp);

/// The step that this one waited for. A `finally` step waits for the whole main part as well.
fn before(plan: &Plan, state: &RunState, step: StepIndex, start: Timestamp) -> Option<(StepIndex, Span)> {
    let needs = plan.needs(step).iter().copied();
    if plan.is_finally(step) {
        let main = (0..plan.main_steps).map(StepIndex::new);
        return last_of(state, needs.chain(main)).filter(|(_, (_, end))| *end <= start);
    }
    last_of(state, needs).filter(|(_, (_, end))| *end <= start)
}

/// The one that ended last; of several the one that comes first.
fn last_of(state: &RunState, steps: impl Iterator<Item = StepIndex>) -> Option<(StepIndex, Span)> {
    let spans = steps.filter_map(|step| Some((step, span(state, step)?)));
    spans.max_by_key(|(step, (_, end))| (*end, std::cmp::Reverse(*step)))
}

/// When a step was carried out; nothing for one that was not, or has not ended.
fn span(state: &RunState, step: StepIndex) -> Option<Span> {
    let standing = state.step(step);
    let ran = standing.attempts() > 0 || state.items(step).is_some();
    let ended = matches!(standing.phase(), Phase::Ended(_));
    (ran && ended).then_some((standing.started()?, standing.ended()?))
}
