//! Collecting rows up to a limit.

use serde_json::Value;
use vwmp_interfaces::StepError;
use vwmp_interfaces::capability::{RowLimits, Rows};

use super::statement::counted;

/// Rows that are being read.
pub(super) struct Collected {
    rows: Rows,
    limits: RowLimits,
    bytes: usize,
}

impl Collected {
    pub(super) fn new(columns: Vec<String>, limits: RowLimits) -> Self {
        Self { rows: Rows { columns, rows: Vec::new() }, limits, bytes: 0 }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When there are more than allowed: half of an answer would be taken for the whole.
    pub(super) fn push(&mut self, row: Vec<Value>) -> Result<(), StepError> {
        self.bytes += row.iter().map(|value| value.to_string().len() + 1).sum::<usize>();
        if self.rows.rows.len() == self.limits.rows {
            let most = counted(self.limits.rows, "row");
            let message = format!("the query gives more than {most}; add a LIMIT to it, or raise `max_rows`");
            return Err(StepError::permanent(message));
        }
        if self.bytes > self.limits.bytes {
            let message = format!(
                "the query gives more than {}; ask for less, or raise `max_bytes`",
                counted(self.limits.bytes, "byte")
            );
            return Err(StepError::permanent(message));
        }
        self.rows.rows.push(row);
        Ok(())
    }

    pub(super) fn finish(self) -> Rows {
        self.rows
    }
}
