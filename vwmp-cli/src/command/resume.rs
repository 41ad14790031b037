//! `resume`: goes on with a run that another process left.

mod assumed;
mod given;

use std::path::PathBuf;
use std::sync::Arc;

use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::{EventKind, LostSecret, Order, Resume, ResumeError, RunState, RunStatus, Start};
use vwmp_interfaces::workflow_type::FailurePolicy;
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
    /// Whether it is, although others may have seen what was done.
    pub(super) force: bool,
    /// Whether it is continued only to be cancelled, and why.
    pub(super) cancel: Option<String>,
}

pub(super) fn resume(mut program: Program, arguments: &arguments::Resume) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let row = store.find(&arguments.one.run)?;
    if let Standing::Ended(status) = row.standing
        && !matches!(status, RunStatus::Interrupted | RunStatus::MustContinue)
    {
        return Err(has_ended(&program, place, &row, status));
    }
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
fn has_ended(program: &Program, place: &RunsPlace, row: &RunRow, status: RunStatus) -> Failure {
    let next = store::next(program, place, row);
    let verb = if status == RunStatus::RollbackFailed { "undo" } else { "rerun" };
    let told = status.name().replace('_', " ");
    let typed = next.command(verb, &[]).unwrap_or_default();
    let what = if verb == "undo" { "tries again to take it back" } else { "carries the workflow out anew" };
    Failure::Usage(format!("run {} has ended: {told}; `{typed}` {what}", row.id))
}

/// A step that reads a secret which is gone would fail, and the run with it.
fn refuse_lost(plan: &Plan, state: &RunState) -> Result<(), Failure> {
    let Some(LostSecret { step, of }) = state.lost_secret(plan) else { return Ok(()) };
    let lost = match of {
        Some(of) => format!("{step} reads what {of} gave, which held a secret and was not written down"),
        None => format!("an item of {step} held a secret and was not written down"),
    };
    let way_out = match (plan.on_failure(), of) {
        // Of such a workflow there is one unfinished run at most.
        (FailurePolicy::Rollback, _) => {
            "`undo` takes back what was done, so that a new run can begin".to_owned()
        }
        (_, Some(of)) => {
            format!("`rerun --from {of}` carries both out again, `undo` takes back what was done")
        }
        (_, None) => format!("`rerun --from {step}` carries it out again, `undo` takes back what was done"),
    };
    Err(Failure::Usage(format!("{lost}; {way_out}")))
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
    let given = again.sets.clone();
    let recorded = Recorded::again(store, run, registry, again)?;
    for change in recorded.record.changes(registry) {
        program.terminal.tell(&format!("{}: {change}\n", paint(YELLOW, "warning")));
    }
    let cancel = how.cancel.map(|reason| Order::Cancel { reason, by: Some(who.clone()) });
    let resume = Resume {
        by: who.clone(),
        assume: how.assume,
        roll_back: how.roll_back,
        force: how.force,
        orders: cancel.into_iter().collect(),
        again: false,
    };
    let began = recorded.events.iter().any(|event| matches!(event.kind, EventKind::RunStarted { .. }));
    if began {
        // It may have ended while its lock was waited for.
        let state = match RunState::resumed(&recorded.plan, &recorded.events, &resume) {
            Err(ResumeError::Ended(status)) => return Err(has_ended(program, place, &recorded.row, status)),
            state => state?,
        };
        assumed::check(&recorded, &state, &resume.assume)?;
        if resume.roll_back.is_none() && resume.orders.is_empty() {
            refuse_lost(&recorded.plan, &state)?;
        }
    } else if recorded.record.is_partial() {
        return Err(Failure::Usage(format!(
            "run {run} was to carry out a part of another run again, and its process ended before it began: nothing was \
             done; type that `rerun` once more"
        )));
    }
    let home = PlaceArguments { workspace: Some(recorded.record.workspace().to_owned()), config: None };
    let mut settings = input::settings(&home, &[], environment.clone())?;
    settings.sets = recorded.record.sets().chain(given).collect();
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
    let beginning = if began {
        Beginning::Again { events: recorded.events, how: resume }
    } else {
        Beginning::New(Start::new(run))
    };
    driver.drive(Driven { plan: recorded.plan, settings, owned: Some(owned), beginning }, |_| Ok(()))
}
