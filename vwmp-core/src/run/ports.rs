//! What an engine can be given from outside: where events are kept, where attempts are carried
//! out, where lines go, what time it is.

use std::sync::Arc;

use vwmp_interfaces::log::{LogLine, LogSink};
use vwmp_interfaces::{BoxFuture, StepContext};

use super::event::{Event, Outcome};
use super::view::View;
use crate::plan::{Plan, StepIndex};

/// Where the events of one run are kept. A failure here stops the run: what can't be recorded is
/// not done.
pub trait Journal: Send {
    /// Keeps events, in order, and returns once they would survive what the journal promises to
    /// survive.
    fn append<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), JournalError>>;
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
    /// The plan.
    pub plan: Arc<Plan>,
    /// The step.
    pub step: StepIndex,
    /// The context for the handler.
    pub context: StepContext,
    /// What the step's expressions read.
    pub view: View,
    /// What every attempt of the run is bound by.
    pub limits: Limits,
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

/// Where the lines of a run are kept, for its report.
pub trait LogStore: LogSink {
    /// The lines of a step, all its attempts, in order. Where lines were dropped, one says so.
    fn lines(&self, step: &str) -> Vec<LogLine>;
}
