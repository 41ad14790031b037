//! Why a command could not do its work.

use std::io;

use serde_json::json;
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::registry::NameClash;
use vwmp_core::run::{EngineError, OtherPlan, ResumeError};
use vwmp_store::StoreError;

use crate::arguments::Voice;
use crate::exit::Exit;
use crate::terminal::{BOLD, RED, Terminal, paint};
use crate::{ci, input, render};

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What the user wrote in files can't be used.
    #[error("{0}")]
    Invalid(Diagnostics),
    /// What the user wrote on the command line can't be used.
    #[error("{0}")]
    Usage(String),
    /// Who watched a run doesn't want to any more.
    #[error("the run goes on, and nobody watches it here any more")]
    Unwatched,
    /// A question was not answered.
    #[error("a question was left without an answer; nothing was done")]
    Unanswered,
    /// Two plugins have one name.
    #[error(transparent)]
    NameClash(#[from] NameClash),
    /// The store can't be used, or refuses.
    #[error("{}", told(.0))]
    Store(#[from] StoreError),
    /// The store of a run that begins can't be used.
    #[error("{}; `--store PATH` keeps the run elsewhere, and `--no-store` nowhere", told(.source))]
    NoStore {
        /// Why.
        source: StoreError,
    },
    /// What is stored is not what the program makes of it.
    #[error("{0}")]
    OtherPlan(#[from] OtherPlan),
    /// A run can't be continued.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The machine refused something that the program itself needs.
    #[error("{what}: {error}")]
    Machine {
        /// What was tried.
        what: String,
        /// What the machine said.
        error: io::Error,
    },
    /// The result could not be written.
    #[error("can't write the result: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// A refusal of the machine, as it comes out of `map_err`.
    pub(crate) fn machine(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Machine { what: what.into(), error }
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Invalid(_) => Exit::Invalid,
            Self::Usage(_)
            | Self::Store(
                StoreError::NoSuchRun(_)
                | StoreError::Ambiguous { .. }
                | StoreError::DrivenElsewhere { .. }
                | StoreError::KeyTaken { .. },
            ) => Exit::Usage,
            Self::Unanswered | Self::Unwatched => Exit::Cancelled,
            Self::Output(_) if self.reader_left() => Exit::Done,
            Self::NameClash(_)
            | Self::Store(_)
            | Self::NoStore { .. }
            | Self::OtherPlan(_)
            | Self::Resume(_)
            | Self::Engine(_)
            | Self::Machine { .. }
            | Self::Output(_) => Exit::EngineFailed,
        }
    }

    /// Whether whoever read the output has seen enough, as `head` does.
    pub(crate) fn reader_left(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Tells what went wrong.
    pub(crate) fn show(&self, terminal: &Terminal, voice: Voice) {
        match (self, voice) {
            _ if self.reader_left() => {}
            (Self::Invalid(diagnostics), Voice::Json) => {
                let result = json!({ "status": "invalid", "diagnostics": diagnostics });
                // The exit code tells it as well.
                let _ = terminal.print(&format!("{result:#}\n"));
            }
            (Self::Invalid(diagnostics), Voice::JsonLines) => {
                terminal.tell(&format!("{}\n", json!({ "type": "invalid", "diagnostics": diagnostics })));
            }
            (Self::Invalid(diagnostics), Voice::Text) => {
                terminal.tell(&render::diagnostic::render(diagnostics, terminal.err_width()));
                if ci::service(&input::environment()) == Some(ci::Service::GitHub) {
                    terminal.tell(&ci::findings(diagnostics));
                }
            }
            (other, Voice::JsonLines) => {
                terminal.tell(&format!("{}\n", json!({ "type": "error", "message": other.to_string() })));
            }
            (other, Voice::Text | Voice::Json) => {
                let text = paint(BOLD, format!(": {other}"));
                terminal.tell(&format!("{}{text}\n", paint(RED.bold(), "error")));
            }
        }
    }
}

/// With its causes.
fn told(error: &StoreError) -> String {
    let mut text = error.to_string();
    // What the database says is in the message already.
    if let StoreError::File { source, .. } = error {
        text = format!("{text}: {source}");
    }
    text
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Invalid(diagnostics)
    }
}

impl From<vwmp_core::diagnostic::Diagnostic> for Failure {
    fn from(diagnostic: vwmp_core::diagnostic::Diagnostic) -> Self {
        Self::Invalid(diagnostic.into())
    }
}
