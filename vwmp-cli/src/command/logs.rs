//! `logs`: what the steps of a run wrote.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use vwmp_core::diagnostic::nearest;
use vwmp_core::plan::PlannedStep;
use vwmp_core::run::Unit;
use vwmp_store::{Standing, Store, StoredLine};

use crate::arguments::Logs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::recorded::record;
use crate::render::{report, time_of_day};
use crate::terminal::{DIM, paint};
use crate::{Program, input, store};

/// How often there may be new lines.
const EVERY: Duration = Duration::from_millis(200);

pub(super) fn logs(mut program: Program, arguments: &Logs) -> Result<Exit, Failure> {
    let store = store::existing(&program, &arguments.one.place)?;
    let row = store.find(&arguments.one.run)?;
    let step = arguments.step.as_deref();
    if let Some(step) = step {
        refuse_unknown(&mut program, &store, &row.id, step)?;
    }
    let mut seen = HashMap::new();
    let mut any = false;
    loop {
        // Asked first: what was written before its end is read below.
        let live = matches!(store.find(&row.id)?.standing, Standing::Live(_));
        let lines = store.new_lines(&row.id, step, &mut seen)?;
        any |= !lines.is_empty();
        print(&program, &lines)?;
        if !arguments.follow || !live {
            break;
        }
        std::thread::sleep(EVERY);
    }
    if !any {
        program.terminal.tell(&nothing(&row.id, step));
    }
    Ok(Exit::Done)
}

fn print(program: &Program, lines: &[StoredLine]) -> Result<(), Failure> {
    let mut out = program.terminal.out();
    for stored in lines {
        writeln!(out, "{} {}", paint(DIM, time_of_day(stored.at)), report::log_line(&stored.line))?;
    }
    Ok(out.flush()?)
}

fn nothing(run: &str, step: Option<&str>) -> String {
    match step {
        None => format!("no step of run {run} wrote anything\n"),
        Some(step) => format!("the step {step} of run {run} wrote nothing\n"),
    }
}

/// Refuses a step that the run doesn't have. Where its plan can't be made again, that is not known.
fn refuse_unknown(program: &mut Program, store: &Store, run: &str, step: &str) -> Result<(), Failure> {
    let registry = program.registry()?;
    let Ok(plan) = record(store, run).and_then(|record| Ok(record.look(&registry, input::environment())?))
    else {
        return Ok(());
    };
    let lines = store.lines(run, None)?;
    if Unit::named(step, &plan).is_some() || lines.iter().any(|stored| *stored.line.step == *step) {
        return Ok(());
    }
    let near = nearest(step, plan.steps().iter().map(PlannedStep::id));
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(Failure::Usage(format!("run {run} has no step `{step}`{near}")))
}
