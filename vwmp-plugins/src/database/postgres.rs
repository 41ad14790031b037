//! The adapter `postgres`.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use vwmp_interfaces::capability::{Database, RowLimits, Rows, Statement};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, Health, IntegrationAdapter, Metadata, Secret,
    StepError, register,
};

use super::postgres_error::failed;
use super::postgres_value::{Bound, values};
use super::rows::Collected;
use super::statement::fits;

/// How many rows are asked for at once.
const ROWS_AT_ONCE: i32 = 200;

/// A PostgreSQL database. Serves `Database`.
///
/// ```yaml
/// integration_adapters:
///   postgres:
///     config: { host: db.example.com, user: releases, database: app }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// The server's name, or the folder with its socket.
    #[serde(default = "localhost")]
    host: String,
    /// Its port.
    #[serde(default = "port")]
    port: u16,
    /// Who signs in.
    #[serde(default = "superuser")]
    user: String,
    /// The password; `PGPASSWORD` of the environment where this isn't given.
    #[serde(default)]
    password: Option<Secret>,
    /// The database; that of the user's name where this isn't given.
    #[serde(default)]
    database: Option<String>,
    /// Whether the connection must be encrypted.
    #[serde(default)]
    tls: Tls,
    /// Seconds until a connection must stand.
    #[serde(default = "ten")]
    #[schemars(range(min = 0.001, max = 3600.0))]
    connect_timeout: f64,
    /// Seconds to wait for what somebody else has locked.
    #[serde(default = "ten")]
    #[schemars(range(min = 0.001, max = 3600.0))]
    lock_wait: f64,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Tls {
    /// Where the server can; always with a certificate that is trusted.
    #[default]
    Prefer,
    /// Always.
    Require,
    /// Never. For a server on this machine.
    Disable,
}

/// A connection to a server.
pub struct Postgres {
    name: String,
    lock_wait: f64,
    client: Mutex<Client>,
    connection: JoinHandle<()>,
}

fn localhost() -> String {
    "localhost".to_owned()
}

fn port() -> u16 {
    5432
}

fn superuser() -> String {
    "postgres".to_owned()
}

fn ten() -> f64 {
    10.0
}

impl IntegrationAdapter for Postgres {
    const NAME: &'static str = "postgres";
    type Config = PostgresConfig;

    async fn connect(config: PostgresConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let database = config.database.as_deref().unwrap_or(&config.user);
        let name = format!("PostgreSQL {database} at {}", config.host);
        let lock_wait = config.lock_wait;
        let environment = ctx.environment.get("PGPASSWORD").map(String::as_str);
        let settings = settings(&config, database, environment);
        let opened = match (config.tls, encryption()) {
            // Without certificates nothing can be trusted, and a server that insists says so.
            (Tls::Disable, _) | (Tls::Prefer, None) => connect(&settings, NoTls).await,
            (Tls::Require, None) => {
                return Err(StepError::permanent(
                    "this machine has no certificates that it trusts; install some",
                ));
            }
            (_, Some(tls)) => connect(&settings, tls).await,
        };
        let (client, connection) = opened.map_err(|error| failed(&name, lock_wait, &error))?;
        let limit = format!("SET lock_timeout = {}", (lock_wait * 1000.0).ceil());
        client.batch_execute(&limit).await.map_err(|error| failed(&name, lock_wait, &error))?;
        Ok(Self { name, lock_wait, client: Mutex::new(client), connection })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn Database>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn Database>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "PostgreSQL", category: "Database", icon: "🐘" }
    }

    async fn health(&self) -> Health {
        match self.client.lock().await.simple_query("SELECT 1").await {
            Ok(_) => Health::Good,
            Err(error) => Health::Down(error.to_string()),
        }
    }

    async fn close(&self) -> Result<(), StepError> {
        self.connection.abort();
        Ok(())
    }
}

register!(adapter Postgres);

impl Drop for Postgres {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Database for Postgres {
    fn name(&self) -> &str {
        &self.name
    }

