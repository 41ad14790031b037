//! What a run can be asked for from outside.

use serde::{Deserialize, Serialize};

use super::event::EventKind;
use super::unit::Unit;
use crate::plan::Plan;

/// What somebody wants of a run. Given twice, it changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// The run is to stop, with grace.
    Cancel {
        /// Why.
        reason: String,
        /// Who, where it is known.
        by: Option<String>,
    },
    /// An answer to what a step waits for.
    Answer {
        /// The step, or an item such as `test[3]`.
        step: String,
        /// Yes or no.
        approved: bool,
        /// Who.
        by: String,
        /// What they said about it.
        comment: String,
    },
}

impl Order {
    /// What happens by it; nothing where the plan has no such step.
    pub(super) fn event(self, plan: &Plan) -> Option<EventKind> {
        match self {
            Self::Cancel { reason, by } => {
                Some(EventKind::CancelRequested { reason: reason.into(), by: by.map(Into::into) })
            }
            Self::Answer { step, approved, by, comment } => {
                let step = Unit::named(&step, plan)?;
                Some(EventKind::Answered { step, approved, by: by.into(), comment: comment.into() })
            }
        }
    }
}
