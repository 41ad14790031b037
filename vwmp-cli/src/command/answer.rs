//! `approve`, `reject`: answers to what a step asks.

use vwmp_core::run::{Report, Unit};
use vwmp_store::{Order, RunRow, Standing, Store};

use crate::arguments::Answer;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pending::{self, Pending};
use crate::recorded::Recorded;
use crate::render::to_do::{waiting, waits_for};
use crate::{Program, input, store};

/// Leaves an answer for the process that drives the run, or for the next one that does.
pub(super) fn answer(mut program: Program, arguments: &Answer, approved: bool) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let recorded = Recorded::read(&store, &arguments.one.run, &registry)?;
    let report = recorded.report(&store)?;
    let (run, step) = (recorded.row.id.clone(), &arguments.step);
    let pending = pending::of(&store, &recorded, &report)?;
    if let Some(why) = refusal(&report, step, &pending) {
        return Err(Failure::Usage(why));
    }
    let by = store::who(&input::environment());
    let order = Order::Answer { step: step.clone(), approved, by, comment: arguments.comment.clone() };
    Store::open(store.folder())?.order(&run, &order)?;
    let word = if approved { "approved" } else { "rejected" };
    let then = match recorded.row.standing {
        Standing::Live(_) => "the run goes on".to_owned(),
        Standing::Ended(_) => {
            // A run that was called goes on with the one that calls it.
            let first = caller(&store, recorded.row)?;
            let typed = store::next(&program, place, &first).command("resume", &[]);
            format!("nobody drives the run now, `{}` goes on with it", typed.unwrap_or_default())
        }
    };
    program.terminal.tell(&format!("{step} of run {run} is {word}: {then}\n"));
    Ok(Exit::Done)
}

/// The run that a run goes back to by calls.
fn caller(store: &Store, mut row: RunRow) -> Result<RunRow, Failure> {
    while let Some(parent) = &row.parent {
        row = store.find(parent)?;
    }
    Ok(row)
}

/// Why the step can't be answered: it asks nothing, or the run has an answer that it has not taken in yet.
fn refusal(report: &Report, step: &str, pending: &[Pending]) -> Option<String> {
    if let Some(pending) = pending.iter().find(|one| one.step == step) {
        return Some(pending.told());
    }
    let plan = report.plan();
    let unit = Unit::named(step, plan);
    let asks = unit.and_then(|unit| waits_for(report.state().unit(unit))).is_some_and(|(_, asks)| asks);
    if asks {
        return None;
    }
    let open: Vec<String> = waiting(report).into_iter().filter(|one| one.asks).map(|one| one.id).collect();
    let what = match unit {
        Some(_) => format!("{step} asks nothing"),
        None => format!("the run has no step `{step}`"),
    };
    Some(match open.as_slice() {
        [] => format!("{what}, nor does any other step of run {}", report.run_id()),
        open => format!("{what}; asked are {}", open.join(", ")),
    })
}
