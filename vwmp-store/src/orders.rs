//! What other processes want of the one that drives a run.

use std::time::Duration;

use rusqlite::params;
use serde::{Deserialize, Serialize};
use vwmp_core::run::{Event, EventKind, RunControl};

use crate::error::StoreError;
use crate::store::Store;

/// How often the driving process looks.
const EVERY: Duration = Duration::from_millis(200);

/// What another process wants. Given twice, it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// The run is to stop, with grace.
    Cancel {
        /// Why.
        reason: String,
        /// Who.
        by: String,
    },
    /// An answer to what a step waits for.
    Answer {
        /// The step or item.
        step: String,
        /// Yes or no.
        approved: bool,
        /// Who.
        by: String,
        /// What they said about it.
        comment: String,
    },
}

/// The orders for one run, as they come.
pub struct Orders {
    store: Store,
    run: i64,
    last: i64,
}

impl Store {
    /// Leaves an order for the process that drives a run, or for the next one that does.
    ///
    /// # Errors
    /// When there is no such run, or the store can't be written to.
    pub fn order(&self, run: &str, order: &Order) -> Result<(), StoreError> {
        let number = self.number(run)?;
        let body = serde_json::to_string(order).unwrap_or_default();
        self.with(|connection| {
            connection
                .execute("INSERT INTO orders (run, body) VALUES (?1, ?2)", params![number, body])
                .map(drop)
        })
    }
}

impl Orders {
    pub(crate) fn after(store: Store, run: i64, so_far: &[Event]) -> Result<Self, StoreError> {
        let ended = so_far.last().is_some_and(|event| matches!(event.kind, EventKind::RunFinished { .. }));
        let carried_out = so_far.iter().filter(|event| {
            matches!(event.kind, EventKind::CancelRequested { by: Some(_), .. } | EventKind::Answered { .. })
        });
        let skipped = if ended { i64::MAX } else { carried_out.count() as i64 };
        // Orders are carried out one by one, and each that was is an event.
        let last = store.with(|connection| {
            connection.query_row(
                "SELECT coalesce(max(number), 0) FROM \
                 (SELECT number FROM orders WHERE run = ?1 ORDER BY number LIMIT ?2)",
                [run, skipped],
                |row| row.get(0),
            )
        })?;
        Ok(Self { store, run, last })
    }

    /// The orders that came since.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn new_ones(&mut self) -> Result<Vec<Order>, StoreError> {
        let found: Vec<(i64, String)> = self.store.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT number, body FROM orders WHERE run = ?1 AND number > ?2 ORDER BY number",
            )?;
            let rows = select.query_map([self.run, self.last], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })?;
        if let Some((number, _)) = found.last() {
            self.last = *number;
        }
        // An order of a later version is not for this program.
        Ok(found.into_iter().filter_map(|(_, body)| serde_json::from_str(&body).ok()).collect())
    }

    /// Carries orders out as they come. Ends never; drop it with the run.
    pub async fn carry_out(mut self, control: RunControl) {
        loop {
            // A store that can't be read now may be readable later; the run itself finds out when it can't be written.
            for order in self.new_ones().unwrap_or_default() {
                match order {
                    Order::Cancel { reason, by } => control.cancel_by(&reason, Some(&by)),
                    Order::Answer { step, approved, by, comment } => {
                        control.answer(&step, approved, &by, &comment);
                    }
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
