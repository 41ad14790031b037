//! `database.execute`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::capability::{Database, Statement};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, register,
};

use super::statement::{counted, one_line};

/// Changes a database: one statement, or several in one transaction, all or none.
///
/// Values go into `values`, in the order of the statement's parameters: `?` or `?1` with SQLite, `$1` with PostgreSQL. They
/// never become part of the statement, so an expression in `sql` is refused.
///
/// The outputs are `changed` (how many rows each statement changed) and `total`. A database that is locked fails the step for a
/// while, so that a `retry` helps; nothing was changed then.
///
/// ```yaml
/// - id: note
///   handler: database.execute
///   adapters: [sqlite]
///   config:
///     statements:
///       - sql: CREATE TABLE IF NOT EXISTS release (version TEXT PRIMARY KEY, notes TEXT)
///       - sql: INSERT INTO release (version, notes) VALUES (?, ?)
///         values: [$<parameters.version>, $<parameters.notes>]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Execute {
    /// The statement. Either this or `statements`.
    #[serde(default)]
    sql: Option<String>,
    /// The values of its parameters.
    #[serde(default)]
    values: Vec<Value>,
    /// Several statements. Either this or `sql`.
    #[serde(default)]
    statements: Vec<Written>,
}

/// One of several statements.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The statement.
    #[schemars(length(min = 1))]
    sql: String,
    /// The values of its parameters.
    #[serde(default)]
    values: Vec<Value>,
}

/// What changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Executed {
    /// How many rows each statement changed.
    changed: Vec<u64>,
    /// How many rows changed.
    total: u64,
}

impl StepHandler for Execute {
    const NAME: &'static str = "database.execute";
    const EFFECT: Effect = Effect::Once;
    type Output = Executed;

    fn metadata() -> Metadata {
        Metadata { title: "Change a Database", category: "Database", icon: "⛁" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Database>()]
    }

    fn validate_written(config: &Value, findings: &mut Findings) {
        refuse_expressions(config, "/sql", findings);
        let several = config.pointer("/statements").and_then(Value::as_array).map_or(0, Vec::len);
        for index in 0..several {
            refuse_expressions(config, &format!("/statements/{index}/sql"), findings);
        }
    }

    fn validate(&self, findings: &mut Findings) {
        let message = match (&self.sql, self.statements.is_empty()) {
            (Some(_), false) => "both `sql` and `statements` are given; remove one",
            (None, true) => "neither `sql` nor `statements` is given; add one",
            (None, false) if !self.values.is_empty() => {
                "`values` belongs to `sql`; give each of the `statements` its own"
            }
            _ => return,
        };
        findings.error("database::statements", Place::Config(String::new()), message);
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Executed, StepError> {
        let database = ctx.require::<dyn Database>()?;
        let statements = self.all();
        let changed = ctx.unless_cancelled(database.execute(&statements)).await?;
        let total: u64 = changed.iter().sum();
        let rows = counted(usize::try_from(total).unwrap_or(usize::MAX), "row");
        ctx.log().info(format!("{rows} of {} changed", database.name()));
        Ok(Executed { changed, total })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Executed>, StepError> {
        let database = ctx.require::<dyn Database>()?;
        let statements = self.all();
        let summary = format!("executes {} on {}", counted(statements.len(), "statement"), database.name());
        Ok(statements.iter().fold(Preview::new(summary), |preview, statement| {
            let values = match statement.values.is_empty() {
                true => String::new(),
                false => format!(" with {}", Value::Array(statement.values.clone())),
            };
            preview.action(format!("execute on {}: {}{values}", database.name(), one_line(&statement.sql)))
        }))
    }
}

register!(step Execute);

impl Execute {
    fn all(&self) -> Vec<Statement> {
        let single = self.sql.iter().map(|sql| (sql, &self.values));
        let several = self.statements.iter().map(|one| (&one.sql, &one.values));
        single
            .chain(several)
            .map(|(sql, values)| Statement { sql: sql.clone(), values: values.clone() })
            .collect()
    }
}

/// A value in a statement's text could be a statement of its own.
pub(super) fn refuse_expressions(config: &Value, pointer: &str, findings: &mut Findings) {
    let Some(sql) = config.pointer(pointer).and_then(Value::as_str) else { return };
    if sql.replace("$$<", "").contains("$<") {
        let message = "a value in the text of a statement could change what it does";
        findings
            .error("database::value-in-sql", Place::Config(pointer.to_owned()), message)
            .help("write a parameter in its place (`?` with SQLite, `$1` with PostgreSQL) and the value into `values`");
    }
}
