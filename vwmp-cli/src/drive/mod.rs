//! Drives a run to its end, shows it as it goes, and tells how it went.

mod approvals;
mod asking;
mod children;
mod end;
mod signals;
mod telemetry;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use vwmp_core::Engine;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::call::Calls;
use vwmp_core::run::{
    EngineBuilder, EngineError, Event, Journal, JournalError, Report, Resume, ResumeError, Run, Start,
    Survive,
};
use vwmp_core::workflow::{DiskLoader, Settings};
use vwmp_interfaces::BoxFuture;
use vwmp_store::{OwnedRun, Store};

use self::approvals::Nobody;
pub(crate) use self::asking::Asking;
use self::children::ChildRuns;
pub(crate) use self::end::{Style, tell_end};
use self::signals::Signals;
pub(crate) use self::telemetry::Observed;
use self::telemetry::Telemetry;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::next::Next;
use crate::panic;
use crate::progress::{Before, Happening, Watch, feed};
use crate::terminal::Terminal;

/// Drives one run.
pub(crate) struct Driver {
    pub(crate) terminal: Terminal,
    pub(crate) registry: Arc<Registry>,
    pub(crate) style: Style,
    /// What people type next.
    pub(crate) next: Next,
    /// Whether results of earlier runs may be used.
    pub(crate) cache: bool,
    /// Whether somebody sits in front of the program who can be asked, and who.
    pub(crate) asks: Option<String>,
    /// The file that the figures of the run go to.
    pub(crate) metrics: Option<PathBuf>,
}

/// What is driven.
pub(crate) struct Driven {
    pub(crate) plan: Arc<Plan>,
    /// What workflows that steps call are checked with.
    pub(crate) settings: Settings,
    /// The run in its store; nothing where it is kept nowhere.
    pub(crate) owned: Option<OwnedRun>,
    pub(crate) beginning: Beginning,
}

/// How a run begins.
pub(crate) enum Beginning {
    /// Anew.
    New(Start),
    /// Where it was left.
    Again {
        /// What happened so far.
        events: Vec<Event>,
        how: Resume,
    },
}

impl Beginning {
    /// What happened before.
    fn so_far(&self) -> &[Event] {
        match self {
            Self::New(_) => &[],
            Self::Again { events, .. } => events,
        }
    }

    #[cfg(feature = "otel")]
    fn run_id(&self) -> &str {
        let started = |event| match event {
            &Event { kind: vwmp_core::run::EventKind::RunStarted { ref run_id }, .. } => Some(&**run_id),
            _ => None,
        };
        match self {
            Self::New(start) => &start.id,
            Self::Again { events, .. } => events.iter().find_map(started).unwrap_or_default(),
        }
    }
}

/// More steps at once don't get more threads.
const MOST_WORKERS: usize = 16;

/// One worker more than steps run at once: handlers that block can't hold up the engine.
pub(crate) fn runtime(max_parallel: usize) -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(max_parallel.min(MOST_WORKERS) + 1)
        .thread_name(panic::WORKER)
        .enable_all()
        .build()
        .map_err(Failure::machine("can't start the threads that steps run on"))
}

impl Driver {
    /// Drives a run, tells its end, and does something with the report when everything else is told.
    pub(crate) fn drive(
        self,
        driven: Driven,
        then: impl FnOnce(&Report) -> Result<(), Failure>,
    ) -> Result<Exit, Failure> {
        let runtime = runtime(driven.plan.max_parallel())?;
        let (terminal, style, next) = (self.terminal, self.style, self.next.clone());
        let report = runtime.block_on(self.run(driven))?;
        // A handler that blocks its thread and ignores cancellation must not hold up the end.
        runtime.shutdown_background();
        tell_end(terminal, report, style, &next, then)
    }

