//! The events of a run, on their way into the database.

use std::sync::Arc;

use rusqlite::{Connection, params};
use vwmp_core::run::{Event, EventKind, Journal, JournalError, Survive};
use vwmp_interfaces::BoxFuture;

use crate::apart::apart;
use crate::encoding::encode;
use crate::error::StoreError;
use crate::progress::Progress;
use crate::run::RunLock;
use crate::store::{Store, place};

/// How many events go by before the list is told again how far the run is: it reads so many at most.
const EVENTS_BETWEEN: u64 = 256;

/// Keeps the events of one run.
pub(crate) struct StoreJournal {
    store: Store,
    run: i64,
    progress: Progress,
    /// What the list knows: how many events are in it, and whether the run only waits.
    listed: (u64, bool),
    /// Once something could not be kept, nothing that follows it may be.
    broken: bool,
    boot: Option<Arc<str>>,
    /// Nobody else may drive the run as long as anything can still be recorded.
    lock: Arc<RunLock>,
}

impl StoreJournal {
    /// A journal that goes on after these events.
    pub(crate) fn new(store: Store, run: i64, lock: Arc<RunLock>, so_far: &[Event]) -> Self {
        let mut progress = Progress::default();
        progress.add(so_far);
        Self { store, run, progress, listed: (0, false), broken: false, boot: boot(), lock }
    }

    fn write(&mut self, events: &[Event], survive: Survive) -> Result<(), StoreError> {
        if self.broken {
            return Err(StoreError::Incomplete);
        }
        self.broken = true;
        let ends = events.iter().any(|event| matches!(event.kind, EventKind::RunFinished { .. }));
        if ends || survive == Survive::PowerCut {
            self.lock.is_in_place()?;
        }
        self.progress.add(events);
        let body = encode(events);
        let (run, change) = (self.run, self.change(events));
        self.store.with(|connection| {
            if survive == Survive::PowerCut {
                connection.pragma_update(None, "synchronous", "FULL")?;
            }
            let written = insert(connection, run, events, &body, change.as_ref());
            if survive == Survive::PowerCut {
                connection.pragma_update(None, "synchronous", "NORMAL")?;
            }
            written
        })?;
        self.broken = false;
        if change.is_some() {
            self.listed = (self.progress.seen, self.progress.only_waits());
        }
        if change.is_some_and(|change| change.ended.is_some()) {
            self.settle();
        }
        Ok(())
    }

    /// What the list has to be told, if anything.
    fn change(&self, events: &[Event]) -> Option<Change> {
        let turn = events.iter().rev().find_map(|event| match &event.kind {
            EventKind::RunFinished { status } => Some(Some((event.at.as_micros(), status.name()))),
            EventKind::RunResumed { .. } | EventKind::RollbackStarted { .. } => Some(None),
            _ => None,
        });
        let (seen, waits) = self.listed;
        let due = self.progress.seen >= seen + EVENTS_BETWEEN || self.progress.only_waits() != waits;
        let ended = match turn {
            None if !due => return None,
            turn => turn.flatten(),
        };
        // Plain data as JSON can't fail.
        Some(Change { ended, progress: serde_json::to_string(&self.progress).unwrap_or_default() })
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

/// How a run stands from now on.
struct Change {
    /// When it ended, and how.
    ended: Option<(u64, &'static str)>,
    progress: String,
}

fn insert(
    connection: &mut Connection,
    run: i64,
    events: &[Event],
    body: &[u8],
    change: Option<&Change>,
) -> rusqlite::Result<()> {
    let Some(first) = events.first().map(|event| event.seq) else { return Ok(()) };
    let append = |connection: &Connection| {
        let mut insert =
            connection.prepare_cached("INSERT INTO events (place, count, body) VALUES (?1, ?2, ?3)")?;
        insert.execute(params![place(run, first), events.len(), body]).map(drop)
    };
    let Some(Change { ended, progress }) = change else { return append(connection) };
    let transaction = connection.transaction()?;
    append(&transaction)?;
    transaction
        .prepare_cached("UPDATE runs SET ended = ?2, status = ?3, tally = ?4 WHERE number = ?1")?
        .execute(params![run, ended.map(|(at, _)| at), ended.map(|(_, status)| status), progress])?;
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

    fn boot(&self) -> Option<Arc<str>> {
        self.boot.clone()
    }
}

/// The kernel's own name for the time since it was started. Other systems than Linux have no such file.
fn boot() -> Option<Arc<str>> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim()).filter(|id| !id.is_empty()).map(Arc::from)
}

fn refused(error: StoreError) -> JournalError {
    JournalError { message: error.to_string(), source: Some(Box::new(error)) }
}
