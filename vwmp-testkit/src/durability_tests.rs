//! The suite, run against memory.

use std::collections::HashMap;
use std::sync::Mutex;

use vwmp_core::run::memory::{MemoryJournal, MemoryKeepsakes, MemoryLocks, MemoryLog};

use super::*;

#[derive(Default)]
struct Memory {
    runs: Mutex<HashMap<String, InMemory>>,
    locks: Arc<MemoryLocks>,
}

#[derive(Clone, Default)]
struct InMemory {
    journal: MemoryJournal,
    log: Arc<MemoryLog>,
    keepsakes: Arc<MemoryKeepsakes>,
}

impl Memory {
    fn run(&self, run: &str) -> InMemory {
        self.runs.lock().unwrap().entry(run.to_owned()).or_default().clone()
    }
}

impl KeepsRuns for Memory {
    fn begin<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Kept> {
        let InMemory { journal, log, keepsakes } = self.run(run);
        Box::pin(std::future::ready(Kept { journal: Box::new(journal), log, keepsakes }))
    }

    fn go_on<'a>(&'a self, run: &'a str, _: &'a [Event]) -> BoxFuture<'a, Kept> {
        self.begin(run)
    }

    fn events<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Vec<Event>> {
        Box::pin(std::future::ready(self.run(run).journal.events()))
    }

    fn locks(&self) -> Arc<dyn Locks> {
        Arc::clone(&self.locks) as Arc<dyn Locks>
    }
}

#[tokio::test]
async fn memory_keeps_runs() {
    check(&Memory::default()).await;
}