    async fn run(self, driven: Driven) -> Result<Report, Failure> {
        let mut signals = Signals::listen()?;
        let Driven { plan, settings, owned, mut beginning } = driven;
        let owned = owned.map(Arc::new);
        let so_far = beginning.so_far();
        let telemetry = Telemetry::new(self.terminal, self.style, self.metrics.clone());
        #[cfg(feature = "otel")]
        let telemetry = telemetry.traced(&settings.environment);
        let mut observers = telemetry.observers(&plan, &beginning);
        let before = Before::of(so_far);
        let mut orders = owned.as_ref().map(|owned| owned.orders(so_far)).transpose()?;
        let store = owned.as_ref().map(|owned| owned.store().clone());
        let mut engine =
            kept(Engine::builder(Arc::clone(&self.registry)), owned.as_ref(), so_far, self.cache);
        engine = engine.caller(Arc::new(self.calls(settings, store.as_ref())));
        let shown = (!self.style.quiet).then(feed);
        let (feed, news) = shown.map_or((None, None), |(feed, news)| (Some(feed), Some(news)));
        if let Some(feed) = feed {
            engine = engine.listen(Arc::new(feed));
        }
        if let (Beginning::Again { how, .. }, Some(orders)) = (&mut beginning, &mut orders) {
            how.orders.splice(0..0, orders.take_left());
        }
        let mut run = begin(&engine.build(), &plan, beginning)?;
        let control = run.control();
        if owned.is_none() && (self.asks.is_none() || self.style.quiet) {
            observers.push(Box::new(Nobody::new(Arc::clone(&plan), control.clone())));
        }
        let events = Observed::of(&mut run, observers);
        let seen = match news {
            None => Seen::ByObservers(events),
            Some(news) => {
                let events = Happening::Here(events);
                let asking = self.asks.map(|by| Asking::new(self.terminal, by, control.clone()));
                let shown = (Arc::clone(&plan), self.next);
                let watch = Watch::new(self.terminal, self.style.form, shown, events, news);
                Seen::ByPeople(Box::new(watch.asking(asking).after(&before)))
            }
        };
        let quiet = self.style.quiet.then_some(self.terminal);
        let carrying_out = async {
            match orders {
                Some(orders) => orders.carry_out(control.clone()).await,
                None => std::future::pending().await,
            }
        };
        let report = tokio::select! {
            report = signals.heed(control.clone(), quiet, watched(run, seen)) => report,
            () = carrying_out => Err(EngineError::Bug("nobody heeds orders any more".into()).into()),
        };
        telemetry.write();
        #[cfg(feature = "otel")]
        telemetry.send(&mut signals).await;
        report
    }

    fn calls(&self, settings: Settings, store: Option<&Store>) -> Calls {
        let children = ChildRuns::new(
            Arc::clone(&self.registry),
            store.cloned(),
            self.cache,
            self.next.clone(),
            &settings,
        );
        let loader = Arc::new(DiskLoader::new(""));
        Calls::new(Arc::clone(&self.registry), settings, loader, Arc::new(children))
    }
}

/// An engine that keeps a run where it belongs.
fn kept(
    engine: EngineBuilder,
    owned: Option<&Arc<OwnedRun>>,
    so_far: &[Event],
    cache: bool,
) -> EngineBuilder {
    let Some(owned) = owned else { return engine.journal(|_| Box::new(NoJournal)) };
    let (journal, log, keepsakes) = (Arc::clone(owned), Arc::clone(owned), Arc::clone(owned));
    let so_far: Arc<[Event]> = so_far.into();
    let engine = engine
        .journal(move |_| journal.journal(&so_far))
        .log_store(move |_| log.log())
        .keepsakes(move |_| keepsakes.keepsakes())
        .locks(owned.store().locks());
    if cache { engine.cache(owned.store().cache()) } else { engine }
}

fn begin(engine: &Engine, plan: &Arc<Plan>, beginning: Beginning) -> Result<Run, ResumeError> {
    match beginning {
        Beginning::New(start) => Ok(engine.start_with(Arc::clone(plan), start)),
        Beginning::Again { events, how } => engine.resume(Arc::clone(plan), &events, how),
    }
}

/// Who sees what happens.
enum Seen {
    ByPeople(Box<Watch>),
    ByObservers(Observed),
}

async fn watched(run: Run, seen: Seen) -> Result<Report, EngineError> {
    match seen {
        Seen::ByPeople(watch) => watch.show().await,
        Seen::ByObservers(events) => events.unseen().await,
    }
    run.finish().await
}

/// Keeps no events: the run lives as long as the program, and the view gets its own.
struct NoJournal;

impl Journal for NoJournal {
    fn append<'a>(&'a mut self, _: &'a [Event], _: Survive) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
