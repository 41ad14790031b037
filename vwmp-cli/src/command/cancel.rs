//! `cancel`: stops a run, wherever it is driven.

use vwmp_core::run::RunStatus;
use vwmp_store::{Filter, Order, RunRow, Standing, Store};

use super::resume::{self, How};
use crate::arguments::Cancel;
use crate::drive::Style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::{YELLOW, paint};
use crate::{Program, input, store};

pub(super) fn cancel(mut program: Program, arguments: &Cancel) -> Result<Exit, Failure> {
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let row = store.find(&arguments.one.run)?;
    let reason = arguments.reason.clone();
    match row.standing {
        Standing::Live(_) => {
            let by = Some(store::who(&input::environment()));
            Store::open(store.folder())?.order(&row.id, &Order::Cancel { reason, by })?;
            let pid = row.pid.map(|pid| format!(" {pid}")).unwrap_or_default();
            let watch = store::next(&program, place, &row).command("watch", &[]).unwrap_or_default();
            let told = format!("process{pid} is told to stop run {}; `{watch}` shows its end\n", row.id);
            program.terminal.tell(&told);
            Ok(Exit::Done)
        }
        // Nobody drives it, so this process brings it to its end: what is due in the end is done.
        Standing::Ended(RunStatus::Interrupted) => {
            let registry = program.registry()?;
            let cancel = |run: &RunRow, reason: String, quiet: bool| {
                let how = How {
                    cancel: Some(reason),
                    style: Style { quiet, ..Style::default() },
                    ..How::default()
                };
                resume::go_on(&program, &registry, &store, place, &run.id, &arguments.secrets, how)
            };
            let exit = cancel(&row, reason, arguments.quiet)?;
            // What it called was left by the same process.
            let why = format!("run {}, which called it, was cancelled", row.id);
            for called in called_by(&store, &row.id)? {
                if let Err(error) = cancel(&called, why.clone(), true) {
                    let warning = paint(YELLOW, "warning");
                    program
                        .terminal
                        .tell(&format!("{warning}: run {}, which it called: {error}\n", called.id));
                }
            }
            Ok(if exit == Exit::Cancelled { Exit::Done } else { exit })
        }
        Standing::Ended(status) => {
            let told = status.name().replace('_', " ");
            Err(Failure::Usage(format!("run {} has ended already: {told}", row.id)))
        }
    }
}

/// The interrupted runs that a run called, and those that they called.
fn called_by(store: &Store, run: &str) -> Result<Vec<RunRow>, Failure> {
    let standing = Some(Standing::Ended(RunStatus::Interrupted));
    let mut open = store.runs(&Filter { standing, called: true, ..Filter::default() })?;
    let mut family = vec![run.to_owned()];
    let mut called = Vec::new();
    while let Some(at) = open.iter().position(|one| one.parent.as_ref().is_some_and(|of| family.contains(of)))
    {
        let row = open.swap_remove(at);
        family.push(row.id.clone());
        called.push(row);
    }
    Ok(called)
}
