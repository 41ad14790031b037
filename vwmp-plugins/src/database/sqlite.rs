//! The adapter `sqlite`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params_from_iter};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use vwmp_interfaces::capability::{Database, RowLimits, Rows, Statement};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, IntegrationAdapter, Metadata, OrFail, StepError,
    WorkspacePath, register,
};

use super::rows::Collected;
use super::statement::fits;
use crate::checksum::hexadecimal;
use crate::filesystem::inside::real_path;

/// A database in a file of the workspace. Serves `Database`.
///
/// ```yaml
/// integration_adapters:
///   sqlite:
///     config: { file: data/app.db }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteConfig {
    /// The file, relative to the workspace.
    #[serde(default = "file")]
    file: WorkspacePath,
    /// Whether to make the file where there is none.
    #[serde(default)]
    create: bool,
    /// Seconds to wait while another program has it locked.
    #[serde(default = "five")]
    #[schemars(range(min = 0.0, max = 3600.0))]
    lock_wait: f64,
}

/// A database in a file, opened when it is first used: only then it must be there.
pub struct Sqlite {
    name: String,
    path: PathBuf,
    create: bool,
    lock_wait: f64,
    connection: Arc<Mutex<Option<Connection>>>,
}

#[expect(clippy::unwrap_used, reason = "the text is a path")]
fn file() -> WorkspacePath {
    WorkspacePath::parse("data.db").unwrap()
}

fn five() -> f64 {
    5.0
}

impl IntegrationAdapter for Sqlite {
    const NAME: &'static str = "sqlite";
    type Config = SqliteConfig;

    async fn connect(config: SqliteConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let root = ctx.workspace.canonicalize().or_permanent("can't open the workspace")?;
        Ok(Self {
            name: format!("SQLite {}", config.file),
            path: real_path(&root, &config.file)?,
            create: config.create,
            lock_wait: config.lock_wait,
            connection: Arc::default(),
        })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn Database>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn Database>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "SQLite", category: "Database", icon: "⛁" }
    }

    async fn close(&self) -> Result<(), StepError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        let closed = connection.map_or(Ok(()), |open| open.close().map_err(|(_, error)| error));
        closed.or_permanent(format!("can't close {}", self.name))
    }
}

register!(adapter Sqlite);

impl Database for Sqlite {
    fn name(&self) -> &str {
        &self.name
    }

    fn query<'a>(
        &'a self,
        statement: &'a Statement,
        limits: RowLimits,
    ) -> BoxFuture<'a, Result<Rows, StepError>> {
        let statement = statement.clone();
        self.with_connection(move |connection, failed| query(connection, &statement, limits, failed))
    }

    fn execute<'a>(&'a self, statements: &'a [Statement]) -> BoxFuture<'a, Result<Vec<u64>, StepError>> {
        let statements = statements.to_vec();
        self.with_connection(move |connection, failed| execute(connection, &statements, failed))
    }
}

/// What SQLite says, in the user's words.
#[derive(Clone)]
struct Failed {
    name: String,
    lock_wait: f64,
}

impl Sqlite {
    /// SQLite waits for disks and locks, which must not hold up the engine. A statement that nobody waits for any more
    /// is interrupted.
    fn with_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Failed) -> Result<T, StepError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StepError>> {
        let shared = Arc::clone(&self.connection);
        let failed = Failed { name: self.name.clone(), lock_wait: self.lock_wait };
        let (path, create) = (self.path.clone(), self.create);
        Box::pin(async move {
            let (send, interrupt) = tokio::sync::oneshot::channel();
            let guard = Interrupt(Some(interrupt));
            let done = tokio::task::spawn_blocking(move || {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let connection = match &mut *shared {
                    Some(open) => open,
                    none => none.insert(open(&path, create, &failed)?),
                };
                if send.send(connection.get_interrupt_handle()).is_err() {
                    return Err(StepError::transient("the step was cancelled"));
                }
                work(connection, &failed)
            })
            .await;
            drop(guard);
            done.or_transient("the database didn't answer")?
        })
    }
}

/// Interrupts the statement when it is dropped, which does nothing to one that ended.
struct Interrupt(Option<tokio::sync::oneshot::Receiver<rusqlite::InterruptHandle>>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(Ok(handle)) = self.0.take().map(|mut receiver| receiver.try_recv()) {
            handle.interrupt();
        }
    }
}

