//! Lines and progress on their way to people, without secrets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use vwmp_interfaces::log::{LogLine, LogSink, Progress, Stream};

use super::ports::LogStore;
use super::secrets::Secrets;
use crate::masking::MaskedStream;

/// A line of this many bytes may be a piece of a longer one, so the next may continue it.
const LONG: usize = 16 * 1024;

/// Masks secrets before it passes lines on.
pub(super) struct MaskedSink {
    secrets: Arc<Secrets>,
    sinks: Vec<Arc<dyn LogSink>>,
    /// The ends of long lines.
    unfinished: Mutex<HashMap<(Arc<str>, Stream), Unfinished>>,
}

struct Unfinished {
    attempt: u32,
    stream: MaskedStream,
}

impl MaskedSink {
    /// A sink that passes everything on to a store and to listeners.
    pub(super) fn new(
        secrets: Arc<Secrets>,
        store: Arc<dyn LogStore>,
        listeners: &[Arc<dyn LogSink>],
    ) -> Arc<Self> {
        let store: Arc<dyn LogSink> = store;
        let sinks = std::iter::once(store).chain(listeners.iter().cloned()).collect();
        Arc::new(Self { secrets, sinks, unfinished: Mutex::default() })
    }

    /// Passes on what is left of a step's lines: its attempt has ended.
    pub(super) fn finish(&self, step: &Arc<str>) {
        if self.lock().is_empty() {
            return;
        }
        for stream in [Stream::Info, Stream::Warning, Stream::Stdout, Stream::Stderr] {
            let left = self.lock().remove(&(Arc::clone(step), stream));
            if let Some(Unfinished { attempt, stream: mut rest }) = left {
                let text = rest.finish(&self.secrets.masker());
                if !text.is_empty() {
                    self.pass(LogLine { step: Arc::clone(step), attempt, stream, text });
                }
            }
        }
    }

    /// The line without secrets; its end is kept back while the next line may belong to it.
    fn masked(&self, line: &LogLine) -> Option<String> {
        let masker = self.secrets.masker();
        if masker.is_empty() {
            return None;
        }
        let key = (Arc::clone(&line.step), line.stream);
        let long = line.text.len() >= LONG;
        let mut unfinished = self.lock();
        let before = unfinished.remove(&key);
        if before.is_none() && !long {
            return masker.finds(&line.text).then(|| masker.masked(&line.text).into_owned());
        }
        let mut stream = before.map(|one| one.stream).unwrap_or_default();
        let mut text = stream.push(&masker, &line.text);
        if long {
            unfinished.insert(key, Unfinished { attempt: line.attempt, stream });
        } else {
            text += &stream.finish(&masker);
        }
        Some(text)
    }

    fn pass(&self, line: LogLine) {
        let Some((last, others)) = self.sinks.split_last() else { return };
        others.iter().for_each(|sink| undisturbed(|| sink.line(line.clone())));
        undisturbed(|| last.line(line));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(Arc<str>, Stream), Unfinished>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogSink for MaskedSink {
    fn line(&self, mut line: LogLine) {
        if let Some(masked) = self.masked(&line) {
            line.text = masked;
        }
        self.pass(line);
    }

    fn progress(&self, step: &str, attempt: u32, mut progress: Progress) {
        self.secrets.masker().text(&mut progress.message);
        let tell = |sink: &Arc<dyn LogSink>| sink.progress(step, attempt, progress.clone());
        self.sinks.iter().for_each(|sink| undisturbed(|| tell(sink)));
    }
}

/// Tells a listener; its panic is not the step's that speaks.
fn undisturbed(tell: impl FnOnce()) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(tell));
}
