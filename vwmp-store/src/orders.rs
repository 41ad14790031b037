//! What other processes want of the one that drives a run.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use vwmp_core::run::{Event, EventKind, Order, RunControl};

use crate::error::StoreError;
use crate::store::{Store, place};

/// How often the driving process looks.
const EVERY: Duration = Duration::from_millis(200);

/// An order as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Placed {
    #[serde(flatten)]
    order: Order,
    /// How many events the run had: what carried the order out is none of them.
    #[serde(default)]
    after: u64,
}

/// The orders for one run, as they come.
pub struct Orders {
    store: Store,
    run: i64,
    last: i64,
    /// What an earlier process was told and did not carry out any more.
    left: Vec<Order>,
}

impl Store {
    /// Leaves an order for the process that drives a run, or for the next one that does.
    ///
    /// # Errors
    /// When there is no such run, or the store can't be written to.
    pub fn order(&self, run: &str, order: &Order) -> Result<(), StoreError> {
        let number = self.number(run)?;
        self.with(|connection| {
            let ask = "SELECT place - ?1 + count FROM events WHERE place >= ?1 AND place < ?2 ORDER BY place DESC LIMIT 1";
            let places = [place(number, 0), place(number + 1, 0)];
            let after = connection.query_row(ask, places, |row| row.get(0)).optional()?.unwrap_or(0);
            // Plain data as JSON can't fail.
            let body = serde_json::to_string(&Placed { order: order.clone(), after }).unwrap_or_default();
            let place = "INSERT INTO orders (run, body) VALUES (?1, ?2)";
            connection.execute(place, params![number, body]).map(drop)
        })
    }
}

impl Store {
    /// What was wanted of a run and is not carried out yet, as far as these events tell.
    ///
    /// # Errors
    /// When there is no such run, or the store can't be read.
    pub fn open_orders(&self, run: &str, so_far: &[Event]) -> Result<Vec<Order>, StoreError> {
        Ok(Orders::after(self.clone(), self.number(run)?, so_far)?.left)
    }
}

impl Orders {
    pub(crate) fn after(store: Store, run: i64, so_far: &[Event]) -> Result<Self, StoreError> {
        let mut orders = Self { store, run, last: 0, left: Vec::new() };
        let mut left = orders.next()?;
        for event in so_far {
            let done = left.iter().position(|placed| placed.after <= event.seq && did(event, &placed.order));
            done.map(|at| left.remove(at));
        }
        // What was wanted of a run that has ended is not wanted of one that goes on.
        if !so_far.last().is_some_and(|event| matches!(event.kind, EventKind::RunFinished { .. })) {
            orders.left = left.into_iter().map(|placed| placed.order).collect();
        }
        Ok(orders)
    }

    /// What an earlier process was told and did not carry out any more. Who goes on with the run does it before
    /// anything else.
    pub fn take_left(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.left)
    }

    /// The orders that came since, and at first those that an earlier process left, unless they were taken.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn new_ones(&mut self) -> Result<Vec<Order>, StoreError> {
        let new = self.next()?;
        let mut orders = std::mem::take(&mut self.left);
        orders.extend(new.into_iter().map(|placed| placed.order));
        Ok(orders)
    }

    fn next(&mut self) -> Result<Vec<Placed>, StoreError> {
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
                control.order(order);
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// Whether an event is what an order wanted. Events know steps by their numbers, so those are not compared.
fn did(event: &Event, order: &Order) -> bool {
    match (&event.kind, order) {
        (EventKind::CancelRequested { reason, by }, Order::Cancel { reason: why, by: who }) => {
            **reason == **why && by.as_deref() == who.as_deref()
        }
        (
            EventKind::Answered { step, approved, by, comment },
            Order::Answer { step: id, approved: yes, by: who, comment: words },
        ) => {
            let item = id.strip_suffix(']').and_then(|id| id.rsplit_once('['));
            let item = item.and_then(|(_, item)| item.parse().ok());
            step.item() == item && approved == yes && **by == **who && **comment == **words
        }
        _ => false,
    }
}
