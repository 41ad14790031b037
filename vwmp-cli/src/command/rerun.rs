//! `rerun`: a workflow again, with the parameters of an earlier run, and results of it.

mod part;

use std::path::{Path, PathBuf};

use vwmp_core::workflow::record::Record;

use super::run;
use crate::Program;
use crate::arguments::{PlaceArguments, Rerun, Run, ValueArguments, WorkflowArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::recorded::Recorded;
use crate::store;

pub(super) fn rerun(mut program: Program, arguments: &Rerun) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let recorded = Recorded::read(&store, &arguments.one.run, &registry)?;
    drop(registry);
    let report = recorded.report(&store)?;
    let chosen = part::Part::of(arguments);
    let run_arguments = of_run(arguments, &recorded);
    run::run_keeping(program, &run_arguments, |planned| {
        part::keep(&chosen, &report, &recorded.events, &planned.plan)
    })
}

/// The workflow file, wherever the first run was started: as it was named there where that is the same file here, as
/// short as it can be otherwise.
fn file(record: &Record, source: &str) -> PathBuf {
    // A whole path stays one.
    let whole = record.workspace().join(source);
    let named = Path::new(record.source());
    if std::fs::canonicalize(named).is_ok_and(|found| found == whole) {
        return named.to_owned();
    }
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    let short = here.ok().and_then(|here| whole.strip_prefix(here).ok().map(Path::to_owned));
    short.unwrap_or(whole)
}

/// What `run` would have been given.
fn of_run(arguments: &Rerun, recorded: &Recorded) -> Run {
    let record = &recorded.record;
    let driving = &arguments.driving;
    let ValueArguments { parameters, parameter_file, settings } = &arguments.values;
    Run {
        workflow: WorkflowArguments {
            file: file(record, &recorded.row.source),
            values: ValueArguments {
                parameters: parameters.clone(),
                parameter_file: parameter_file.clone(),
                settings: settings.clone(),
            },
            place: PlaceArguments {
                workspace: Some(record.workspace().to_owned()),
                config: arguments.config.clone(),
            },
            max_parallel: None,
            no_input: driving.no_input,
            recorded: record.parameters().clone(),
        },
        quiet: driving.quiet,
        verbose: driving.verbose,
        format: driving.format,
        log_format: driving.log_format,
        junit: None,
        metrics: driving.metrics.clone(),
        timings: driving.timings,
        key: None,
        store: arguments.one.place.store.clone(),
        no_store: false,
        no_cache: driving.no_cache,
    }
}
