//! What an engine can be given from outside: where events are kept, where attempts are carried
//! out, where lines go, who holds locks, which results are kept for other runs.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::log::{LogLine, LogSink};
use vwmp_interfaces::{BoxFuture, StepContext, StepError};

use super::event::{Event, Outcome};
use super::unit::Unit;
use super::view::View;
use crate::plan::{Plan, PlannedStep};

/// Where the events of one run are kept. A failure here stops the run: what can't be recorded is
/// not done.
pub trait Journal: Send {
    /// Keeps events, in order, and returns once they would survive what they have to. A journal that promises less
    /// than that says so where it is described.
    fn append<'a>(
        &'a mut self,
        events: &'a [Event],
        survive: Survive,
    ) -> BoxFuture<'a, Result<(), JournalError>>;

    /// What tells the present time of the machine apart from those after it has gone down, where nothing but that
    /// loses an event that was to survive a [`Survive::Crash`]. The starts of steps are then announced a few at a time,
    /// and with them one wait for the disk serves several. Nothing where it can't be told: each start waits.
    fn boot(&self) -> Option<Arc<str>> {
        None
    }
}

/// What events have to survive before they are acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survive {
    /// The sudden end of the process.
    Crash,
    /// The sudden end of the machine: an attempt that must not be repeated begins.
    PowerCut,
}

/// Why events could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("can't record what happens in the run: {message}")]
pub struct JournalError {
    /// What went wrong.
    pub message: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Where an attempt is carried out: in this process, or elsewhere.
pub trait Executor: Send + Sync {
    /// Carries out one attempt. Every way it can end is an [`Outcome`].
    fn execute(&self, attempt: Attempt) -> BoxFuture<'static, Outcome>;
}

/// One attempt of one step, ready to be carried out.
pub struct Attempt {
    /// The step, or the item.
    pub unit: Unit,
    /// What to do.
    pub task: Task,
    /// The context for the handler.
    pub context: StepContext,
    /// What the step's expressions read.
    pub view: View,
    /// What every attempt of the run is bound by.
    pub limits: Limits,
    /// Results of other runs, where the step may use them.
    pub cache: Option<Arc<dyn StepCache>>,
}

impl Attempt {
    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.view.run.plan
    }

    /// The step.
    pub fn step(&self) -> &PlannedStep {
        &self.view.run.plan[self.unit.step]
    }
}

/// What an attempt is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// The work.
    Execute,
    /// To look up whether the work is done. Succeeds with what was found, as JSON of [`Found`](super::event::Found).
    LookUp,
    /// To take the work back that gave this output, or whose output isn't known. Succeeds with null.
    Undo(Option<Arc<Value>>),
}

/// What every attempt of a run is bound by.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a handler may go on after it was asked to stop, before it is left behind.
    pub grace: std::time::Duration,
    /// How large an output may be, in bytes of JSON, roughly.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { grace: std::time::Duration::from_secs(10), output_bytes: 16 << 20 }
    }
}

/// Locks that runs exclude each other with.
pub trait Locks: Send + Sync {
    /// Waits for a lock. It is free again when what is returned is dropped, and when the process ends.
    fn acquire(&self, name: Arc<str>) -> BoxFuture<'static, Result<LockGuard, StepError>>;
}

/// A lock that is held until this is dropped.
pub type LockGuard = Box<dyn Any + Send>;

/// Results of steps, kept for later runs.
pub trait StepCache: Send + Sync {
    /// Looks for a result that stands for the step, and puts the files it made in their place.
    fn look<'a>(&'a self, request: &'a CacheRequest) -> BoxFuture<'a, Result<CacheAnswer, StepError>>;
    /// Keeps a result. `key` is the one that [`StepCache::look`] answered with before the work.
    fn keep<'a>(
        &'a self,
        request: &'a CacheRequest,
        key: &'a str,
        output: &'a Value,
    ) -> BoxFuture<'a, Result<(), StepError>>;
}

/// Everything that the result of a step depends on.
#[derive(Debug, Clone)]
pub struct CacheRequest {
    /// The workflow and the step, so that a miss can say what has changed since the last time.
    pub step: String,
    /// The directory that patterns start from.
    pub workspace: Arc<Path>,
    /// The handler and the version of its crate, such as `shell.run 0.1.0`.
    pub handler: String,
    /// The config with all its values.
    pub config: Value,
    /// Patterns of the files that the step reads.
    pub inputs: Vec<String>,
    /// What else it depends on.
    pub key: Value,
    /// Patterns of the files that it makes.
    pub outputs: Vec<String>,
}

/// Whether there is a result that stands for a step.
#[derive(Debug, Clone, PartialEq)]
pub enum CacheAnswer {
    /// There is.
    Hit {
        /// What the step gave.
        output: Value,
        /// What is the same, for people.
        why: String,
    },
    /// There is none.
    Miss {
        /// What to keep the result under.
        key: String,
        /// What has changed, for people.
        why: String,
    },
}

/// Where the lines of a run are kept, for its report.
pub trait LogStore: LogSink {
    /// The lines of a step, all its attempts, in order. Where lines were dropped, one says so.
    fn lines(&self, step: &str) -> Vec<LogLine>;
}
