//! The ways in which somebody asks the program to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};
use vwmp_core::run::{EngineError, Report, RunControl};

use crate::failure::Failure;
use crate::progress::cancelling;
use crate::terminal::Terminal;

/// The ways in which somebody asks the program to stop.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(Failure::machine("can't listen for Ctrl-C"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the end of a run. The first signal cancels it with grace, the second kills it; a terminal that is
    /// closed says so once, whatever it sends.
    pub(crate) async fn heed(
        &mut self,
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
                _ = self.hang_up.recv() => {
                    if asked {
                        continue;
                    }
                    "its terminal was closed"
                }
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

    /// Waits until somebody asks the program to stop when the run has ended.
    #[cfg(feature = "otel")]
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
