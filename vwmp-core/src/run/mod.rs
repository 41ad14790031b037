//! The run: events, the state they add up to, what is decided from it, and the loop that does it.
//!
//! Reading order: [`event`], [`state`], [`decide`], [`ports`], `drive`, `attempt`, `resume`.

mod attempt;
pub mod call;
mod clock;
pub mod decide;
mod drive;
pub mod event;
mod mask;
pub mod memory;
mod order;
pub mod ports;
mod queue;
mod report;
mod resume;
mod secrets;
mod session;
pub mod state;
pub mod step_state;
pub mod timings;
mod unit;
mod view;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use vwmp_interfaces::context::{Caller, Keepsakes};
use vwmp_interfaces::log::LogSink;
use vwmp_interfaces::{CancellationToken, Clock};

pub use attempt::LocalExecutor;
pub(crate) use attempt::{caught, check_prepared, check_rendered, guarded};
use clock::Steady;
pub use clock::{PausedClock, SystemClock};
pub use event::{Cause, Event, EventKind, Failure, Found, Outcome, RunStatus, StepStatus, Undone};
pub use order::Order;
pub use ports::{
    Attempt, CacheAnswer, CacheRequest, Executor, Journal, JournalError, Limits, LockGuard, Locks, LogStore,
    StepCache, Survive, Task,
};
pub use report::{ErrorReport, Report, StepReport};
pub use resume::{LostSecret, OtherPlan, Resume, ResumeError, Reused, Start};
pub use state::{Rollback, RunState};
pub use step_state::{Phase, StepState, Tally};
pub use unit::Unit;
use view::RunValues;
pub use view::View;
pub(crate) use view::{FINALLY_RUN_KEYS, RUN_KEYS};

use self::drive::{Parts, Told};
use self::mask::MaskedSink;
use self::memory::{MemoryJournal, MemoryKeepsakes, MemoryLocks, MemoryLog};
use self::secrets::Secrets;
use self::session::Session;
use crate::plan::Plan;
use crate::registry::Registry;

/// Runs plans. Holds the registry and the ports; one engine serves many runs, and two engines
/// share nothing.
pub struct Engine {
    registry: Arc<Registry>,
    executor: Arc<dyn Executor>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    journal: MakeJournal,
    log: MakeLog,
    keepsakes: MakeKeepsakes,
    locks: Arc<dyn Locks>,
    cache: Option<Arc<dyn StepCache>>,
    caller: Option<Arc<dyn Caller>>,
    listeners: Vec<Arc<dyn LogSink>>,
}

type MakeJournal = Box<dyn Fn(&str) -> Box<dyn Journal> + Send + Sync>;
type MakeLog = Box<dyn Fn(&str) -> Arc<dyn LogStore> + Send + Sync>;
type MakeKeepsakes = Box<dyn Fn(&str) -> Arc<dyn Keepsakes> + Send + Sync>;

/// Makes an [`Engine`]. Without further words it runs in this process and keeps everything in
/// memory.
pub struct EngineBuilder {
    engine: Engine,
}

/// A run that is under way. Dropping it cancels the run without grace.
pub struct Run {
    id: Arc<str>,
    events: Option<EventStream>,
    control: RunControl,
    task: JoinHandle<Result<Report, JournalError>>,
}

/// Stops a run from elsewhere. Clones control the same run.
#[derive(Clone)]
pub struct RunControl {
    orders: mpsc::UnboundedSender<Told>,
    cancelled: CancellationToken,
}

/// The events of a run, as they are recorded.
pub struct EventStream(mpsc::UnboundedReceiver<Arc<[Event]>>);

/// Why there is no report of a run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// What happened could not be recorded, so nothing more was done.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The loop of the run has a bug.
    #[error("the engine failed, which is a bug in it: {0}")]
    Bug(String),
}

impl Engine {
    /// An engine that uses what is in a registry.
    pub fn builder(registry: impl Into<Arc<Registry>>) -> EngineBuilder {
        EngineBuilder {
            engine: Self {
                registry: registry.into(),
                executor: Arc::new(LocalExecutor),
                clock: Arc::new(SystemClock),
                limits: Limits::default(),
                journal: Box::new(|_| Box::new(MemoryJournal::default())),
                log: Box::new(|_| Arc::new(MemoryLog::default())),
                keepsakes: Box::new(|_| Arc::new(MemoryKeepsakes::default())),
                locks: Arc::new(MemoryLocks::default()),
                cache: None,
                caller: None,
                listeners: Vec::new(),
            },
        }
    }

