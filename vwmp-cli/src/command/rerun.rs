//! `rerun`: a workflow again, with the parameters of an earlier run, and results of it.

mod part;

use std::path::PathBuf;

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
    let run_arguments = of_run(arguments, &recorded.record);
    run::run_keeping(program, &run_arguments, |planned| {
        part::keep(&chosen, &report, &recorded.events, &planned.plan)
    })
}

/// What `run` would have been given.
fn of_run(arguments: &Rerun, record: &Record) -> Run {
    let driving = &arguments.driving;
    let ValueArguments { parameters, parameter_file, settings } = &arguments.values;
    Run {
        workflow: WorkflowArguments {
            file: PathBuf::from(record.source()),
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