    fn query<'a>(
        &'a self,
        statement: &'a Statement,
        limits: RowLimits,
    ) -> BoxFuture<'a, Result<Rows, StepError>> {
        Box::pin(self.rows(statement, limits))
    }

    fn execute<'a>(&'a self, statements: &'a [Statement]) -> BoxFuture<'a, Result<Vec<u64>, StepError>> {
        Box::pin(self.change(statements))
    }
}

impl Postgres {
    /// Reads in a transaction that can't write, a part at a time, so that a query without an end does no harm.
    async fn rows(&self, statement: &Statement, limits: RowLimits) -> Result<Rows, StepError> {
        let mut client = self.client.lock().await;
        let transaction = client.build_transaction().read_only(true).start().await;
        let transaction = transaction.map_err(|error| self.failed(&error))?;
        let prepared = transaction.prepare(&statement.sql).await.map_err(|error| self.failed(&error))?;
        fits(statement, prepared.params().len())?;
        let bound: Vec<Bound> = statement.values.iter().map(Bound::of).collect();
        let portal =
            transaction.bind(&prepared, &dynamic(&bound)).await.map_err(|error| self.failed(&error))?;
        let columns = prepared.columns().iter().map(|column| column.name().to_owned()).collect();
        let mut collected = Collected::new(columns, limits);
        loop {
            let part = transaction.query_portal(&portal, ROWS_AT_ONCE).await;
            let part = part.map_err(|error| self.failed(&error))?;
            for row in &part {
                collected.push(values(row)?)?;
            }
            if part.len() < ROWS_AT_ONCE.unsigned_abs() as usize {
                return Ok(collected.finish());
            }
        }
    }

    async fn change(&self, statements: &[Statement]) -> Result<Vec<u64>, StepError> {
        let mut client = self.client.lock().await;
        let transaction = client.transaction().await.map_err(|error| self.failed(&error))?;
        let mut changed = Vec::new();
        for statement in statements {
            let prepared = transaction.prepare(&statement.sql).await.map_err(|error| self.failed(&error))?;
            fits(statement, prepared.params().len())?;
            let bound: Vec<Bound> = statement.values.iter().map(Bound::of).collect();
            let count = transaction.execute(&prepared, &dynamic(&bound)).await;
            changed.push(count.map_err(|error| self.failed(&error))?);
        }
        transaction.commit().await.map_err(|error| self.failed(&error))?;
        Ok(changed)
    }

    fn failed(&self, error: &tokio_postgres::Error) -> StepError {
        failed(&self.name, self.lock_wait, error)
    }
}

fn settings(config: &PostgresConfig, database: &str, password: Option<&str>) -> Config {
    let mut settings = Config::new();
    settings
        .host(&config.host)
        .port(config.port)
        .user(&config.user)
        .dbname(database)
        .application_name("vwmp")
        .connect_timeout(Duration::try_from_secs_f64(config.connect_timeout).unwrap_or_default())
        .ssl_mode(match config.tls {
            Tls::Prefer => SslMode::Prefer,
            Tls::Require => SslMode::Require,
            Tls::Disable => SslMode::Disable,
        });
    if let Some(password) = config.password.as_ref().map(Secret::reveal).or(password) {
        settings.password(password);
    }
    settings
}

async fn connect<T>(settings: &Config, tls: T) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error>
where
    T: tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = settings.connect(tls).await?;
    // It ends when the adapter does. What goes wrong in it, each statement is told.
    let connection = tokio::spawn(async move { drop(connection.await) });
    Ok((client, connection))
}

/// Encryption by the certificates that this machine trusts; nothing where it trusts none.
fn encryption() -> Option<MakeRustlsConnect> {
    // Whoever comes first wins, and everybody here wants the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    MakeRustlsConnect::with_native_certs().ok().map(|(tls, _)| tls)
}

fn dynamic(bound: &[Bound]) -> Vec<&(dyn ToSql + Sync)> {
    bound.iter().map(|one| one as _).collect()
}
