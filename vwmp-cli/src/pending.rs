//! Answers that people gave, and that a run has not taken in yet.

use vwmp_core::run::{Report, Unit};
use vwmp_store::{Order, Store};

use crate::failure::Failure;
use crate::recorded::Recorded;
use crate::render::to_do::waits_for;

/// An answer to what a step still asks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Pending {
    pub(crate) step: String,
    pub(crate) approved: bool,
    pub(crate) by: String,
    pub(crate) comment: String,
}

/// The answers of a run, the first one to each step: it is the one that counts.
pub(crate) fn of(store: &Store, recorded: &Recorded, report: &Report) -> Result<Vec<Pending>, Failure> {
    let mut all: Vec<Pending> = Vec::new();
    for order in store.open_orders(&recorded.row.id, &recorded.events)? {
        let Order::Answer { step, approved, by, comment } = order else { continue };
        let unit = Unit::named(&step, report.plan());
        let asks = unit.and_then(|unit| waits_for(report.state().unit(unit))).is_some_and(|(_, asks)| asks);
        if asks && !all.iter().any(|known| known.step == step) {
            all.push(Pending { step, approved, by, comment });
        }
    }
    Ok(all)
}

impl Pending {
    /// What is known of it, in words.
    pub(crate) fn told(&self) -> String {
        let word = if self.approved { "approved" } else { "rejected" };
        let comment = if self.comment.is_empty() { String::new() } else { format!(" ({})", self.comment) };
        format!("{} was already {word} by {}{comment}; the run has not taken it in yet", self.step, self.by)
    }
}
