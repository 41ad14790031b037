//! Ports that keep everything in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use vwmp_interfaces::context::Keepsakes;
use vwmp_interfaces::log::{LogLine, LogSink, Stream};
use vwmp_interfaces::{BoxFuture, StepError};

use super::event::Event;
use super::ports::{Journal, JournalError, LockGuard, Locks, LogStore, Survive};

/// A journal that lives as long as the process. Clones share the events.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Chunks>>);

/// Events in pieces of one size: a list that grows by doubling would need room for twice as many.
#[derive(Debug, Default)]
struct Chunks(Vec<Vec<Event>>);

/// Keeps the last lines of each step.
#[derive(Default)]
pub struct MemoryLog {
    steps: Mutex<HashMap<Arc<str>, StepLines>>,
}

#[derive(Default)]
struct StepLines {
    lines: std::collections::VecDeque<LogLine>,
    bytes: usize,
    dropped: u64,
}

impl MemoryJournal {
    /// The events so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.concat()
    }
}

impl Chunks {
    const EVENTS: usize = 4096;

    fn push(&mut self, event: Event) {
        if self.0.last().is_none_or(|last| last.len() == Self::EVENTS) {
            self.0.push(Vec::with_capacity(if self.0.is_empty() { 0 } else { Self::EVENTS }));
        }
        if let Some(last) = self.0.last_mut() {
            last.push(event);
        }
    }
}

impl Journal for MemoryJournal {
    fn append<'a>(&'a mut self, events: &'a [Event], _: Survive) -> BoxFuture<'a, Result<(), JournalError>> {
        let mut chunks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().for_each(|event| chunks.push(event.clone()));
        Box::pin(async { Ok(()) })
    }
}

/// Locks between the runs of one engine.
#[derive(Debug, Default)]
pub struct MemoryLocks(Mutex<HashMap<Arc<str>, Arc<tokio::sync::Mutex<()>>>>);

impl Locks for MemoryLocks {
    fn acquire(&self, name: Arc<str>) -> BoxFuture<'static, Result<LockGuard, StepError>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = Arc::clone(locks.entry(name).or_default());
        Box::pin(async move {
            let guard: LockGuard = Box::new(lock.lock_owned().await);
            Ok(guard)
        })
    }
}

/// What steps keep, as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryKeepsakes(Mutex<HashMap<(String, String), Vec<u8>>>);

impl Keepsakes for MemoryKeepsakes {
    fn keep<'a>(
        &'a self,
        step: &'a str,
        name: &'a str,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), StepError>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entry((step.to_owned(), name.to_owned())).or_insert_with(|| bytes.to_vec());
        Box::pin(std::future::ready(Ok(())))
    }

    fn kept<'a>(&'a self, step: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StepError>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&(step.to_owned(), name.to_owned())).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }
}

impl MemoryLog {
    /// How many bytes of lines are kept of a step.
    pub const BYTES_PER_STEP: usize = 256 << 10;
}

impl LogSink for MemoryLog {
    fn line(&self, line: LogLine) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = steps.entry(Arc::clone(&line.step)).or_default();
        kept.bytes += line.text.len();
        kept.lines.push_back(line);
        while kept.bytes > Self::BYTES_PER_STEP && kept.lines.len() > 1 {
            let gone = kept.lines.pop_front();
            kept.bytes -= gone.map_or(0, |line| line.text.len());
            kept.dropped += 1;
        }
    }
}

impl LogStore for MemoryLog {
    fn lines(&self, step: &str) -> Vec<LogLine> {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = steps.get(step) else { return Vec::new() };
        let mark = (kept.dropped > 0).then(|| LogLine {
            step: step.into(),
            attempt: kept.lines.front().map_or(1, |line| line.attempt),
            stream: Stream::Warning,
            text: format!("[{} earlier lines were dropped]", kept.dropped),
        });
        mark.into_iter().chain(kept.lines.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_prints_too_much_keeps_its_last_lines() {
        let log = MemoryLog::default();
        for number in 0..30_000 {
            let text = format!("line {number:06}");
            log.line(LogLine { step: "loud".into(), attempt: 1, stream: Stream::Stdout, text });
        }
        let lines = log.lines("loud");
        assert_eq!(lines[0].text, "[6169 earlier lines were dropped]");
        assert_eq!(lines.last().unwrap().text, "line 029999");
        assert!(log.lines("other").is_empty());
    }
}