    /// What the engine's workflows can use.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A new run's id: ids of later runs sort later.
    pub fn new_run_id(&self) -> Arc<str> {
        clock::new_run_id(self.clock.now()).into()
    }

    /// Starts a run in the current tokio runtime, which must have its timer enabled. A handler that blocks its thread holds
    /// up a worker of that runtime; with one worker more than steps run at once, it can't hold up the engine.
    pub fn start(&self, plan: impl Into<Arc<Plan>>) -> Run {
        self.start_with(plan, Start::new(self.new_run_id()))
    }

    /// The same, with an id that is known before, and results of an earlier run.
    pub fn start_with(&self, plan: impl Into<Arc<Plan>>, start: Start) -> Run {
        let plan = plan.into();
        let mut first = vec![EventKind::RunStarted { run_id: Arc::clone(&start.id) }];
        first.extend(start.reuse.into_iter().map(|one| EventKind::StepReused {
            step: one.step,
            run: one.run,
            output: one.output,
        }));
        first.extend(start.leave_out.into_iter().map(|step| EventKind::StepFinished {
            step: step.into(),
            status: StepStatus::Skipped,
            cause: Some(Box::new(Cause::NotChosen)),
        }));
        let state = RunState::new(&plan);
        let clock = Steady::after(Arc::clone(&self.clock), None);
        self.drive(plan, start.id, clock, state, Vec::new(), first)
    }

    /// Continues a run that another process began: its plan, and all its events.
    ///
    /// # Errors
    /// When the events are not those of a run of this plan, or it has ended and can't go on like this.
    pub fn resume(
        &self,
        plan: impl Into<Arc<Plan>>,
        events: &[Event],
        how: Resume,
    ) -> Result<Run, ResumeError> {
        let plan = plan.into();
        let clock = Steady::after(Arc::clone(&self.clock), events.last().map(|event| event.at));
        let (state, resumed) = resume::taken_up(&plan, events, &how, clock.now())?;
        let id = Arc::clone(&state.run_id);
        let first = how.events(&plan)?;
        Ok(self.drive(plan, id, clock, state, vec![resumed], first))
    }

    fn drive(
        &self,
        plan: Arc<Plan>,
        id: Arc<str>,
        clock: Steady,
        state: RunState,
        fresh: Vec<Event>,
        first: Vec<EventKind>,
    ) -> Run {
        let (watchers, watched) = mpsc::unbounded_channel();
        let (orders, ordered) = mpsc::unbounded_channel();
        let cancelled = CancellationToken::new();
        let store = (self.log)(&id);
        let parts = Parts {
            journal: (self.journal)(&id),
            executor: Arc::clone(&self.executor),
            locks: Arc::clone(&self.locks),
            cache: self.cache.clone(),
            limits: self.limits,
            watchers,
            orders: ordered,
            next_seq: fresh.last().map_or(0, |event| event.seq + 1),
            fresh,
        };
        let secrets = Secrets::new(&plan);
        let started = state.started().unwrap_or_else(|| clock.now());
        let (run_id, board) = (Arc::clone(&id), Arc::clone(&state.board));
        let view = View::new(RunValues { plan: Arc::clone(&plan), run_id, started, board, secrets });
        let session = Session {
            log: MaskedSink::new(Arc::clone(&view.run.secrets), Arc::clone(&store), &self.listeners),
            view,
            plan,
            clock: Arc::new(clock),
            keepsakes: (self.keepsakes)(&id),
            caller: self.caller.clone(),
            cancelled: cancelled.clone(),
        };
        Run {
            id,
            events: Some(EventStream(watched)),
            control: RunControl { orders, cancelled },
            task: tokio::spawn(session.run(state, first, parts, store)),
        }
    }
}

impl EngineBuilder {
    /// Carries attempts out elsewhere.
    #[must_use]
    pub fn executor(mut self, executor: impl Executor + 'static) -> Self {
        self.engine.executor = Arc::new(executor);
        self
    }

