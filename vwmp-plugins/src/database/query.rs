//! `database.query`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vwmp_interfaces::capability::{Database, RowLimits, Rows, Statement};
use vwmp_interfaces::{Capability, Effect, Metadata, Preview, StepContext, StepError, StepHandler, register};

use super::statement::{counted, one_line};

/// Reads rows from a database. Nothing is changed, even where the statement would.
///
/// Values go into `values`, in the order of the statement's parameters: `?` or `?1` with SQLite, `$1` with PostgreSQL. They
/// never become part of the statement, so an expression in `sql` is refused.
///
/// The outputs are `columns`, `rows` (each a map from column to value), `first` (the first row) and `count`. Exact decimals and points
/// in time arrive as text, bytes as hexadecimal digits.
///
/// Two adapters serve this, `sqlite` and `postgres`; the step picks one.
///
/// ```yaml
/// - id: pending
///   handler: database.query
///   adapters: [sqlite]
///   config:
///     sql: SELECT id, title FROM task WHERE state = ? ORDER BY id
///     values: [$<parameters.state>]
///     max_rows: 100
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The statement.
    #[schemars(length(min = 1))]
    sql: String,
    /// The values of its parameters.
    #[serde(default)]
    values: Vec<Value>,
    /// The most rows. A query that gives more fails.
    #[serde(default = "a_thousand")]
    #[schemars(range(min = 1, max = 1_000_000))]
    max_rows: usize,
    /// The most bytes, measured as JSON. A query that gives more fails.
    #[serde(default = "one_mebibyte")]
    #[schemars(range(min = 1, max = 8_388_608))]
    max_bytes: usize,
}

/// The rows.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Queried {
    /// The names of the columns.
    columns: Vec<String>,
    /// The rows, each a map from column to value.
    rows: Vec<Map<String, Value>>,
    /// The first row; empty when there is none.
    first: Map<String, Value>,
    /// How many rows there are.
    count: usize,
}

fn a_thousand() -> usize {
    1000
}

fn one_mebibyte() -> usize {
    1024 * 1024
}

impl StepHandler for Query {
    const NAME: &'static str = "database.query";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Queried;

    fn metadata() -> Metadata {
        Metadata { title: "Query a Database", category: "Database", icon: "⛁" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Database>()]
    }

    fn validate_written(config: &Value, findings: &mut vwmp_interfaces::Findings) {
        super::execute::refuse_expressions(config, "/sql", findings);
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Queried, StepError> {
        let database = ctx.require::<dyn Database>()?;
        let statement = Statement { sql: self.sql.clone(), values: self.values.clone() };
        let limits = RowLimits { rows: self.max_rows, bytes: self.max_bytes };
        let rows = ctx.unless_cancelled(database.query(&statement, limits)).await?;
        ctx.log().info(format!("{} gave {}", database.name(), counted(rows.rows.len(), "row")));
        queried(rows)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Queried>, StepError> {
        let database = ctx.require::<dyn Database>()?;
        Ok(Preview::new(format!("reads from {}: {}", database.name(), one_line(&self.sql))))
    }
}

register!(step Query);

fn queried(found: Rows) -> Result<Queried, StepError> {
    for (index, name) in found.columns.iter().enumerate() {
        if found.columns[..index].contains(name) {
            let message = format!("two columns are called `{name}`; give one another name with AS");
            return Err(StepError::invalid(message));
        }
    }
    let map = |row: Vec<Value>| found.columns.iter().cloned().zip(row).collect::<Map<_, _>>();
    let rows: Vec<_> = found.rows.into_iter().map(map).collect();
    let (first, count) = (rows.first().cloned().unwrap_or_default(), rows.len());
    Ok(Queried { columns: found.columns, rows, first, count })
}
