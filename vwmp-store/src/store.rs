//! The folder of a workspace's runs: opened, checked, and shared by all that use it in one process.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use vwmp_core::run::{Event, Locks, StepCache};

use crate::cache::FileCache;
use crate::encoding::decode;
use crate::error::StoreError;
use crate::locks::FileLocks;

/// The newest format of the database that this program knows.
pub const FORMAT: u32 = 1;

/// How long another process may keep the database busy.
const PATIENCE: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        workflow TEXT NOT NULL,
        source TEXT NOT NULL,
        type TEXT,
        key TEXT UNIQUE,
        parent TEXT,
        steps INTEGER NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER,
        status TEXT,
        tally TEXT
    ) STRICT;
    CREATE INDEX runs_by_workflow ON runs (workflow, number);
    CREATE INDEX unfinished_runs ON runs (number) WHERE ended IS NULL;
    CREATE TABLE records (run INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE events (
        run INTEGER NOT NULL,
        first INTEGER NOT NULL,
        count INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_of_run ON events (run, first);
    CREATE TABLE orders (
        number INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX orders_of_run ON orders (run, number);
";

/// The runs of a workspace. Clones share one connection.
#[derive(Clone)]
pub struct Store {
    folder: Arc<Path>,
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens the store in a folder, usually `.vwmp` of the workspace; makes it where there is none.
    ///
    /// # Errors
    /// When the folder can't be used, the database is damaged, or a later version wrote it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(StoreError::file(folder))?;
        keep_from_git(folder)?;
        let store = Self::connect(folder, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        store.set_up()?;
        Ok(store)
    }

    /// Opens a store to read it; nothing where there is none.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn look(folder: &Path) -> Result<Option<Self>, StoreError> {
        if !database(folder).exists() {
            return Ok(None);
        }
        // Reading a log of a store that can't be written to has to do without the shared memory of its writers.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let store = Self::connect(folder, flags)
            .or_else(|_| Self::connect(folder, OpenFlags::SQLITE_OPEN_READ_ONLY))?;
        store.check_format()?;
        Ok(Some(store))
    }

    fn connect(folder: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let path = database(folder);
        let failed = |source| StoreError::Database { path: path.clone(), source };
        if flags.contains(OpenFlags::SQLITE_OPEN_CREATE) {
            // SQLite would make it readable for others.
            let make = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
            make.map_err(StoreError::file(&path))?;
        }
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        Ok(Self { folder: folder.into(), connection: Arc::new(Mutex::new(connection)) })
    }

    fn set_up(&self) -> Result<(), StoreError> {
        self.with(|connection| {
            // A commit survives the process; what must survive the machine is synced one by one.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.set_prepared_statement_cache_capacity(32);
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let format: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if format == 0 {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "user_version", FORMAT)?;
            }
            transaction.commit()
        })?;
        self.check_format()
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let found = self.with(|connection| {
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
        })?;
        if found > FORMAT {
            return Err(StoreError::Newer { path: database(&self.folder), found, known: FORMAT });
        }
        Ok(())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Locks that hold between all processes that use this store.
    pub fn locks(&self) -> Arc<dyn Locks> {
        Arc::new(FileLocks::new(self.folder.join("locks")))
    }

    /// Results that later runs may use.
    pub fn cache(&self) -> Arc<dyn StepCache> {
        Arc::new(FileCache::new(self.folder.join("cache")))
    }

    /// The events of a run, from a number on. A damaged end is told, and what is before it is given.
    ///
    /// # Errors
    /// When there is no such run, or the database can't be read.
    pub fn events(&self, run: &str, from: u64) -> Result<(Vec<Event>, Option<StoreError>), StoreError> {
        let number = self.number(run)?;
        let bodies: Vec<(u64, Vec<u8>)> = self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT first, body FROM events WHERE run = ?1 AND first + count > ?2 ORDER BY first",
            )?;
            let rows = select.query_map(params![number, from], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })?;
        let mut events = Vec::new();
        let mut next = bodies.first().map_or(from, |(first, _)| *first);
        let mut damage = None;
        for (first, body) in bodies {
            let read =
                if first == next { decode(&body, first, &mut events) } else { Err("it is missing".into()) };
            next = events.last().map_or(first, |event| event.seq + 1);
            if let Err(why) = read {
                damage = Some(StoreError::Damaged { run: run.to_owned(), event: next, why });
                break;
            }
        }
        events.retain(|event| event.seq >= from);
        Ok((events, damage))
    }

    /// What the run's plan was made from, as it was given.
    ///
    /// # Errors
    /// When there is no such run, or it can't be read.
    pub fn record(&self, run: &str) -> Result<Vec<u8>, StoreError> {
        let number = self.number(run)?;
        let packed: Option<Vec<u8>> = self.with(|connection| {
            let record = connection.query_row("SELECT body FROM records WHERE run = ?1", [number], |row| {
                row.get::<_, Vec<u8>>(0)
            });
            record.optional()
        })?;
        let damaged = |why: String| StoreError::Damaged { run: run.to_owned(), event: 0, why };
        let packed = packed.ok_or_else(|| damaged("what its plan was made from is missing".into()))?;
        let mut record = Vec::new();
        std::io::copy(&mut flate2::read::ZlibDecoder::new(packed.as_slice()), &mut record)
            .map_err(|error| damaged(format!("what its plan was made from can't be unpacked: {error}")))?;
        Ok(record)
    }

    /// Whether the database is sound; else what is wrong with it.
    ///
    /// # Errors
    /// When it can't even be asked.
    pub fn damage(&self) -> Result<Option<String>, StoreError> {
        let said: String =
            self.with(|connection| connection.pragma_query_value(None, "integrity_check", |row| row.get(0)))?;
        Ok((said != "ok").then_some(said))
    }

    pub(crate) fn number(&self, run: &str) -> Result<i64, StoreError> {
        let number = self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT number FROM runs WHERE id = ?1")?;
            select.query_row([run], |row| row.get(0)).optional()
        })?;
        number.ok_or_else(|| StoreError::NoSuchRun(run.to_owned()))
    }

    pub(crate) fn with<T>(
        &self,
        ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        ask(&mut self.lock()).map_err(|source| StoreError::Database { path: database(&self.folder), source })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("store.db")
}

/// The folder is nobody's source: git is told so by a file in it.
fn keep_from_git(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join(".gitignore");
    if path.exists() {
        return Ok(());
    }
    let write = || fs::File::create(&path)?.write_all(b"*\n");
    write().map_err(StoreError::file(&path))
}
