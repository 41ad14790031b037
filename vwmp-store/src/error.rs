//! What can go wrong with a store, in words that say what to do.

use std::io;
use std::path::PathBuf;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file can't be used.
    #[error("the store can't use {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database failed.
    #[error("the store {} can't be used: {}", path.display(), told(source))]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The store was written by a later version of the program.
    #[error(
        "the store {} has format {found}, and this program knows formats up to {known}; use a newer program",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// What is stored can't be read.
    #[error("run {run} is damaged at event {event}: {why}; what is before it can be read")]
    Damaged {
        /// The run.
        run: String,
        /// The first event that can't be read.
        event: u64,
        /// What is wrong.
        why: String,
    },
    /// Something before it could not be kept.
    #[error("what happened before could not be kept, so nothing more is")]
    Incomplete,
    /// The store, or the run's part of it, is gone.
    #[error(
        "the store was removed while the run went on: {} is not what it was; what the run does from here on would not be \
         kept, so it stops",
        path.display()
    )]
    Removed {
        /// The file that is gone, or another one.
        path: PathBuf,
    },
    /// There is no such run.
    #[error("there is no run `{0}`; `runs` lists them")]
    NoSuchRun(String),
    /// Several runs begin so.
    #[error("several runs begin with `{begin}`: {}", ids.join(", "))]
    Ambiguous {
        /// What was given.
        begin: String,
        /// Some of them.
        ids: Vec<String>,
    },
    /// Another process drives the run.
    #[error("run {run} is driven by process {}", pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string()))]
    DrivenElsewhere {
        /// The run.
        run: String,
        /// The process, where it is known.
        pid: Option<u32>,
    },
    /// A run has this key already.
    #[error("run {run} has the key `{key}` already")]
    KeyTaken {
        /// The key.
        key: String,
        /// The run that has it.
        run: String,
    },
}

/// What the database says, in the user's words where that helps.
fn told(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly};
    match error.sqlite_error_code() {
        Some(DiskFull) => "the disk is full; free some room, then resume the run".into(),
        Some(ReadOnly) => "it can't be written to".into(),
        Some(CannotOpen) => "it can't be opened".into(),
        Some(DatabaseBusy) => "another process keeps it busy".into(),
        Some(DatabaseCorrupt | NotADatabase) => format!(
            "it is damaged ({error}); `show` and `report` read what is left of a run; \
             move the folder away to begin anew"
        ),
        _ => error.to_string(),
    }
}

impl StoreError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
