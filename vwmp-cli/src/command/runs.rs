//! `runs`: the runs of a store.

mod prune;

use serde_json::json;
use vwmp_core::run::SystemClock;
use vwmp_interfaces::{Clock as _, Timestamp};
use vwmp_store::{Filter, RunRow, Store};

use crate::arguments::{self, Format, RunsCommand};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::runs;
use crate::{Program, store};

pub(super) fn runs(program: &Program, arguments: &arguments::Runs) -> Result<Exit, Failure> {
    if let Some(RunsCommand::Prune(arguments)) = &arguments.prune {
        return prune::prune(program, arguments);
    }
    let store = store::existing(program, &arguments.place)?;
    let rows = store.runs(&Filter {
        workflow: arguments.workflow.clone(),
        standing: arguments.status,
        since: arguments.since.map(|ago| before(ago.as_micros())),
        called: arguments.all,
        limit: Some(arguments.limit),
        ..Filter::default()
    })?;
    program.terminal.print(&match arguments.format {
        Format::Text => runs::table(&rows, SystemClock.now(), program.terminal.out_width()),
        Format::Json => json(&rows),
    })?;
    Ok(Exit::Done)
}

/// So long ago.
fn before(micros: u128) -> Timestamp {
    let now = SystemClock.now().as_micros();
    Timestamp::from_micros(now.saturating_sub(u64::try_from(micros).unwrap_or(u64::MAX)))
}

fn json(rows: &[RunRow]) -> String {
    format!("{:#}\n", json!(rows))
}

/// The latest runs, as `runs` shows them.
pub(super) fn latest(store: &Store, width: usize) -> Result<String, Failure> {
    let rows = store.runs(&Filter { limit: Some(20), ..Filter::default() })?;
    Ok(runs::table(&rows, SystemClock.now(), width))
}
