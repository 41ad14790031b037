//! Secrets on their way to people.

use std::sync::Arc;

use vwmp_interfaces::log::{LogLine, LogSink, Progress};

use super::event::Failure;
use super::ports::LogStore;
use crate::plan::mask;

/// Replaces secrets before it passes lines on.
struct MaskedSink {
    secrets: Vec<String>,
    sinks: Vec<Arc<dyn LogSink>>,
}

/// A sink that masks secrets and passes everything on to a store and to listeners.
pub(super) fn sink(
    secrets: &[String],
    store: Arc<dyn LogStore>,
    listeners: &[Arc<dyn LogSink>],
) -> Arc<dyn LogSink> {
    let store: Arc<dyn LogSink> = store;
    let mut sinks = vec![store];
    sinks.extend(listeners.iter().cloned());
    Arc::new(MaskedSink { secrets: secrets.to_vec(), sinks })
}

/// A failure whose message and causes show no secret.
pub(super) fn failure(mut failure: Failure, secrets: &[String]) -> Failure {
    mask::text(&mut failure.message, secrets);
    failure.causes.iter_mut().for_each(|cause| mask::text(cause, secrets));
    failure
}

impl LogSink for MaskedSink {
    fn line(&self, mut line: LogLine) {
        mask::text(&mut line.text, &self.secrets);
        let Some((last, others)) = self.sinks.split_last() else { return };
        others.iter().for_each(|sink| undisturbed(|| sink.line(line.clone())));
        undisturbed(|| last.line(line));
    }

    fn progress(&self, step: &str, attempt: u32, mut progress: Progress) {
        mask::text(&mut progress.message, &self.secrets);
        let tell = |sink: &Arc<dyn LogSink>| sink.progress(step, attempt, progress.clone());
        self.sinks.iter().for_each(|sink| undisturbed(|| tell(sink)));
    }
}

/// Tells a listener; its panic is not the step's that speaks.
fn undisturbed(tell: impl FnOnce()) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(tell));
}
