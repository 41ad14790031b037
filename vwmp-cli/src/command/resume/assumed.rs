//! What somebody says about steps whose end nobody saw.

use vwmp_core::diagnostic::nearest;
use vwmp_core::plan::{Plan, PlannedStep};
use vwmp_core::run::{Phase, RunState, Unit};

use crate::failure::Failure;
use crate::recorded::Recorded;

/// How many steps are named.
const MOST: usize = 20;

/// Refuses answers that contradict each other, and answers about steps that nobody asks about.
pub(super) fn check(recorded: &Recorded, state: &RunState, assume: &[(String, bool)]) -> Result<(), Failure> {
    let plan = &*recorded.plan;
    let open = in_question(plan, state);
    for (number, (id, done)) in assume.iter().enumerate() {
        if assume[..number].iter().any(|(other, answer)| other == id && answer != done) {
            let message = format!("--assume says of `{id}` both done and not-done: give one of them");
            return Err(Failure::Usage(message));
        }
        match Unit::named(id, plan) {
            None => return Err(unknown(id, plan)),
            Some(unit) if !open.contains(&unit) => return Err(nobody_asks(id, &open, recorded)),
            Some(_) => {}
        }
    }
    Ok(())
}

/// The steps and items that were begun and whose end nobody saw.
fn in_question(plan: &Plan, state: &RunState) -> Vec<Unit> {
    let units = plan.indexed().flat_map(|(step, _)| {
        let items = 0..state.items(step).map_or(0, <[_]>::len) as u32;
        std::iter::once(Unit::from(step)).chain(items.map(move |item| Unit::item_of(step, item)))
    });
    let doubtful = |unit: &Unit| {
        let phase = state.unit(*unit).phase();
        matches!(phase, Phase::Running | Phase::Unsettled | Phase::LookingUp | Phase::Asking)
    };
    units.filter(doubtful).collect()
}

fn unknown(id: &str, plan: &Plan) -> Failure {
    let near = nearest(id, plan.steps().iter().map(PlannedStep::id));
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Failure::Usage(format!("the run has no step `{id}`{near}"))
}

fn nobody_asks(id: &str, open: &[Unit], recorded: &Recorded) -> Failure {
    let names: Vec<String> = open.iter().take(MOST).map(|unit| unit.id(&recorded.plan)).collect();
    let more = if open.len() > MOST { " and others" } else { "" };
    let what = format!("--assume {id}: it is not in question whether `{id}` is done");
    Failure::Usage(match names.as_slice() {
        [] => format!("{what}, nor is any other step of run {}; leave --assume out", recorded.row.id),
        names => format!("{what}; in question: {}{more}", names.join(", ")),
    })
}
