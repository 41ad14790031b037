//! `resume`: goes on with a run that another process left.

mod assumed;
mod given;

use std::path::PathBuf;
use std::sync::Arc;

use vwmp_core::registry::Registry;
use vwmp_core::run::{EventKind, Resume, RunState, RunStatus, Start};
use vwmp_store::{RunRow, Standing, Store};

use super::run;
use crate::arguments::{self, DrivingArguments, PlaceArguments, RunsPlace, ValueArguments};
use crate::ask::Questions;
use crate::drive::{Beginning, Driven, Driver, Style};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::recorded::{Recorded, record};
use crate::terminal::{YELLOW, paint};
use crate::{Program, ci, composites, input, store};

/// How a run is gone on with.
#[derive(Default)]
pub(super) struct How {
    pub(super) style: Style,
    pub(super) cache: bool,
    pub(super) no_input: bool,
    /// The file that the figures of the run go to.
    pub(super) metrics: Option<PathBuf>,
    /// What somebody knows about steps whose end nobody saw.
    pub(super) assume: Vec<(String, bool)>,
    /// Whether what was done is taken back instead, and why.
    pub(super) roll_back: Option<String>,
    /// Whether it is continued only to be cancelled, and why.
    pub(super) cancel: Option<String>,
}

pub(super) fn resume(mut program: Program, arguments: &arguments::Resume) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let row = store.find(&arguments.one.run)?;
    refuse_ended(&program, place, &row)?;
    let how = How { assume: arguments.assume.clone(), ..How::of(&arguments.driving) };
    go_on(&program, &registry, &store, place, &row.id, &arguments.secrets, how)
}

impl How {
    pub(super) fn of(driving: &DrivingArguments) -> Self {
        let style = Style {
            quiet: driving.quiet,
            verbose: driving.verbose,
            timings: driving.timings,
            format: driving.format,
            form: run::form(driving.log_format, ci::service(&input::environment())),
        };
        Self {
            style,
            cache: !driving.no_cache,
            no_input: driving.no_input,
            metrics: driving.metrics.clone(),
            ..Self::default()
        }
    }
}

/// What has ended is not continued, unless it must be.
fn refuse_ended(program: &Program, place: &RunsPlace, row: &RunRow) -> Result<(), Failure> {
    let next = store::next(program, place, row);
    let verb = match row.standing {
        Standing::Live(_) | Standing::Ended(RunStatus::Interrupted | RunStatus::MustContinue) => {
            return Ok(());
        }
        Standing::Ended(RunStatus::RollbackFailed) => "undo",
        Standing::Ended(_) => "rerun",
    };
    let told = row.standing.name().replace('_', " ");
    let typed = next.command(verb, &[]).unwrap_or_default();
    let what = if verb == "undo" { "tries again to take it back" } else { "carries the workflow out anew" };
    Err(Failure::Usage(format!("run {} has ended: {told}; `{typed}` {what}", row.id)))
}

/// A step that reads a secret which is gone would fail, and the run with it.
fn refuse_lost(recorded: &Recorded) -> Result<(), Failure> {
    let state = RunState::of(&recorded.plan, &recorded.events);
    let Some((step, of)) = state.lost_output(&recorded.plan) else { return Ok(()) };
    Err(Failure::Usage(format!(
        "{step} reads what {of} gave, which held a secret and was not written down; `rerun --from {of}` carries both out \
         again, `undo` takes back what was done"
    )))
}

/// Goes on with a run in this process, as long as no other one drives it.
pub(super) fn go_on(
    program: &Program,
    registry: &Registry,
    store: &Store,
    place: &RunsPlace,
    run: &str,
    values: &ValueArguments,
    how: How,
) -> Result<Exit, Failure> {
    let store = &store::open(store.folder(), program.terminal)?;
    let environment = input::environment();
    let who = store::who(&environment);
    // First of all nobody else may drive it.
    let owned = store.take(run)?;
    let again = given::again(&record(store, run)?, registry, values)?;
    let recorded = Recorded::again(store, run, registry, again)?;
    for change in recorded.record.changes(registry) {
        program.terminal.tell(&format!("{}: {change}\n", paint(YELLOW, "warning")));
    }
    assumed::check(&recorded, &how.assume)?;
    if how.roll_back.is_none() && how.cancel.is_none() {
        refuse_lost(&recorded)?;
    }
    let home = PlaceArguments { workspace: Some(recorded.record.workspace().to_owned()), config: None };
    let settings = input::settings(&home, &[], environment.clone())?;
    // What its steps call may use others than the run itself.
    let mut handlers = registry.without_composites();
    composites::discover(&mut handlers, &settings, recorded.record.workspace())?;
    let registry = Arc::new(recorded.record.registry(&handlers)?);
    let asks = Questions::at(program.terminal, how.no_input, &environment).map(|_| who.clone());
    let driver = Driver {
        terminal: program.terminal,
        registry,
        style: how.style,
        next: store::next(program, place, &recorded.row),
        cache: how.cache,
        asks,
        metrics: how.metrics,
    };
    let resume = Resume { by: who.clone(), assume: how.assume, roll_back: how.roll_back };
    let began = recorded.events.iter().any(|event| matches!(event.kind, EventKind::RunStarted { .. }));
    let beginning = if began {
        Beginning::Again {
            events: recorded.events,
            how: resume,
            cancel: how.cancel.map(|reason| (reason, who)),
        }
    } else {
        Beginning::New(Start::new(run))
    };
    driver.drive(Driven { plan: recorded.plan, settings, owned: Some(owned), beginning }, |_| Ok(()))
}