fn open(path: &PathBuf, create: bool, failed: &Failed) -> Result<Connection, StepError> {
    if !create && !path.exists() {
        let message = format!("{}: there is no such file; set `create: true` to make it", failed.name);
        return Err(StepError::permanent(message));
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder.or_permanent(format!("{}: can't make its folder", failed.name))?;
    }
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed.by(&error))?;
    let wait = Duration::try_from_secs_f64(failed.lock_wait).unwrap_or_default();
    connection.busy_timeout(wait).map_err(|error| failed.by(&error))?;
    Ok(connection)
}

fn query(
    connection: &Connection,
    statement: &Statement,
    limits: RowLimits,
    failed: &Failed,
) -> Result<Rows, StepError> {
    let mut prepared = connection.prepare(&statement.sql).map_err(|error| failed.by(&error))?;
    if !prepared.readonly() {
        let message = "the statement would change the database; use `database.execute` for that";
        return Err(StepError::invalid(message));
    }
    fits(statement, prepared.parameter_count())?;
    let columns: Vec<String> = prepared.column_names().map(ToOwned::to_owned).collect();
    let width = columns.len();
    let mut collected = Collected::new(columns, limits);
    let values = params_from_iter(statement.values.iter().map(cell));
    let mut rows = prepared.query(values).map_err(|error| failed.by(&error))?;
    while let Some(row) = rows.next().map_err(|error| failed.by(&error))? {
        let value = |index| row.get_ref(index).map(json).map_err(|error| failed.by(&error));
        collected.push((0..width).map(value).collect::<Result<_, _>>()?)?;
    }
    Ok(collected.finish())
}

fn execute(
    connection: &mut Connection,
    statements: &[Statement],
    failed: &Failed,
) -> Result<Vec<u64>, StepError> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior).map_err(|error| failed.by(&error))?;
    let mut changed = Vec::new();
    for statement in statements {
        let before = transaction.total_changes();
        let mut prepared = transaction.prepare(&statement.sql).map_err(|error| failed.by(&error))?;
        fits(statement, prepared.parameter_count())?;
        let values = params_from_iter(statement.values.iter().map(cell));
        let mut rows = prepared.query(values).map_err(|error| failed.by(&error))?;
        while rows.next().map_err(|error| failed.by(&error))?.is_some() {}
        drop(rows);
        changed.push(transaction.total_changes() - before);
    }
    transaction.commit().map_err(|error| failed.by(&error))?;
    Ok(changed)
}

impl Failed {
    fn by(&self, error: &rusqlite::Error) -> StepError {
        let name = &self.name;
        match error {
            rusqlite::Error::MultipleStatement => {
                StepError::invalid("the text has several statements; write each as one of `statements`")
            }
            rusqlite::Error::SqliteFailure(code, words) => {
                let words = words.clone().unwrap_or_else(|| code.to_string());
                let error = match code.code {
                    ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                        let wait = self.lock_wait;
                        StepError::transient(format!(
                            "{name} is locked by another program; waited {wait}s for it"
                        ))
                    }
                    ErrorCode::OperationInterrupted => StepError::transient("the step was cancelled"),
                    ErrorCode::DiskFull | ErrorCode::SystemIoFailure => {
                        StepError::transient(format!("{name} can't be read or written: {words}"))
                    }
                    ErrorCode::PermissionDenied
                    | ErrorCode::ReadOnly
                    | ErrorCode::AuthorizationForStatementDenied => {
                        StepError::denied(format!("{name} may not be changed: {words}"))
                    }
                    ErrorCode::NotADatabase => StepError::permanent(format!("{name} is no SQLite database")),
                    _ => StepError::permanent(format!("{name}: {words}")),
                };
                error.caused_by(code.to_string())
            }
            rusqlite::Error::SqlInputError { msg, .. } => StepError::permanent(format!("{name}: {msg}")),
            other => StepError::permanent(format!("{name}: {other}")),
        }
    }
}

/// A value as SQLite takes it; lists and maps as JSON.
fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(truth) => Cell::Integer((*truth).into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Cell::Integer(integer),
            (None, Some(real)) => Cell::Real(real),
            (None, None) => Cell::Text(number.to_string()),
        },
        Value::String(text) => Cell::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Cell::Text(value.to_string()),
    }
}

fn json(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => hexadecimal(bytes).into(),
    }
}
