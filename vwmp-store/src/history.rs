//! The runs of a store, as lists show them.

use rusqlite::{Row, ToSql, params_from_iter};
use serde::Serialize;
use vwmp_core::run::{RunStatus, Tally};
use vwmp_interfaces::Timestamp;

use crate::error::StoreError;
use crate::progress::Progress;
use crate::store::Store;

/// Which runs are wanted; all that is set has to fit.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Runs of this workflow.
    pub workflow: Option<String>,
    /// Runs of the workflow that was read from there.
    pub source: Option<String>,
    /// Runs that stand so.
    pub standing: Option<Standing>,
    /// Runs that began since then.
    pub since: Option<Timestamp>,
    /// Whether runs that steps of other runs called are wanted too.
    pub called: bool,
    /// So many of the latest.
    pub limit: Option<usize>,
}

/// A run, as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRow {
    /// Its id.
    pub id: String,
    /// The workflow's name.
    pub workflow: String,
    /// Where the workflow was read from.
    pub source: String,
    /// The workflow's type.
    pub workflow_type: Option<String>,
    /// What its caller called it.
    pub key: Option<String>,
    /// The run that called it.
    pub parent: Option<String>,
    /// How many steps it has.
    pub steps: usize,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub standing: Standing,
    /// How many steps ended in which way, so far.
    pub tally: Tally,
    /// The process that drives it, where one does.
    pub pid: Option<u32>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Standing {
    /// It ended so; or nobody drives it any more.
    Ended(RunStatus),
    /// A process drives it.
    Live(Live),
}

/// What a run does that a process drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Live {
    /// It works.
    Running,
    /// It waits for an answer.
    Waiting,
}

impl Standing {
    /// Its name, as filters and JSON write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ended(status) => status.name(),
            Self::Live(Live::Running) => "running",
            Self::Live(Live::Waiting) => "waiting",
        }
    }

    /// The standing with that name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "running" => Some(Self::Live(Live::Running)),
            "waiting" => Some(Self::Live(Live::Waiting)),
            _ => RunStatus::named(name).map(Self::Ended),
        }
    }
}

const COLUMNS: &str = "id, workflow, source, type, key, parent, steps, started, ended, status, tally";

impl Store {
    /// The runs, the latest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn runs(&self, filter: &Filter) -> Result<Vec<RunRow>, StoreError> {
        let mut conditions = Vec::new();
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut add = |condition: &'static str, value: Option<Box<dyn ToSql>>| {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(value);
            }
        };
        let text = |text: &String| -> Box<dyn ToSql> { Box::new(text.clone()) };
        add("workflow = ?", filter.workflow.as_ref().map(text));
        add("source = ?", filter.source.as_ref().map(text));
        add("started >= ?", filter.since.map(|since| -> Box<dyn ToSql> { Box::new(since.as_micros()) }));
        match filter.standing {
            // Who drives a run is not in the database.
            Some(Standing::Live(_) | Standing::Ended(RunStatus::Interrupted)) => {
                conditions.push("ended IS NULL");
            }
            Some(Standing::Ended(status)) => add("status = ?", Some(Box::new(status.name()))),
            None => {}
        }
        if !filter.called {
            conditions.push("parent IS NULL");
        }
        let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
        let limit = filter.limit.filter(|_| filter.standing.is_none()).map_or(-1, |limit| limit as i64);
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE {conditions} ORDER BY number DESC LIMIT {limit}");
        let rows: Vec<RunRow> = self.with(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let rows = select.query_map(params_from_iter(values.iter()), row)?;
            rows.collect()
        })?;
        let mut found = Vec::new();
        for mut row in rows {
            if row.ended.is_none() {
                self.look_closer(&mut row)?;
            }
            if filter.standing.is_none_or(|standing| standing == row.standing) {
                found.push(row);
            }
            if filter.limit.is_some_and(|limit| found.len() >= limit) {
                break;
            }
        }
        Ok(found)
    }

    /// The run with an id, or the only one whose id begins so, or the latest: `last`.
    ///
    /// # Errors
    /// When there is none, or several begin so.
    pub fn find(&self, id: &str) -> Result<RunRow, StoreError> {
        if id == "last" {
            let latest = Filter { limit: Some(1), ..Filter::default() };
            return self.runs(&latest)?.pop().ok_or_else(|| StoreError::NoSuchRun(id.to_owned()));
        }
        let sql =
            format!("SELECT {COLUMNS} FROM runs WHERE id = ?1 OR substr(id, 1, length(?1)) = ?1 LIMIT 6");
        let mut rows: Vec<RunRow> = self.with(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let rows = select.query_map([id], row)?;
            rows.collect()
        })?;
        if let Some(exact) = rows.iter().position(|row| row.id == id) {
            rows = vec![rows.swap_remove(exact)];
        }
        match (rows.pop(), rows.is_empty()) {
            (Some(mut row), true) if !id.is_empty() => {
                if row.ended.is_none() {
                    self.look_closer(&mut row)?;
                }
                Ok(row)
            }
            (Some(last), _) => {
                let ids = rows.into_iter().chain([last]).map(|row| row.id).collect();
                Err(StoreError::Ambiguous { begin: id.to_owned(), ids })
            }
            (None, _) => Err(StoreError::NoSuchRun(id.to_owned())),
        }
    }

    /// What is not in the table of a run that has not ended: who drives it, and how far it is since it was last told.
    fn look_closer(&self, row: &mut RunRow) -> Result<(), StoreError> {
        let driver = self.driver(&row.id)?;
        let mut progress = self.progress(&row.id)?;
        progress.add(&self.events(&row.id, progress.seen)?.0);
        row.tally = progress.tally;
        row.pid = driver.flatten();
        row.standing = match driver {
            None => Standing::Ended(RunStatus::Interrupted),
            Some(_) if progress.only_waits() => Standing::Live(Live::Waiting),
            Some(_) => Standing::Live(Live::Running),
        };
        Ok(())
    }

    fn progress(&self, run: &str) -> Result<Progress, StoreError> {
        let told: Option<String> = self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT tally FROM runs WHERE id = ?1")?;
            select.query_row([run], |row| row.get(0))
        })?;
        Ok(told.and_then(|told| serde_json::from_str(&told).ok()).unwrap_or_default())
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let status: Option<String> = row.get(9)?;
    let status = status.as_deref().and_then(RunStatus::named).unwrap_or(RunStatus::Interrupted);
    let tally: Option<String> = row.get(10)?;
    Ok(RunRow {
        id: row.get(0)?,
        workflow: row.get(1)?,
        source: row.get(2)?,
        workflow_type: row.get(3)?,
        key: row.get(4)?,
        parent: row.get(5)?,
        steps: row.get(6)?,
        started: Timestamp::from_micros(row.get(7)?),
        ended: row.get::<_, Option<u64>>(8)?.map(Timestamp::from_micros),
        standing: Standing::Ended(status),
        tally: tally.and_then(|tally| serde_json::from_str(&tally).ok()).unwrap_or_default(),
        pid: None,
    })
}
