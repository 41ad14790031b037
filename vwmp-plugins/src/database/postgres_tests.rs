//! PostgreSQL, on a server of its own, where the programs for one are installed.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use vwmp_interfaces::{ErrorClass, StepError};
use vwmp_testkit::{TestRun, execute};

use super::execute::Execute;
use super::postgres::Postgres;
use super::query::Query;

/// Root may not run a server; nobody may.
const NOBODY: u32 = 65534;

/// A server in a folder, reached by a socket in it.
struct Server {
    folder: TempDir,
    process: Child,
}

impl Server {
    fn start(programs: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("vwmp-pg-").tempdir_in("/tmp").unwrap();
        if geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("data");
        let made = as_user(programs.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let process = as_user(programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { folder, process }
    }

    async fn run(&self, more: Value) -> Result<TestRun, StepError> {
        let mut config = json!({ "host": self.folder.path(), "tls": "disable", "lock_wait": 0.2 });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        TestRun::new().connected::<Postgres>(config).await
    }

    /// Waits until it answers.
    async fn ready(&self) -> TestRun {
        for _ in 0..200 {
            if let Ok(run) = self.run(json!({})).await {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server doesn't answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).unwrap();
        let _ = kill_process(id, Signal::QUIT);
        let _ = self.process.wait();
    }
}

fn as_user(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Where the programs are; nothing where they aren't installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = versions.map(|version| version.path().join("bin"));
    let found = folders.chain(std::env::split_paths(&path)).find(|folder| folder.join("initdb").exists());
    found.filter(|folder| folder.join("postgres").exists())
}

async fn query(run: &TestRun, config: Value) -> Result<Value, StepError> {
    execute::<Query>(config, &run.context("query")).await
}

async fn change(run: &TestRun, config: Value) -> Result<Value, StepError> {
    execute::<Execute>(config, &run.context("change")).await
}

/// One test, as a server takes seconds to start.
#[tokio::test]
async fn a_real_server() {
    let Some(programs) = programs() else { return };
    let server = Server::start(&programs);
    let run = server.ready().await;
    values_are_bound_and_come_back(&run).await;
    what_does_not_fit_is_refused(&server, &run).await;
    what_is_locked_is_a_passing_failure(&server, &run).await;
}

async fn values_are_bound_and_come_back(run: &TestRun) {
    let nasty = "'); DROP TABLE task; --";
    let create = "CREATE TABLE task (id int PRIMARY KEY, title text, price numeric(14,4), due timestamptz, \
                  day date, data jsonb, key uuid, tags text[], raw bytea, done bool, ratio float8)";
    let insert = "INSERT INTO task VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let key = "0190b0f5-7c3d-7000-8000-000000000001";
    let done = change(
        run,
        json!({ "statements": [
        { "sql": create },
        { "sql": insert, "values": [
            1, nasty, "-12345678.9", "2026-01-02T03:04:05Z", "2026-01-02", { "a": [1, null] }, key, "{a,NULL}", "\\x00ff", true, 0.5,
        ] },
        { "sql": "INSERT INTO task (id, price) VALUES (2, 0.0005), (3, 100000000)" },
    ] }),
    );
    assert_eq!(done.await.unwrap(), json!({ "changed": [0, 1, 2], "total": 3 }));
    let found =
        query(run, json!({ "sql": "SELECT * FROM task WHERE title = $1", "values": [nasty] })).await.unwrap();
    assert_eq!(
        found["first"],
        json!({
            "id": 1, "title": nasty, "price": "-12345678.9000", "due": "2026-01-02T03:04:05Z", "day": "2026-01-02",
            "data": { "a": [1, null] }, "key": key, "tags": ["a", null], "raw": "00ff", "done": true, "ratio": 0.5,
        })
    );
    let prices =
        query(run, json!({ "sql": "SELECT price FROM task WHERE id > 1 ORDER BY id" })).await.unwrap();
    assert_eq!(prices["rows"], json!([{ "price": "0.0005" }, { "price": "100000000.0000" }]));
    let many = json!({ "sql": "SELECT i FROM generate_series(1, $1::int) i", "values": [900] });
    assert_eq!(query(run, many).await.unwrap()["count"], 900);
}

async fn what_does_not_fit_is_refused(server: &Server, run: &TestRun) {
    let host = server.folder.path().display();
    for (config, class, message) in [
        (
            json!({ "sql": "DELETE FROM task" }),
            ErrorClass::Invalid,
            "the statement would change the database; use `database.execute` for that".to_owned(),
        ),
        (
            json!({ "sql": "SELECT $1::int", "values": [] }),
            ErrorClass::Invalid,
            "the statement has 1 parameter, but `values` gives 0 values".to_owned(),
        ),
        (
            json!({ "sql": "SELECT 1; SELECT 2" }),
            ErrorClass::Invalid,
            "the text has several statements; write each as one of `statements`".to_owned(),
        ),
        (
            json!({ "sql": "SELECT $1::int", "values": ["one"] }),
            ErrorClass::Permanent,
            format!("PostgreSQL postgres at {host}: invalid input syntax for type integer: \"one\""),
        ),
        (
            json!({ "sql": "SELECT '10.0.0.1'::inet AS address" }),
            ErrorClass::Invalid,
            "the column `address` has the type inet, which isn't known here; select it as text: \
             `address::text AS address`"
                .to_owned(),
        ),
        (
            json!({ "sql": "SELECT generate_series(1, 1000000000)", "max_rows": 500 }),
            ErrorClass::Permanent,
            "the query gives more than 500 rows; add a LIMIT to it, or raise `max_rows`".to_owned(),
        ),
    ] {
        let error = query(run, config).await.unwrap_err();
        assert_eq!((error.class(), error.message()), (class, message.as_str()));
    }
    let twice = json!({ "statements": [
        { "sql": "INSERT INTO task (id) VALUES (9)" }, { "sql": "INSERT INTO task (id) VALUES (9)" },
    ] });
    let error = change(run, twice).await.unwrap_err();
    assert_eq!(
        error.message(),
        format!(
            "PostgreSQL postgres at {host}: duplicate key value violates unique constraint \"task_pkey\""
        )
    );
    assert_eq!(error.causes(), ["Key (id)=(9) already exists."]);
    assert_eq!(query(run, json!({ "sql": "SELECT id FROM task WHERE id = 9" })).await.unwrap()["count"], 0);

    let error = server.run(json!({ "database": "none" })).await.err().unwrap();
    assert_eq!(error.message(), format!("PostgreSQL none at {host}: database \"none\" does not exist"));
    let error = server.run(json!({ "port": 1 })).await.err().unwrap();
    let said = (error.class(), error.message().to_owned());
    assert_eq!(said, (ErrorClass::Transient, format!("PostgreSQL postgres at {host} can't be reached")));
}

async fn what_is_locked_is_a_passing_failure(server: &Server, run: &TestRun) {
    let settings = format!("host={} user=postgres", server.folder.path().display());
    let (other, connection) = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    other.batch_execute("BEGIN; LOCK TABLE task IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let error = query(run, json!({ "sql": "SELECT id FROM task" })).await.unwrap_err();
    let host = server.folder.path().display();
    assert_eq!(
        (error.class(), error.message().to_owned()),
        (
            ErrorClass::Transient,
            format!("PostgreSQL postgres at {host} is locked by somebody else; waited 0.2s for it")
        )
    );
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(query(run, json!({ "sql": "SELECT id FROM task" })).await.unwrap()["count"], 3);
    drop(other);
    connection.await.unwrap().unwrap();
}
