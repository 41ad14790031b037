//! A relational database.

use serde_json::Value;

use crate::BoxFuture;
use crate::error::StepError;

/// A relational database. Values go beside the statement, never into its text.
pub trait Database: Send + Sync {
    /// What messages call it, such as `SQLite data/app.db`. No password is in it.
    fn name(&self) -> &str;
    /// Reads rows. Nothing is changed, even where the statement would.
    fn query<'a>(
        &'a self,
        statement: &'a Statement,
        limits: RowLimits,
    ) -> BoxFuture<'a, Result<Rows, StepError>>;
    /// Executes statements in one transaction, all or none; returns how many rows each changed.
    fn execute<'a>(&'a self, statements: &'a [Statement]) -> BoxFuture<'a, Result<Vec<u64>, StepError>>;
}

/// A statement and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// The values of its parameters, in order.
    pub values: Vec<Value>,
}

/// How much to read. A query with more is an error, never a part of the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLimits {
    /// The most rows.
    pub rows: usize,
    /// The most bytes, measured as JSON.
    pub bytes: usize,
}

/// What a query gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a value for each column.
    pub rows: Vec<Vec<Value>>,
}
