//! A run that this process drives, and nobody else.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};
use rustix::fs::{FlockOperation, flock};
use vwmp_core::run::{Event, Journal, LogStore};
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::context::Keepsakes;

use crate::error::StoreError;
use crate::journal::StoreJournal;
use crate::keepsakes::FileKeepsakes;
use crate::log::FileLog;
use crate::orders::Orders;
use crate::store::Store;

/// A run that begins.
#[derive(Debug, Clone)]
pub struct NewRun<'r> {
    /// Its id.
    pub id: &'r str,
    /// The workflow's name.
    pub workflow: &'r str,
    /// Where the workflow was read from.
    pub source: &'r str,
    /// The workflow's type.
    pub workflow_type: Option<&'r str>,
    /// What the caller calls it: no two runs have the same.
    pub key: Option<&'r str>,
    /// The run that called it.
    pub parent: Option<&'r str>,
    /// How many steps it has.
    pub steps: usize,
    /// When it begins.
    pub started: Timestamp,
    /// What its plan was made from.
    pub record: &'r [u8],
}

/// A run that this process drives. Dropping it frees the run for others.
pub struct OwnedRun {
    store: Store,
    id: Arc<str>,
    number: i64,
    /// Locked as long as it is open.
    lock: File,
}

impl Store {
    /// Makes a run, driven by this process.
    ///
    /// # Errors
    /// When the key is taken, or the store can't be written to.
    pub fn create(&self, run: &NewRun<'_>) -> Result<OwnedRun, StoreError> {
        let lock = self.lock_of(run.id)?;
        hold(&lock, run.id)?;
        let mut packed = Vec::new();
        let mut packer = flate2::write::ZlibEncoder::new(&mut packed, flate2::Compression::fast());
        packer
            .write_all(run.record)
            .and_then(|()| packer.finish().map(drop))
            .map_err(StoreError::file("record"))?;
        let number = self.with(|connection| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT OR IGNORE INTO runs (id, workflow, source, type, key, parent, steps, started) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    run.id,
                    run.workflow,
                    run.source,
                    run.workflow_type,
                    run.key,
                    run.parent,
                    run.steps,
                    run.started.as_micros()
                ],
            )?;
            let number: Option<i64> = transaction
                .query_row("SELECT number FROM runs WHERE id = ?1", [run.id], |row| row.get(0))
                .optional()?;
            if let Some(number) = number {
                transaction
                    .execute("INSERT INTO records (run, body) VALUES (?1, ?2)", params![number, packed])?;
            }
            transaction.commit()?;
            Ok(number)
        })?;
        match (number, run.key) {
            (Some(number), _) => Ok(OwnedRun { store: self.clone(), id: run.id.into(), number, lock }),
            (None, Some(key)) => {
                let taken = self.run_with_key(key)?.unwrap_or_default();
                Err(StoreError::KeyTaken { key: key.to_owned(), run: taken })
            }
            (None, None) => Err(StoreError::NoSuchRun(run.id.to_owned())),
        }
    }

    /// Takes a run over that nobody drives. Programs that its last process left behind are ended.
    ///
    /// # Errors
    /// When there is no such run, or another process drives it.
    pub fn take(&self, run: &str) -> Result<OwnedRun, StoreError> {
        let owned = self.hold(run)?;
        owned.end_leftovers();
        Ok(owned)
    }

    /// Keeps others from taking a run over.
    pub(crate) fn hold(&self, run: &str) -> Result<OwnedRun, StoreError> {
        let number = self.number(run)?;
        let lock = self.lock_of(run)?;
        hold(&lock, run)?;
        Ok(OwnedRun { store: self.clone(), id: run.into(), number, lock })
    }

    /// The process that drives a run; nothing when none does.
    ///
    /// # Errors
    /// When it can't be told.
    pub fn driver(&self, run: &str) -> Result<Option<Option<u32>>, StoreError> {
        let lock = self.lock_of(run)?;
        match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(_) => Ok(Some(pid_in(&lock))),
        }
    }

    /// The run that has a key.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn run_with_key(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.with(|connection| {
            connection.query_row("SELECT id FROM runs WHERE key = ?1", [key], |row| row.get(0)).optional()
        })
    }

    fn lock_of(&self, run: &str) -> Result<File, StoreError> {
        let folder = self.folder().join("runs");
        let mut make = std::fs::DirBuilder::new();
        make.recursive(true).mode(0o700).create(&folder).map_err(StoreError::file(&folder))?;
        let path: PathBuf = folder.join(format!("{}.lock", crate::names::escaped(run)));
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(0o600);
        open.open(&path).map_err(StoreError::file(&path))
    }
}

/// Takes the lock of a run. Who only looks has it for a moment, so there is more than one try.
fn hold(mut lock: &File, run: &str) -> Result<(), StoreError> {
    for last in [false, false, false, false, true] {
        match flock(lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(_) if last => {
                return Err(StoreError::DrivenElsewhere { run: run.to_owned(), pid: pid_in(lock) });
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    // For people alone: the lock is what counts.
    let _ =
        lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
    Ok(())
}

fn pid_in(mut lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.rewind().and_then(|()| lock.read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

impl OwnedRun {
    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The store it is in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where its events go, after these.
    pub fn journal(&self, so_far: &[Event]) -> Box<dyn Journal> {
        Box::new(StoreJournal::new(self.store.clone(), self.number, so_far))
    }

    /// Where its lines go.
    pub fn log(&self) -> Arc<dyn LogStore> {
        Arc::new(FileLog::new(self.store.logs_of(&self.id)))
    }

    /// Where its steps keep things.
    pub fn keepsakes(&self) -> Arc<dyn Keepsakes> {
        Arc::new(FileKeepsakes::new(self.store.folder().join("kept").join(crate::names::escaped(&self.id))))
    }

    /// What other processes want of it, after what was carried out in these events. What was wanted of a run that had
    /// ended since is not wanted of the one that goes on.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn orders(&self, so_far: &[Event]) -> Result<Orders, StoreError> {
        Orders::after(self.store.clone(), self.number, so_far)
    }
}

impl Drop for OwnedRun {
    fn drop(&mut self) {
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}
