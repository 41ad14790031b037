//! Which starts to announce, when one has to be on the disk anyway.

use vwmp_interfaces::Effect;

use super::refusal;
use crate::plan::Plan;
use crate::run::state::RunState;
use crate::run::unit::Unit;
use crate::run::view::View;

/// How many starts are announced at once, at most. After a power cut each may have to be asked about.
const AHEAD: usize = 16;

/// The steps that go next, where they must not be repeated and nothing but a place is missing.
pub(in crate::run) fn starts_to_announce(plan: &Plan, state: &RunState, view: &View) -> Vec<Unit> {
    let begins_next = |unit: &Unit| {
        let step = &plan[unit.step];
        let fresh = state.unit(*unit).attempts() == 0;
        let whole = unit.item().is_none();
        fresh
            && step.handler.effect() == Effect::Once
            && step.lock().is_none()
            && !(whole && (step.fan_out().is_some() || refusal(plan, state, view, unit.step).is_some()))
    };
    state.ready.iter().take(AHEAD).filter(begins_next).collect()
}
