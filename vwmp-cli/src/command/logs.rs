//! `logs`: what the steps of a run wrote.

use std::collections::HashMap;
use std::io::Write as _;
use std::time::Duration;

use vwmp_store::{Standing, Store, StoredLine};

use crate::arguments::Logs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{report, time_of_day};
use crate::terminal::{DIM, paint};
use crate::{Program, store};

/// How often there may be new lines.
const EVERY: Duration = Duration::from_millis(200);

pub(super) fn logs(program: &Program, arguments: &Logs) -> Result<Exit, Failure> {
    let store = store::existing(program, &arguments.one.place)?;
    let row = store.find(&arguments.one.run)?;
    let step = arguments.step.as_deref();
    let mut seen = HashMap::new();
    let mut any = false;
    loop {
        // Asked first: what was written before its end is read below.
        let live = matches!(store.find(&row.id)?.standing, Standing::Live(_));
        let lines = store.new_lines(&row.id, step, &mut seen)?;
        any |= !lines.is_empty();
        print(program, &lines)?;
        if !arguments.follow || !live {
            break;
        }
        std::thread::sleep(EVERY);
    }
    if !any {
        program.terminal.tell(&nothing(&store, &row.id, step)?);
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

/// Nothing was written, or by other steps.
fn nothing(store: &Store, run: &str, step: Option<&str>) -> Result<String, Failure> {
    let Some(step) = step else { return Ok(format!("no step of run {run} wrote anything\n")) };
    let lines = store.lines(run, None)?;
    let mut others: Vec<&str> = lines.iter().map(|stored| &*stored.line.step).collect();
    others.sort_unstable();
    others.dedup();
    Ok(match vwmp_core::diagnostic::nearest(step, others.iter().copied()) {
        Some(near) => format!("the step {step} of run {run} wrote nothing; did you mean `{near}`?\n"),
        None => format!("the step {step} of run {run} wrote nothing\n"),
    })
}
