//! Old runs make room.

use std::fs;
use std::path::Path;

use rusqlite::params;
use vwmp_core::run::RunStatus;
use vwmp_interfaces::Timestamp;

use crate::error::StoreError;
use crate::history::{Filter, RunRow, Standing};
use crate::names::escaped;
use crate::store::Store;

/// Which runs stay. A run that breaks one rule goes; with no rule, all stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// So many of the latest.
    pub keep: Option<usize>,
    /// Those that began since then.
    pub since: Option<Timestamp>,
    /// The latest that together take so many bytes, roughly.
    pub bytes: Option<u64>,
    /// Whether runs that have not ended, or must be continued, may go too. One that a process drives never goes.
    pub unfinished: bool,
}

/// A run that goes, or went.
#[derive(Debug, Clone, PartialEq)]
pub struct Pruned {
    /// The run.
    pub run: RunRow,
    /// How many bytes it takes, roughly.
    pub bytes: u64,
}

impl Store {
    /// The runs that go by a policy, the latest first. Nothing is removed.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn to_prune(&self, policy: &Policy) -> Result<Vec<Pruned>, StoreError> {
        let runs = self.runs(&Filter { called: true, ..Filter::default() })?;
        let (mut kept, mut total) = (0, 0);
        let mut go = Vec::new();
        for run in runs {
            let bytes = self.size_of(&run.id)?;
            let open =
                matches!(run.standing, Standing::Ended(RunStatus::Interrupted | RunStatus::MustContinue));
            let stays = matches!(run.standing, Standing::Live(_)) || (open && !policy.unfinished);
            let over = policy.keep.is_some_and(|keep| kept >= keep)
                || policy.since.is_some_and(|since| run.started < since)
                || policy.bytes.is_some_and(|most| total + bytes > most);
            if over && !stays {
                go.push(Pruned { run, bytes });
            } else {
                kept += 1;
                total += bytes;
            }
        }
        Ok(go)
    }

    /// Removes the runs that go by a policy, with all that belongs to them.
    ///
    /// # Errors
    /// When the store can't be written to; what was removed so far is gone.
    pub fn prune(&self, policy: &Policy) -> Result<Vec<Pruned>, StoreError> {
        let go = self.to_prune(policy)?;
        for pruned in &go {
            self.remove(&pruned.run.id)?;
        }
        if !go.is_empty() {
            self.with(|connection| connection.execute_batch("VACUUM"))?;
        }
        Ok(go)
    }

    fn remove(&self, run: &str) -> Result<(), StoreError> {
        // Nobody may take it over meanwhile.
        let owned = self.hold(run)?;
        let number = self.number(run)?;
        self.with(|connection| {
            let transaction = connection.transaction()?;
            for table in ["events", "records", "orders"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE run = ?1"), params![number])?;
            }
            transaction.execute("DELETE FROM runs WHERE number = ?1", params![number])?;
            transaction.commit()
        })?;
        drop(owned);
        for folder in [self.logs_of(run), self.folder().join("kept").join(escaped(run))] {
            remove_if_there(fs::remove_dir_all(&folder), &folder)?;
        }
        let lock = self.folder().join("runs").join(format!("{}.lock", escaped(run)));
        remove_if_there(fs::remove_file(&lock), &lock)
    }

    /// How many bytes a run takes, roughly.
    fn size_of(&self, run: &str) -> Result<u64, StoreError> {
        let number = self.number(run)?;
        let stored: u64 = self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT (SELECT coalesce(sum(length(body)), 0) FROM events WHERE run = ?1) \
                 + (SELECT coalesce(sum(length(body)), 0) FROM records WHERE run = ?1)",
            )?;
            select.query_row([number], |row| row.get(0))
        })?;
        Ok(stored + size_in(&self.logs_of(run)) + size_in(&self.folder().join("kept").join(escaped(run))))
    }
}

fn remove_if_there(removed: std::io::Result<()>, path: &Path) -> Result<(), StoreError> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::file(path)(error)),
        _ => Ok(()),
    }
}

/// The bytes of all files in a folder and below.
fn size_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size_in(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}
