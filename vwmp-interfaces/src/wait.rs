//! What a step can wait for without holding a place, longer than its process lives.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What a step waits for; see [`StepError::wait`](crate::StepError::wait).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Wait {
    /// Somebody's yes or no.
    Approval(ApprovalRequest),
    /// A time.
    Until {
        /// That time.
        at: Timestamp,
    },
}

/// A question to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// The question.
    pub message: String,
    /// How long to wait for an answer, counted from when it was first asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// How waiting ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "waited", rename_all = "snake_case")]
pub enum Waited {
    /// The time is over.
    Elapsed,
    /// Somebody answered.
    Answered {
        /// Yes or no.
        approved: bool,
        /// Who.
        by: String,
        /// What they said about it; may be empty.
        comment: String,
        /// When.
        at: Timestamp,
    },
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approval(request) => write!(f, "waits for an approval: {}", request.message),
            Self::Until { .. } => f.write_str("waits for a time"),
        }
    }
}
