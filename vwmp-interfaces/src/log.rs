//! Lines for people to read while a step runs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where a handler writes what people should see. Secrets are masked on the way.
#[derive(Clone)]
pub struct StepLog {
    step: Arc<str>,
    attempt: u32,
    sink: Arc<dyn LogSink>,
}

/// One line that a step wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The step.
    pub step: Arc<str>,
    /// Which attempt of it, from 1.
    pub attempt: u32,
    /// Who wrote it.
    pub stream: Stream,
    /// The line, without its line break.
    pub text: String,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// The handler, about what it does.
    Info,
    /// The handler, about what people should look at.
    Warning,
    /// A program's standard output.
    Stdout,
    /// A program's standard error.
    Stderr,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is done, in a unit of the handler's choice.
    pub done: u64,
    /// What there is to do, where that is known.
    pub total: Option<u64>,
    /// What is going on, in a few words.
    pub message: String,
}

/// Where lines and progress go. Must not wait: it is called from within the handler.
pub trait LogSink: Send + Sync {
    /// Takes one line.
    fn line(&self, line: LogLine);

    /// Takes news of how far a step is.
    fn progress(&self, step: &str, attempt: u32, progress: Progress) {
        let _ = (step, attempt, progress);
    }
}

impl StepLog {
    pub(crate) fn new(step: Arc<str>, attempt: u32, sink: Arc<dyn LogSink>) -> Self {
        Self { step, attempt, sink }
    }

    /// Says what the step does.
    pub fn info(&self, text: impl AsRef<str>) {
        self.write(Stream::Info, text.as_ref());
    }

    /// Says what people should look at.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.write(Stream::Warning, text.as_ref());
    }

    /// Writes text to a stream, a line at a time.
    pub fn write(&self, stream: Stream, text: &str) {
        for line in text.lines() {
            let text = line.to_owned();
            self.sink.line(LogLine { step: Arc::clone(&self.step), attempt: self.attempt, stream, text });
        }
    }

    pub(crate) fn progress(&self, progress: Progress) {
        self.sink.progress(&self.step, self.attempt, progress);
    }
}
