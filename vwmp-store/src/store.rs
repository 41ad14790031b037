//! The folder of a workspace's runs: opened, checked, and shared by all that use it in one process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use tempfile::TempDir;
use vwmp_core::run::{Event, Locks, StepCache};

use crate::cache::FileCache;
use crate::encoding::decode;
use crate::error::StoreError;
use crate::locks::FileLocks;
use crate::place;

/// The newest format of the database that this program knows.
pub const FORMAT: u32 = 2;

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
        place INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE orders (
        number INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX orders_of_run ON orders (run, number);
";

/// What makes a database of format 1 one of format 2: its events had their order in an index beside the table, and each
/// append wrote to both.
const FROM_FORMAT_1: &str = "
    DROP INDEX events_of_run;
    ALTER TABLE events RENAME TO events_1;
    CREATE TABLE events (
        place INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    INSERT INTO events SELECT (run << 36) + first, count, body FROM events_1 ORDER BY run, first;
    DROP TABLE events_1;
";

/// The runs of a workspace. Clones share one connection.
#[derive(Clone)]
pub struct Store {
    folder: Arc<Path>,
    connection: Arc<Mutex<Connection>>,
    /// What is read instead of a database that can't be opened where it is.
    _copy: Option<Arc<TempDir>>,
}

impl Store {
    /// Opens the store in a folder, usually `.vwmp` of the workspace; makes it where there is none.
    ///
    /// # Errors
    /// When the folder can't be used, the database is damaged, or a later version wrote it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        refuse_file(folder)?;
        place::make(folder).map_err(StoreError::file(folder))?;
        let store = Self::connect(folder, &database(folder))?;
        patiently(|| store.set_up())?;
        Ok(store)
    }

    /// Opens a store to read it; nothing where there is none.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn look(folder: &Path) -> Result<Option<Self>, StoreError> {
        refuse_file(folder)?;
        let path = database(folder);
        if !path.try_exists().map_err(StoreError::file(&path))? {
            return Ok(None);
        }
        let opened = Self::connect(folder, &path).and_then(Self::checked);
        match opened {
            // Readers take part in what writers do, so a database can't be read where nothing can be written.
            Err(StoreError::Database { source, .. }) if is_read_only(&source) => Self::copied(folder),
            opened => opened,
        }
    }

    fn copied(folder: &Path) -> Result<Option<Self>, StoreError> {
        let copy = place::copy(folder).map_err(StoreError::file(folder))?;
        let store = Self::connect(folder, &database(copy.path()))?;
        Self { _copy: Some(Arc::new(copy)), ..store }.checked()
    }

    fn connect(folder: &Path, path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Database { path: path.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        // What is deleted may hold what somebody typed by mistake: it is overwritten, not only marked as free.
        connection.pragma_update(None, "secure_delete", "ON").map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self { folder: folder.into(), connection: Arc::new(Mutex::new(connection)), _copy: None })
    }

    fn set_up(&self) -> Result<(), StoreError> {
        self.with(|connection| {
            // The first to come decides it: what is removed makes room without everything being written anew.
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
            // A commit survives the process; what must survive the machine is synced one by one.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            bring_up(connection, |format| (format == 0).then_some(SCHEMA))
        })?;
        self.check_format().map(drop)
    }

    /// The store, unless nothing is in it yet: it may be about to be made.
    fn checked(self) -> Result<Option<Self>, StoreError> {
        let format = patiently(|| self.check_format())?;
        Ok((format > 0).then_some(self))
    }

    /// The format, which is the newest one from now on, unless there is nothing yet.
    fn check_format(&self) -> Result<u32, StoreError> {
        let found = self.with(|connection| {
            bring_up(connection, |format| (format == 1).then_some(FROM_FORMAT_1))?;
            format_of(connection)
        })?;
        if found > FORMAT {
            return Err(StoreError::Newer { path: database(&self.folder), found, known: FORMAT });
        }
        Ok(found)
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

    /// The network file system that the store is on, if it is on one: neither SQLite nor locks can be relied on there.
    pub fn network(&self) -> Option<&'static str> {
        place::network(&self.folder)
    }

    /// The events of a run, from a number on. A damage is told, and what is before it is given.
    ///
    /// # Errors
    /// When there is no such run, or the database can't be read.
    pub fn events(&self, run: &str, from: u64) -> Result<(Vec<Event>, Option<StoreError>), StoreError> {
        let number = self.number(run)?;
        let (rows, damage) = self.with(|connection| select(connection, number, from))?;
        Ok(read(run, from, rows, damage))
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
    folder.join(place::DATABASE)
}

fn refuse_file(folder: &Path) -> Result<(), StoreError> {
    match folder.metadata() {
        Ok(there) if !there.is_dir() => Err(StoreError::NotAFolder { path: folder.to_owned() }),
        // Whoever goes on finds out what else is wrong with it.
        _ => Ok(()),
    }
}

/// Tries again while others make the database, mend it after a crash, or close it as the last ones: SQLite waits for none of
/// these.
fn patiently<T>(open: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let began = Instant::now();
    loop {
        match open() {
            Err(StoreError::Database { source, .. }) if is_busy(&source) && began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

fn format_of(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database to the newest format, where there is something to do about the one it has.
fn bring_up(
    connection: &mut Connection,
    change: impl Fn(u32) -> Option<&'static str>,
) -> rusqlite::Result<()> {
    if change(format_of(connection)?).is_none() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    if let Some(change) = change(format_of(&transaction)?) {
        transaction.execute_batch(change)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.commit()
}

/// Where events are in the table: the run, and the number of the first of them.
pub(crate) fn place(run: i64, first: u64) -> i64 {
    // So many events of so many runs are years of work.
    (run << PLACES) + i64::try_from(first).unwrap_or(i64::MAX)
}

/// How many bits of a place are the number of an event.
const PLACES: u32 = 36;

/// Events that were recorded at once: the number of the first, and how they are written.
type Rows = Vec<(u64, Vec<u8>)>;

// What was recorded at once may begin before the event that is asked for.
const EVENTS: &str = "
    SELECT place - ?1, body FROM events
    WHERE place >= (SELECT coalesce(max(place), ?1) FROM events WHERE place >= ?1 AND place <= ?2) AND place < ?3
    ORDER BY place";

/// What can be read, up to a damage.
fn select(connection: &Connection, run: i64, from: u64) -> rusqlite::Result<(Rows, Option<rusqlite::Error>)> {
    let mut statement = connection.prepare_cached(EVENTS)?;
    let mut found = statement.query(params![place(run, 0), place(run, from), place(run + 1, 0)])?;
    let mut rows = Vec::new();
    loop {
        match found.next() {
            Ok(Some(row)) => rows.push((row.get(0)?, row.get(1)?)),
            Ok(None) => return Ok((rows, None)),
            Err(error) if is_damage(&error) => return Ok((rows, Some(error))),
            Err(error) => return Err(error),
        }
    }
}

fn read(
    run: &str,
    from: u64,
    mut rows: Rows,
    damage: Option<rusqlite::Error>,
) -> (Vec<Event>, Option<StoreError>) {
    rows.sort_by_key(|(first, _)| *first);
    let mut events = Vec::new();
    let mut next = rows.first().map_or(from, |(first, _)| (*first).min(from));
    let mut why = None;
    for (first, body) in rows {
        let read =
            if first == next { decode(&body, first, &mut events) } else { Err("it is missing".into()) };
        next = events.last().map_or(next, |event: &Event| event.seq + 1);
        if let Err(error) = read {
            why = Some(error);
            break;
        }
    }
    let why = why.or_else(|| damage.map(|error| error.to_string()));
    events.retain(|event| event.seq >= from);
    (events, why.map(|why| StoreError::Damaged { run: run.to_owned(), event: next, why }))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase | SystemIoFailure))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

fn is_read_only(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | ReadOnly))
}
