//! Old runs make room.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{TransactionBehavior, params};
use vwmp_core::run::RunStatus;
use vwmp_interfaces::Timestamp;

use crate::error::StoreError;
use crate::history::{Filter, RunRow, Standing};
use crate::store::{Store, place};

/// How many pages, of 4 KiB, are given back before others may write.
const PAGES_AT_ONCE: i64 = 1000;

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

/// A run that goes, or went, and with it all runs that its steps called.
#[derive(Debug, Clone, PartialEq)]
pub struct Pruned {
    /// The run.
    pub run: RunRow,
    /// How many bytes they take, roughly.
    pub bytes: u64,
}

/// A run with all that its steps called: they stay and go together.
struct Family {
    run: RunRow,
    called: Vec<RunRow>,
}

impl Family {
    fn any(&self, is: impl Fn(Standing) -> bool) -> bool {
        std::iter::once(&self.run).chain(&self.called).any(|run| is(run.standing))
    }
}

impl Store {
    /// The runs that go by a policy, the latest first. Nothing is removed.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn to_prune(&self, policy: &Policy) -> Result<Vec<Pruned>, StoreError> {
        let pruned = |(family, bytes): (Family, u64)| Pruned { run: family.run, bytes };
        Ok(self.going(policy)?.into_iter().map(pruned).collect())
    }

    /// Removes the runs that go by a policy, with all that belongs to them, and results for later runs that were not
    /// used since the policy's time.
    ///
    /// # Errors
    /// When the store can't be written to; what was removed so far is gone.
    pub fn prune(&self, policy: &Policy) -> Result<Vec<Pruned>, StoreError> {
        let mut pruned = Vec::new();
        for (family, bytes) in self.going(policy)? {
            let removed = family.called.iter().chain([&family.run]).try_for_each(|run| self.remove(&run.id));
            match removed {
                Ok(()) => pruned.push(Pruned { run: family.run, bytes }),
                // By now somebody goes on with it, or removed it.
                Err(StoreError::DrivenElsewhere { .. } | StoreError::NoSuchRun(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(since) = policy.since {
            let folder = self.folder().join("cache");
            crate::cache::forget(&folder, since).map_err(StoreError::file(folder))?;
        }
        self.shrink()?;
        Ok(pruned)
    }

    fn going(&self, policy: &Policy) -> Result<Vec<(Family, u64)>, StoreError> {
        let (mut kept, mut total) = (0, 0);
        let mut go = Vec::new();
        for family in families(self.runs(&Filter { called: true, ..Filter::default() })?) {
            let bytes = self.size_of(&family)?;
            let open = |standing| {
                matches!(standing, Standing::Ended(RunStatus::Interrupted | RunStatus::MustContinue))
            };
            let live = family.any(|standing| matches!(standing, Standing::Live(_)));
            let stays = live || (family.any(open) && !policy.unfinished);
            let over = policy.keep.is_some_and(|keep| kept >= keep)
                || policy.since.is_some_and(|since| family.run.started < since)
                || policy.bytes.is_some_and(|most| total + bytes > most);
            if over && !stays {
                go.push((family, bytes));
            } else {
                kept += 1;
                total += bytes;
            }
        }
        Ok(go)
    }

    /// Removes a run that nobody drives, with all that belongs to it.
    pub(crate) fn remove(&self, run: &str) -> Result<(), StoreError> {
        // Nobody may take it over meanwhile.
        let owned = self.hold(run)?;
        let number = self.number(run)?;
        // First what is largest: on a full disk the database needs room to remove anything.
        remove_all(&self.logs_of(run))?;
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let places = [place(number, 0), place(number + 1, 0)];
            transaction.execute("DELETE FROM events WHERE place >= ?1 AND place < ?2", places)?;
            for table in ["records", "orders"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE run = ?1"), params![number])?;
            }
            transaction.execute("DELETE FROM runs WHERE number = ?1", params![number])?;
            transaction.commit()
        })?;
        remove_all(&self.keepsakes_of(run).folder())?;
        self.forget_lock(run)?;
        drop(owned);
        Ok(())
    }

    /// Gives the room of what was removed back, a little at a time: others want to write meanwhile.
    fn shrink(&self) -> Result<(), StoreError> {
        self.with(|connection| {
            let mut free = i64::MAX;
            loop {
                let now = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
                // A database of an earlier version keeps its room for what comes.
                if now == 0 || now >= free {
                    break;
                }
                free = now;
                connection.pragma(None, "incremental_vacuum", PAGES_AT_ONCE, |_| Ok(()))?;
            }
            // Where somebody reads, the next one does it.
            connection.pragma(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
        })
    }

    /// How many bytes a run takes with those that it called, roughly.
    fn size_of(&self, family: &Family) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for run in std::iter::once(&family.run).chain(&family.called) {
            bytes += self.stored(&run.id)?
                + size_in(&self.logs_of(&run.id))
                + size_in(&self.keepsakes_of(&run.id).folder());
        }
        Ok(bytes)
    }

    fn stored(&self, run: &str) -> Result<u64, StoreError> {
        let number = self.number(run)?;
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT (SELECT coalesce(sum(length(body)), 0) FROM events WHERE place >= ?2 AND place < ?3) \
                 + (SELECT coalesce(sum(length(body)), 0) FROM records WHERE run = ?1)",
            )?;
            select.query_row([number, place(number, 0), place(number + 1, 0)], |row| row.get(0))
        })
    }
}

/// Runs, each with all that its steps called, in their order.
fn families(runs: Vec<RunRow>) -> Vec<Family> {
    let parents: HashMap<String, String> =
        runs.iter().filter_map(|run| Some((run.id.clone(), run.parent.clone()?))).collect();
    let known: HashSet<String> = runs.iter().map(|run| run.id.clone()).collect();
    let head = |run: &RunRow| {
        let mut head = &run.id;
        while let Some(parent) = parents.get(head).filter(|parent| known.contains(*parent)) {
            head = parent;
        }
        head.clone()
    };
    let (mut families, mut called) = (Vec::new(), HashMap::<String, Vec<RunRow>>::new());
    for run in runs {
        let head = head(&run);
        if head == run.id {
            families.push(Family { run, called: Vec::new() });
        } else {
            called.entry(head).or_default().push(run);
        }
    }
    for family in &mut families {
        family.called = called.remove(&family.run.id).unwrap_or_default();
    }
    families
}

fn remove_all(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::file(folder)(error)),
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
