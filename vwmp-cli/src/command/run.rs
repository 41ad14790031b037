//! `run`: runs a workflow.

mod keyed;
mod unfinished;

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use vwmp_core::Engine;
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::plan::StepIndex;
use vwmp_core::registry::Registry;
use vwmp_core::run::{Report, Reused, Start};
use vwmp_store::{OwnedRun, Store, StoreError};

use crate::arguments::{self, Format, PlaceArguments, RunsPlace, StoreArguments};
use crate::ask::Questions;
use crate::ci::Service;
use crate::drive::{Beginning, Driven, Driver, Style};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Planned;
use crate::next::{self, Next};
use crate::progress::Form;
use crate::recorded::Begun;
use crate::render::diagnostic;
use crate::render::junit::junit;
use crate::terminal::Terminal;
use crate::{Program, ci, input, store};

/// What a run keeps of an earlier one.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) reuse: Vec<Reused>,
    pub(super) leave_out: Vec<StepIndex>,
}

impl Kept {
    fn is_partial(&self) -> bool {
        !(self.reuse.is_empty() && self.leave_out.is_empty())
    }
}

pub(super) fn run(program: Program, arguments: &arguments::Run) -> Result<Exit, Failure> {
    run_keeping(program, arguments, |_| Ok(Kept::default()))
}

/// The same, with results of an earlier run.
pub(super) fn run_keeping(
    mut program: Program,
    arguments: &arguments::Run,
    keep: impl FnOnce(&Planned) -> Result<Kept, Failure>,
) -> Result<Exit, Failure> {
    arguments
        .junit
        .iter()
        .chain(&arguments.metrics)
        .try_for_each(|file| input::files::expect_writable(file))?;
    let registry = program.registry_at(&arguments.workflow.place)?;
    let environment = input::environment();
    let form = form(arguments.log_format, ci::service(&environment));
    let planned = input::plan(&arguments.workflow, &registry, environment, program.terminal)?;
    warn(program.terminal, &planned.warnings, form);
    let kept = keep(&planned)?;
    let place = RunsPlace {
        workspace: arguments.workflow.place.workspace.clone(),
        store: StoreArguments { store: arguments.store.store.clone() },
    };
    let kept_in = match arguments.no_store {
        true => None,
        false => Some(open(&planned, &place, program.terminal)?),
    };
    if let (Some(store), Some(key)) = (&kept_in, &arguments.key)
        && let Some(run) = store.run_with_key(key)?
    {
        return keyed::attach(&program, &registry, store, &place, (&run, &planned), arguments);
    }
    let alone = kept_in.as_ref().filter(|_| unfinished::is_alone(&planned.plan)).map(Store::begin_alone);
    let alone = alone.transpose()?;
    if let Some(store) = &kept_in
        && let Some(run) = unfinished::of_same(&program, &registry, store, &place, &planned)?
    {
        if kept.is_partial() {
            return Err(unfinished::no_part(&program, &place, &run));
        }
        drop(alone);
        return unfinished::go_on(&program, &registry, store, &place, &run, arguments);
    }
    begin(&program, registry, planned, (kept, alone), kept_in.as_ref(), &place, arguments)
}

/// What `run` would do instead of what is planned, since there is an unfinished run.
pub(super) fn instead(
    program: &Program,
    registry: &Registry,
    place: &PlaceArguments,
    planned: &Planned,
) -> Option<String> {
    let store = Store::look(&store::folder(planned.plan.workspace(), None)).ok()??;
    let place = RunsPlace { workspace: place.workspace.clone(), store: StoreArguments { store: None } };
    match unfinished::of_same(program, registry, &store, &place, planned) {
        Ok(None) => None,
        Ok(Some(run)) => Some(format!(
            "run {} was begun with the same parameters and is unfinished: `run` goes on with it instead of this",
            run.id
        )),
        Err(why) => Some(format!("`run` would be refused: {why}")),
    }
}

fn open(planned: &Planned, place: &RunsPlace, terminal: Terminal) -> Result<Store, Failure> {
    let folder = store::folder(planned.plan.workspace(), place.store.store.as_deref());
    store::open(&folder, terminal).map_err(|source| Failure::NoStore { source })
}

