//! Secrets on their way to people.

use std::sync::Arc;

use vwmp_interfaces::log::{LogLine, LogSink, Progress};

use super::event::Failure;
use super::ports::LogStore;

/// Shorter secrets are not masked: they would mask ordinary words.
const SHORTEST: usize = 4;

/// Replaces secrets, whole and by line, before it passes lines on.
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
    Arc::new(MaskedSink { secrets: maskable(secrets), sinks })
}

/// What of the secrets is looked for: each whole, and each line of it, the longest first.
fn maskable(secrets: &[String]) -> Vec<String> {
    let mut all: Vec<String> = secrets
        .iter()
        .flat_map(|secret| std::iter::once(secret.as_str()).chain(secret.lines()))
        .filter(|part| part.len() >= SHORTEST)
        .map(str::to_owned)
        .collect();
    all.sort_by_key(|part| std::cmp::Reverse(part.len()));
    all.dedup();
    all
}

/// Text without the secrets.
fn masked(text: String, secrets: &[String]) -> String {
    secrets.iter().fold(text, |text, secret| {
        if text.contains(secret.as_str()) { text.replace(secret.as_str(), "***") } else { text }
    })
}

/// A failure whose message and causes show no secret.
pub(super) fn failure(mut failure: Failure, secrets: &[String]) -> Failure {
    if !secrets.is_empty() {
        let secrets = maskable(secrets);
        failure.message = masked(failure.message, &secrets);
        failure.causes = failure.causes.into_iter().map(|cause| masked(cause, &secrets)).collect();
    }
    failure
}

impl LogSink for MaskedSink {
    fn line(&self, mut line: LogLine) {
        line.text = masked(line.text, &self.secrets);
        let Some((last, others)) = self.sinks.split_last() else { return };
        others.iter().for_each(|sink| undisturbed(|| sink.line(line.clone())));
        undisturbed(|| last.line(line));
    }

    fn progress(&self, step: &str, attempt: u32, mut progress: Progress) {
        progress.message = masked(progress.message, &self.secrets);
        let tell = |sink: &Arc<dyn LogSink>| sink.progress(step, attempt, progress.clone());
        self.sinks.iter().for_each(|sink| undisturbed(|| tell(sink)));
    }
}

/// Tells a listener; its panic is not the step's that speaks.
fn undisturbed(tell: impl FnOnce()) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(tell));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_whole_and_by_line() {
        let secrets = maskable(&["hunter2".into(), "first line\nsecond line".into(), "abc".into()]);
        let text = "hunter2 abc; second line";
        assert_eq!(masked(text.into(), &secrets), "*** abc; ***");
    }
}
