//! How attempts end.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::{ErrorClass, StepError, Wait};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "snake_case")]
pub enum Outcome {
    /// The work is done; with the output.
    Succeeded(Arc<Value>),
    /// Nothing that the work depends on has changed, so an earlier output stands for it.
    Cached(Arc<Value>),
    /// The step waits for something; another attempt follows when it is there.
    Waiting(Box<Wait>),
    /// The handler, or the engine on its behalf, reported an error.
    Failed(Box<Failure>),
    /// It took longer than it may.
    TimedOut(Box<Interruption>),
    /// The run no longer wanted it.
    Cancelled(Box<Interruption>),
    /// The handler has a bug; with the panic's message.
    Panicked(Box<Failure>),
    /// The process ended in between; nobody knows whether the work was done.
    Lost,
}

impl Outcome {
    /// Whether it is certain that nothing was done.
    pub(crate) fn did_nothing(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.class == ErrorClass::Invalid)
    }

    /// Whether the work may be done although the attempt didn't end well.
    pub(crate) fn is_doubtful(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Cancelled(_) | Self::Panicked(_) | Self::Lost)
    }
}

/// Whether an attempt whose end nobody knows did its work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "found", content = "detail", rename_all = "snake_case")]
pub enum Found {
    /// It did; with the output.
    Done(Arc<Value>),
    /// It did nothing.
    NotDone,
    /// The handler can't tell, and why where there is more to say.
    Unknown(Option<Arc<str>>),
}

/// Whether a step's work is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// It is.
    Yes,
    /// The handler can't take its work back, so what it did stands.
    Impossible,
    /// It could not be taken back, so what the step did stands.
    Failed,
}

/// How an attempt was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// How long it had been running.
    pub after: Duration,
    /// Whether the handler ignored the request to stop and was left behind.
    pub abandoned: bool,
}

/// Why something failed, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What may be expected of another attempt.
    pub class: ErrorClass,
    /// What happened.
    pub message: String,
    /// The messages of the causes, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// Where another attempt may succeed: how long the handler would wait before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_delay: Option<Duration>,
    /// The other side's own word on when to come back: no attempt follows sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that another attempt won't change.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            class: ErrorClass::Invalid,
            message: message.into(),
            causes: Vec::new(),
            retry_delay: None,
            retry_after: None,
        }
    }

    /// The message with its causes, on one line.
    pub(crate) fn line(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).map(String::as_str).collect::<Vec<_>>().join(": ")
    }

    /// A failure that is the engine's or the handler's own.
    pub(crate) fn permanent(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Permanent, ..Self::invalid(message) }
    }
}

impl From<&StepError> for Failure {
    fn from(error: &StepError) -> Self {
        let message = error.message().to_owned();
        Self {
            class: error.class(),
            message,
            causes: error.causes(),
            retry_delay: None,
            retry_after: error.requested_delay(),
        }
    }
}
