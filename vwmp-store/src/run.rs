//! A run that this process drives, and nobody else.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use rustix::fs::{FlockOperation, flock};
use vwmp_core::run::{Event, Journal, LogStore};
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::context::Keepsakes;

use crate::error::StoreError;
use crate::journal::StoreJournal;
use crate::log::FileLog;
use crate::names::escaped;
use crate::orders::Orders;
use crate::store::{Store, place};

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
    lock: Arc<RunLock>,
}

/// No other process begins a run meanwhile.
pub struct Beginning {
    _file: File,
}

/// The lock of a run that this process drives.
pub(crate) struct RunLock {
    file: File,
    path: PathBuf,
}

impl Store {
    /// Makes a run, driven by this process. A run that had the key and never began makes room for it.
    ///
    /// # Errors
    /// When the key is taken, or the store can't be written to.
    pub fn create(&self, run: &NewRun<'_>) -> Result<OwnedRun, StoreError> {
        if let Some(key) = run.key {
            self.forget_what_never_began(key)?;
        }
        let lock = hold(self.path_of_lock(run.id), run.id)?;
        let packed = packed(run.record).map_err(StoreError::file("record"))?;
        let number = self.with(|connection| insert(connection, run, &packed));
        if !matches!(number, Ok(Some(_))) {
            self.forget_lock(run.id)?;
        }
        match (number?, run.key) {
            (Some(number), _) => {
                Ok(OwnedRun { store: self.clone(), id: run.id.into(), number, lock: Arc::new(lock) })
            }
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
        self.number(run)?;
        let lock = hold(self.path_of_lock(run), run)?;
        // Asked again: by now it may have made room for others.
        let number = self.number(run)?;
        Ok(OwnedRun { store: self.clone(), id: run.into(), number, lock: Arc::new(lock) })
    }

    /// The process that drives a run; nothing when none does.
    ///
    /// # Errors
    /// When it can't be told.
    pub fn driver(&self, run: &str) -> Result<Option<Option<u32>>, StoreError> {
        let path = self.path_of_lock(run);
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::file(path)(error)),
        };
        match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(_) => Ok(Some(pid_in(&lock))),
        }
    }

    /// The run that has a key. One whose process was gone before it began has none.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn run_with_key(&self, key: &str) -> Result<Option<String>, StoreError> {
        let Some((id, began)) = self.key_holder(key)? else { return Ok(None) };
        Ok((began || self.driver(&id)?.is_some()).then_some(id))
    }

    /// The run that a key was given to, and whether anything happened in it.
    fn key_holder(&self, key: &str) -> Result<Option<(String, bool)>, StoreError> {
        self.with(|connection| {
            let ask = "SELECT id, number FROM runs WHERE key = ?1";
            let holder = connection.query_row(ask, [key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((id, number)) = holder else { return Ok(None) };
            let ask = "SELECT EXISTS (SELECT 1 FROM events WHERE place >= ?1 AND place < ?2)";
            let began =
                connection.query_row(ask, [place(number, 0), place(number + 1, 0)], |row| row.get(0))?;
            Ok(Some((id, began)))
        })
    }

    fn forget_what_never_began(&self, key: &str) -> Result<(), StoreError> {
        match self.key_holder(key)? {
            Some((id, false)) => match self.remove(&id) {
                // It is about to begin, or somebody else was faster.
                Err(StoreError::DrivenElsewhere { .. } | StoreError::NoSuchRun(_)) => Ok(()),
                removed => removed,
            },
            _ => Ok(()),
        }
    }

    /// Waits until no other process is about to begin a run, and keeps others from it until this is dropped. Whoever
    /// looks whether there is such a run already, and makes one where there is none, does both meanwhile.
    ///
    /// # Errors
    /// When the lock can't be used.
    pub fn begin_alone(&self) -> Result<Beginning, StoreError> {
        let path = self.folder().join("begin.lock");
        let file = lock_file(&path).map_err(StoreError::file(&path))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| StoreError::file(&path)(error.into()))?;
        Ok(Beginning { _file: file })
    }

    fn path_of_lock(&self, run: &str) -> PathBuf {
        self.folder().join("runs").join(format!("{}.lock", escaped(run)))
    }

    pub(crate) fn forget_lock(&self, run: &str) -> Result<(), StoreError> {
        let path = self.path_of_lock(run);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::file(path)(error)),
            _ => Ok(()),
        }
    }
}

fn packed(record: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(record)?;
    packer.finish()
}

/// Adds a run; nothing where its key is taken.
fn insert(connection: &mut Connection, run: &NewRun<'_>, packed: &[u8]) -> rusqlite::Result<Option<i64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
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
        transaction.execute("INSERT INTO records (run, body) VALUES (?1, ?2)", params![number, packed])?;
    }
    transaction.commit()?;
    Ok(number)
}

/// Takes the lock of a run. Who only looks has it for a moment, so there is more than one try.
fn hold(path: PathBuf, run: &str) -> Result<RunLock, StoreError> {
    let mut lock = lock_file(&path).map_err(StoreError::file(&path))?;
    for last in [false, false, false, false, true] {
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(_) if last => {
                return Err(StoreError::DrivenElsewhere { run: run.to_owned(), pid: pid_in(&lock) });
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    // For people alone: the lock is what counts.
    let _ =
        lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
    Ok(RunLock { file: lock, path })
}

fn lock_file(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
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

    /// Where its events go, after these. The run stays this process's as long as the journal lives.
    pub fn journal(&self, so_far: &[Event]) -> Box<dyn Journal> {
        Box::new(StoreJournal::new(self.store.clone(), self.number, Arc::clone(&self.lock), so_far))
    }

    /// Where its lines go.
    pub fn log(&self) -> Arc<dyn LogStore> {
        Arc::new(FileLog::new(self.store.logs_of(&self.id)))
    }

    /// Where its steps keep things.
    pub fn keepsakes(&self) -> Arc<dyn Keepsakes> {
        Arc::new(self.store.keepsakes_of(&self.id))
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

impl RunLock {
    /// Whether the lock is still where others look for it. A lock on a file that is gone keeps nobody away, and what is
    /// recorded in a store that is gone is lost.
    ///
    /// # Errors
    /// When the file was removed or is another one, or it can't be told.
    pub(crate) fn is_in_place(&self) -> Result<(), StoreError> {
        let held = self.file.metadata().map_err(StoreError::file(&self.path))?;
        match std::fs::metadata(&self.path) {
            Ok(there) if (there.dev(), there.ino()) == (held.dev(), held.ino()) => Ok(()),
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(StoreError::file(&self.path)(error))
            }
            _ => Err(StoreError::Removed { path: self.path.clone() }),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // A program that is being started may have the file open for a moment more.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::{RunLock, hold};
    use crate::error::StoreError;

    fn is_removed(lock: &RunLock) -> bool {
        matches!(lock.is_in_place(), Err(StoreError::Removed { .. }))
    }

    #[test]
    fn a_lock_that_was_removed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/a.lock");
        let lock = hold(path.clone(), "a").unwrap();
        lock.is_in_place().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(is_removed(&lock), "the file is gone");
        let other = hold(path, "a").unwrap();
        assert!(is_removed(&lock), "another process has the run");
        other.is_in_place().unwrap();
        std::fs::remove_dir_all(folder.path()).unwrap();
        let told = other.is_in_place().unwrap_err().to_string();
        assert!(told.contains("was removed while the run went on"), "{told}");
    }
}
