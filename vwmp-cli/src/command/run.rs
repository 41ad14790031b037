//! `run`: runs a workflow.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use vwmp_core::Engine;
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::{EngineError, Event, Journal, JournalError, Report, Run, RunControl};
use vwmp_interfaces::BoxFuture;

use crate::arguments::{self, Format};
use crate::ci::Service;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::{Form, Watch, cancelling, feed};
use crate::render::junit::junit;
use crate::render::{diagnostic, report};
use crate::terminal::Terminal;
use crate::{Program, ci, input, panic};

/// How a run is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) format: Format,
    pub(super) form: Form,
}

/// More steps at once don't get more threads.
const MOST_WORKERS: usize = 16;

pub(super) fn run(mut program: Program, arguments: &arguments::Run) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let environment = input::environment();
    let form = form(arguments.log_format, ci::service(&environment));
    let terminal = program.terminal;
    let (plan, warnings) = input::plan(&arguments.workflow, &registry, environment, terminal)?;
    warn(terminal, &warnings, form);
    let file = &arguments.workflow.file;
    // For annotations; read before the run, which may change it.
    let source = std::fs::read_to_string(file).unwrap_or_default();
    let style = Style { quiet: arguments.quiet, verbose: arguments.verbose, format: arguments.format, form };
    execute_then(terminal, registry, plan, style, |report| {
        if form == Form::Sections(Service::GitHub) {
            terminal.tell(&ci::failures(report, file, &source));
        }
        arguments.junit.as_deref().map_or(Ok(()), |file| input::files::replace(file, &junit(report)))
    })
}

fn form(log_format: Format, service: Option<Service>) -> Form {
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

/// Runs a plan, shows it as it goes, and shows its report.
pub(super) fn execute(
    terminal: Terminal,
    registry: Registry,
    plan: Plan,
    style: Style,
) -> Result<Exit, Failure> {
    execute_then(terminal, registry, plan, style, |_| Ok(()))
}

/// The same, and something with the report when everything else is told.
fn execute_then(
    terminal: Terminal,
    registry: Registry,
    plan: Plan,
    style: Style,
    then: impl FnOnce(&Report) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let runtime = runtime(plan.max_parallel())?;
    let report = runtime.block_on(drive(terminal, registry, Arc::new(plan), style))?;
    // A handler that blocks its thread and ignores cancellation must not hold up the end.
    runtime.shutdown_background();
    // What programs wrote is told here too, and must not be taken for commands.
    let token = (style.form == Form::Sections(Service::GitHub)).then(ci::token);
    token.iter().for_each(|token| terminal.tell(&format!("::stop-commands::{token}\n")));
    let printed = print(terminal, &report, style);
    tell(terminal, &report, style);
    token.iter().for_each(|token| terminal.tell(&format!("::{token}::\n")));
    let written = then(&report);
    let exit = Exit::from(report.status());
    // To free a million steps takes a while, and the program ends here.
    std::mem::forget(report);
    match printed {
        Err(failure) if !failure.reader_left() => Err(failure),
        _ => written.map(|()| exit),
    }
}

/// One worker more than steps run at once: handlers that block can't hold up the engine.
pub(super) fn runtime(max_parallel: usize) -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(max_parallel.min(MOST_WORKERS) + 1)
        .thread_name(panic::WORKER)
        .enable_all()
        .build()
        .map_err(Failure::machine("can't start the threads that steps run on"))
}

async fn drive(
    terminal: Terminal,
    registry: Registry,
    plan: Arc<Plan>,
    style: Style,
) -> Result<Report, Failure> {
    let signals = Signals::listen()?;
    let engine = Engine::builder(registry).journal(|_| Box::new(NoJournal));
    if style.quiet {
        let run = engine.start(plan);
        return signals.heed(run.control(), Some(terminal), run.finish()).await;
    }
    let (feed, news) = feed();
    let mut run = engine.listen(Arc::new(feed)).start(Arc::clone(&plan));
    let watch = run.events().map(|events| Watch::new(terminal, style.form, plan, events, news));
    signals.heed(run.control(), None, watched(run, watch)).await
}

async fn watched(run: Run, watch: Option<Watch>) -> Result<Report, EngineError> {
    if let Some(watch) = watch {
        watch.show().await;
    }
    run.finish().await
}

/// Keeps no events: the run lives as long as the program, and the view gets its own.
struct NoJournal;

impl Journal for NoJournal {
    fn append<'a>(&'a mut self, _: &'a [Event]) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The ways in which somebody asks the program to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(Failure::machine("can't listen for Ctrl-C"));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for the end of a run. The first signal cancels it with grace, the second kills it.
    async fn heed(
        mut self,
        control: RunControl,
        quiet: Option<Terminal>,
        run: impl Future<Output = Result<Report, EngineError>>,
    ) -> Result<Report, Failure> {
        tokio::pin!(run);
        let mut asked = false;
        loop {
            let what = tokio::select! {
                report = &mut run => return Ok(report?),
                _ = self.interrupt.recv() => "interrupted by Ctrl-C",
                _ = self.terminate.recv() => "stopped by SIGTERM",
            };
            if std::mem::replace(&mut asked, true) {
                control.kill();
                continue;
            }
            if let Some(terminal) = quiet {
                terminal.tell(&format!("{}\n", cancelling(what)));
            }
            control.cancel(what);
        }
    }
}

/// The result.
fn print(terminal: Terminal, result: &Report, style: Style) -> Result<(), Failure> {
    let mut out = terminal.out();
    if style.format == Format::Json {
        serde_json::to_writer_pretty(&mut out, result).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else if !style.quiet {
        writeln!(out, "{}", report::table(result, terminal.out_width()))?;
        if style.verbose {
            write!(out, "{}", report::outputs(result))?;
        }
    }
    Ok(out.flush()?)
}

/// What people should know beside the result.
fn tell(terminal: Terminal, result: &Report, style: Style) {
    if style.form == Form::Json {
        return;
    }
    let problems = report::problems(result, terminal.err_width());
    if !style.quiet || !problems.is_empty() {
        let gap = if problems.is_empty() { "" } else { "\n" };
        terminal.tell(&format!("{problems}{gap}{}", report::summary(result, terminal.err_width())));
    }
}
