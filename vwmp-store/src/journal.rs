//! The events of a run, on their way into the database.

use rusqlite::{Connection, params};
use vwmp_core::run::{Cause, Event, EventKind, Journal, JournalError, RunStatus, StepStatus, Survive, Tally};
use vwmp_interfaces::BoxFuture;

use crate::encoding::encode;
use crate::error::StoreError;
use crate::store::Store;

/// Keeps the events of one run.
pub(crate) struct StoreJournal {
    store: Store,
    run: i64,
    tally: Tally,
    /// How many steps were skipped by their own condition.
    by_condition: usize,
    /// Whether the run ended after a point of no return, so that a process which continues it starts steps again.
    must_continue: bool,
}

impl StoreJournal {
    /// A journal that goes on after these events.
    pub(crate) fn new(store: Store, run: i64, so_far: &[Event]) -> Self {
        let mut journal = Self { store, run, tally: Tally::default(), by_condition: 0, must_continue: false };
        so_far.iter().for_each(|event| journal.count(event));
        journal
    }

    fn count(&mut self, event: &Event) {
        let tally = &mut self.tally;
        match &event.kind {
            EventKind::StepReused { .. } => tally.succeeded += 1,
            EventKind::RunFinished { status } => self.must_continue = *status == RunStatus::MustContinue,
            EventKind::RunResumed { .. } if std::mem::take(&mut self.must_continue) => {
                (tally.failed, tally.cancelled, tally.skipped) = (0, 0, self.by_condition);
            }
            EventKind::StepFinished { step, status, cause } if step.item().is_none() => {
                self.by_condition += usize::from(matches!(cause.as_deref(), Some(Cause::Condition { .. })));
                *match status {
                    StepStatus::Succeeded => &mut tally.succeeded,
                    StepStatus::Tolerated => &mut tally.tolerated,
                    StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost => &mut tally.failed,
                    StepStatus::Cancelled => &mut tally.cancelled,
                    StepStatus::Skipped => &mut tally.skipped,
                } += 1;
            }
            _ => {}
        }
    }

    fn write(&mut self, events: &[Event], survive: Survive) -> Result<(), StoreError> {
        events.iter().for_each(|event| self.count(event));
        let body = encode(events);
        let (run, tally) = (self.run, serde_json::to_string(&self.tally).unwrap_or_default());
        self.store.with(|connection| {
            if survive == Survive::PowerCut {
                connection.pragma_update(None, "synchronous", "FULL")?;
            }
            let written = insert(connection, run, events, &body, &tally);
            if survive == Survive::PowerCut {
                connection.pragma_update(None, "synchronous", "NORMAL")?;
            }
            written
        })?;
        if events.iter().any(|event| matches!(event.kind, EventKind::RunFinished { .. })) {
            self.settle();
        }
        Ok(())
    }

    /// The run has ended: nothing more is asked of it, and the file alone has everything, so that it can be copied.
    fn settle(&self) {
        // Whoever reads at this moment keeps the write-ahead log from being emptied; the next run does it.
        let _ = self.store.with(|connection| {
            connection.execute("DELETE FROM orders WHERE run = ?1", [self.run])?;
            connection.pragma_query(None, "wal_checkpoint", |_| Ok(()))
        });
    }
}

fn insert(
    connection: &mut Connection,
    run: i64,
    events: &[Event],
    body: &[u8],
    tally: &str,
) -> rusqlite::Result<()> {
    let Some(first) = events.first().map(|event| event.seq) else { return Ok(()) };
    let mut changes = events.iter().filter_map(|event| match &event.kind {
        EventKind::RunFinished { status } => Some((Some(event.at.as_micros()), Some(status.name()))),
        EventKind::RunResumed { .. } | EventKind::RollbackStarted { .. } => Some((None, None)),
        _ => None,
    });
    let append = |connection: &Connection| {
        let mut insert = connection
            .prepare_cached("INSERT INTO events (run, first, count, body) VALUES (?1, ?2, ?3, ?4)")?;
        insert.execute(params![run, first, events.len(), body]).map(drop)
    };
    let Some((ended, status)) = changes.next_back() else { return append(connection) };
    let transaction = connection.transaction()?;
    append(&transaction)?;
    transaction
        .prepare_cached("UPDATE runs SET ended = ?2, status = ?3, tally = ?4 WHERE number = ?1")?
        .execute(params![run, ended, status, tally])?;
    transaction.commit()
}

impl Journal for StoreJournal {
    fn append<'a>(
        &'a mut self,
        events: &'a [Event],
        survive: Survive,
    ) -> BoxFuture<'a, Result<(), JournalError>> {
        // Some microseconds; only what is synced to the disk takes longer, and nothing may happen before it is.
        let written = match survive {
            Survive::Crash => self.write(events, survive),
            Survive::PowerCut => apart(|| self.write(events, survive)),
        };
        Box::pin(std::future::ready(written.map_err(refused)))
    }
}

/// Lets other tasks of this thread go on meanwhile, where the runtime has other threads to do so.
fn apart<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn refused(error: StoreError) -> JournalError {
    JournalError { message: error.to_string(), source: Some(Box::new(error)) }
}
