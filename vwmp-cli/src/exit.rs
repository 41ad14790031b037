//! Exit codes.

use std::process::ExitCode;

use vwmp_core::run::{Report, RunStatus};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; steps that may fail may have failed.
    Done = 0,
    /// The run failed.
    RunFailed = 1,
    /// The workflow, its parameters or its config can't be used.
    Invalid = 2,
    /// The command line can't be understood.
    Usage = 3,
    /// The engine, or the program around it, failed.
    EngineFailed = 4,
    /// The run can't go on without an answer, or without another process.
    Waiting = 5,
    /// Somebody wanted the run to end early.
    Cancelled = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// How the program ends after a run. One that was killed before it could be taken back was cancelled all the same.
    pub(crate) fn of(report: &Report) -> Self {
        match report.status() {
            RunStatus::Interrupted if report.reason().is_some() => Self::Cancelled,
            status => status.into(),
        }
    }
}

impl From<RunStatus> for Exit {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Succeeded | RunStatus::SucceededWithTolerated => Self::Done,
            RunStatus::Failed
            | RunStatus::RolledBack
            | RunStatus::RollbackFailed
            | RunStatus::MustContinue => Self::RunFailed,
            RunStatus::Interrupted => Self::Waiting,
            RunStatus::Cancelled => Self::Cancelled,
        }
    }
}
