//! A run that has the key which another one is to have: it is shown, and none is started.

use std::path::Path;
use std::sync::Arc;

use vwmp_core::registry::Registry;
use vwmp_store::Store;

use super::style;
use super::unfinished::other_parameters;
use crate::Program;
use crate::arguments::{self, RunsPlace};
use crate::command::watch;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, Planned};
use crate::recorded::{record, source};

/// Shows the run that has the key, and waits for its end. It must be a run of the same.
pub(super) fn attach(
    program: &Program,
    registry: &Arc<Registry>,
    store: &Store,
    place: &RunsPlace,
    (run, planned): (&str, &Planned),
    arguments: &arguments::Run,
) -> Result<Exit, Failure> {
    let key = arguments.key.as_deref().unwrap_or_default();
    if let Some(difference) = difference(registry, store, run, planned)? {
        return Err(Failure::Usage(format!(
            "the key `{key}` is that of run {run}, {difference}: give this run another key"
        )));
    }
    program.terminal.tell(&format!("run {run} has the key `{key}`: it is shown, and none is started\n"));
    watch::show(program, registry, store, place, run, style(arguments))
}

/// What is another one than in the run with the key: the workflow, or what it was given.
fn difference(
    registry: &Registry,
    store: &Store,
    run: &str,
    planned: &Planned,
) -> Result<Option<String>, Failure> {
    let now = source(Path::new(planned.plan.workflow_id()), planned.plan.workspace());
    let before = store.find(run)?.source;
    if before != now {
        return Ok(Some(format!("which is one of the workflow {before}, not of {now}")));
    }
    let record = record(store, run)?;
    let others = other_parameters(&record, &record.look(registry, input::environment())?, planned);
    Ok(match others.as_slice() {
        [] => None,
        [name] => Some(format!("which has another value of the parameter {name}")),
        names => Some(format!("which has other values of the parameters {}", names.join(", "))),
    })
}
