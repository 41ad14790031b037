//! What can go wrong with a store, in words that say what to do.

use std::io;
use std::path::PathBuf;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file can't be used.
    #[error("the store can't use {}{}", path.display(), hint(source))]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Where the store should be is a file.
    #[error(
        "the store `{}` is no folder, and a folder is expected; name another place, or move the file away",
        path.display()
    )]
    NotAFolder {
        /// The file.
        path: PathBuf,
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
        Some(ReadOnly) => format!("it can't be written to; {ACCESS}"),
        Some(CannotOpen) => format!("it can't be opened; {ACCESS}"),
        Some(DatabaseBusy) => "another process keeps it busy".into(),
        Some(DatabaseCorrupt | NotADatabase) => format!(
            "it is damaged ({error}), and this much can't be read; move the folder away to begin anew, and keep it: \
             the logs in it are plain files, and `sqlite3 store.db .recover` may find more"
        ),
        _ => error.to_string(),
    }
}

/// What the database needs and doesn't say.
const ACCESS: &str =
    "see that this user may read and write its folder, and that the disk isn't mounted read-only";

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            ", which this user may not read or write; ask its owner for access"
        }
        _ => "",
    }
}

impl StoreError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