fn begin(
    program: &Program,
    registry: Arc<Registry>,
    planned: Planned,
    (kept, alone): (Kept, Option<vwmp_store::Beginning>),
    store: Option<&Store>,
    place: &RunsPlace,
    arguments: &arguments::Run,
) -> Result<Exit, Failure> {
    let id = Engine::builder(Arc::clone(&registry)).build().new_run_id();
    let next = match store {
        Some(_) => {
            let options = next::place(place.workspace.as_ref(), place.store.store.as_ref());
            Next::of(program.name(), &id, options)
        }
        None => Next::nothing(),
    };
    let partial = kept.is_partial();
    let owned = match store.map(|store| create(store, &id, &planned, partial, arguments)).transpose() {
        // Another process was faster.
        Err(StoreError::KeyTaken { run, .. }) => {
            let Some(store) = store else { return Err(StoreError::NoSuchRun(run).into()) };
            return keyed::attach(program, &registry, store, place, (&run, &planned), arguments);
        }
        owned => owned?,
    };
    // From now on others see that it is there.
    drop(alone);
    let style = style(arguments);
    let environment = Arc::clone(&planned.settings.environment);
    let asks = Questions::at(program.terminal, arguments.workflow.no_input, &environment);
    let driver = Driver {
        terminal: program.terminal,
        registry,
        style,
        next,
        cache: !arguments.no_cache,
        asks: asks.map(|_| store::who(&environment)),
        metrics: arguments.metrics.clone(),
    };
    let file = &arguments.workflow.file;
    // For annotations; read before the run, which may change it.
    let source = std::fs::read_to_string(file).unwrap_or_default();
    let start = Start { id, reuse: kept.reuse, leave_out: kept.leave_out };
    let (plan, settings) = (Arc::new(planned.plan), planned.settings);
    let driven = Driven { plan, settings, owned, beginning: Beginning::New(start) };
    let terminal = program.terminal;
    driver.drive(driven, |report| {
        also_tell(terminal, report, style.form, (file, &source), arguments.junit.as_deref())
    })
}

fn create(
    store: &Store,
    id: &str,
    planned: &Planned,
    partial: bool,
    arguments: &arguments::Run,
) -> Result<OwnedRun, StoreError> {
    let begun = Begun {
        workflow: &planned.workflow,
        inputs: &planned.inputs,
        plan: &planned.plan,
        key: arguments.key.as_deref(),
        parent: None,
        partial,
    };
    begun.create(store, id)
}

/// What is told when everything else is: failed steps at their lines, and the JUnit report.
pub(super) fn also_tell(
    terminal: Terminal,
    report: &Report,
    form: Form,
    (file, source): (&Path, &str),
    to: Option<&Path>,
) -> Result<(), Failure> {
    if form == Form::Sections(Service::GitHub) {
        terminal.tell(&ci::failures(report, file, source));
    }
    to.map_or(Ok(()), |file| input::files::report(file, &junit(report)))
}

fn style(arguments: &arguments::Run) -> Style {
    Style {
        quiet: arguments.quiet,
        verbose: arguments.verbose,
        timings: arguments.timings,
        format: arguments.format,
        form: form(arguments.log_format, ci::service(&input::environment())),
    }
}

/// How what happens is shown.
pub(super) fn form(log_format: Format, service: Option<Service>) -> Form {
    match (log_format, service) {
        (Format::Json, _) => Form::Json,
        (Format::Text, Some(service)) => Form::Sections(service),
        (Format::Text, None) => Form::People,
    }
}

fn warn(terminal: Terminal, warnings: &Diagnostics, form: Form) {
    match form {
        _ if warnings.is_empty() => {}
        Form::Json => terminal.tell(&format!("{}\n", json!({ "type": "warnings", "diagnostics": warnings }))),
        Form::People | Form::Sections(_) => {
            terminal.tell(&diagnostic::render(warnings, terminal.err_width()));
            if form == Form::Sections(Service::GitHub) {
                terminal.tell(&ci::findings(warnings));
            }
        }
    }
}