    /// Takes the time from elsewhere.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.engine.clock = Arc::new(clock);
        self
    }

    /// Binds attempts by other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.engine.limits = limits;
        self
    }

    /// Keeps the events of each run, given its id, in a journal of the caller's.
    #[must_use]
    pub fn journal(mut self, make: impl Fn(&str) -> Box<dyn Journal> + Send + Sync + 'static) -> Self {
        self.engine.journal = Box::new(make);
        self
    }

    /// Keeps the lines of each run, given its id, in a store of the caller's.
    #[must_use]
    pub fn log_store(mut self, make: impl Fn(&str) -> Arc<dyn LogStore> + Send + Sync + 'static) -> Self {
        self.engine.log = Box::new(make);
        self
    }

    /// Keeps what steps need to take their work back, of each run, given its id, in a store of the caller's.
    #[must_use]
    pub fn keepsakes(mut self, make: impl Fn(&str) -> Arc<dyn Keepsakes> + Send + Sync + 'static) -> Self {
        self.engine.keepsakes = Box::new(make);
        self
    }

    /// Takes locks from elsewhere, so that they hold between engines too.
    #[must_use]
    pub fn locks(mut self, locks: Arc<dyn Locks>) -> Self {
        self.engine.locks = locks;
        self
    }

    /// Lets steps that have a `cache` use results of other runs.
    #[must_use]
    pub fn cache(mut self, cache: Arc<dyn StepCache>) -> Self {
        self.engine.cache = Some(cache);
        self
    }

    /// Lets steps call workflows.
    #[must_use]
    pub fn caller(mut self, caller: Arc<dyn Caller>) -> Self {
        self.engine.caller = Some(caller);
        self
    }

    /// Passes lines and progress on as they come, secrets masked.
    #[must_use]
    pub fn listen(mut self, listener: Arc<dyn LogSink>) -> Self {
        self.engine.listeners.push(listener);
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        self.engine
    }

    /// Builds the engine and starts one run; see [`Engine::start`].
    pub fn start(self, plan: impl Into<Arc<Plan>>) -> Run {
        self.build().start(plan)
    }
}

impl Run {
    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The events from the first one on. There is one stream; nothing when it was taken already.
    pub fn events(&mut self) -> Option<EventStream> {
        self.events.take()
    }

    /// Stops the run from elsewhere.
    pub fn control(&self) -> RunControl {
        self.control.clone()
    }

    /// Asks the run to stop; see [`RunControl::cancel`].
    pub fn cancel(&self, reason: &str) {
        self.control.cancel(reason);
    }

    /// Waits for the end. A failed step is in the report; an error means that the engine failed.
    ///
    /// # Errors
    /// When the journal failed, or the engine has a bug.
    pub async fn finish(mut self) -> Result<Report, EngineError> {
        drop(self.events.take());
        match (&mut self.task).await {
            Ok(result) => Ok(result?),
            Err(error) => Err(EngineError::Bug(error.to_string())),
        }
    }
}

impl RunControl {
    /// Asks the run to stop: no new steps, running ones are told and have their grace; `finally`
    /// steps run. Asked again, `finally` steps stop too.
    pub fn cancel(&self, reason: &str) {
        self.cancel_by(reason, None);
    }

    /// The same, with the name of who wants it.
    pub fn cancel_by(&self, reason: &str, by: Option<&str>) {
        self.order(Order::Cancel { reason: reason.into(), by: by.map(ToOwned::to_owned) });
    }

    /// Answers what a step, or an item such as `test[3]`, waits for. Nothing happens when it doesn't.
    pub fn answer(&self, step: &str, approved: bool, by: &str, comment: &str) {
        let (step, by, comment) = (step.to_owned(), by.to_owned(), comment.to_owned());
        self.order(Order::Answer { step, approved, by, comment });
    }

    /// What is wanted of the run.
    pub fn order(&self, order: Order) {
        if let Order::Cancel { .. } = order {
            self.cancelled.cancel();
        }
        // Of a run that has ended nothing can be wanted.
        let _ = self.orders.send(Told::Order(order));
    }

    /// Ends the run at once: what is running is left behind.
    pub fn kill(&self) {
        self.cancelled.cancel();
        let _ = self.orders.send(Told::Kill);
    }
}

impl EventStream {
    /// The next events, in order; nothing after the last.
    pub async fn next(&mut self) -> Option<Arc<[Event]>> {
        self.0.recv().await
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.control.cancelled.cancel();
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
