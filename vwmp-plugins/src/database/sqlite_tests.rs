//! SQLite, on a real file.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use vwmp_interfaces::capability::{Database, RowLimits, Statement};
use vwmp_interfaces::{Change, ErrorClass, StepError};
use vwmp_testkit::{TestRun, execute, preview};

use super::execute::Execute;
use super::query::Query;
use super::sqlite::Sqlite;

async fn run() -> TestRun {
    let config = json!({ "file": "data/app.db", "create": true, "lock_wait": 0.1 });
    let run = TestRun::new().connected::<Sqlite>(config).await.unwrap();
    let sql = "CREATE TABLE task (id INTEGER PRIMARY KEY, title TEXT, weight REAL, data BLOB)";
    execute::<Execute>(json!({ "sql": sql }), &run.context("setup")).await.unwrap();
    run
}

async fn query(run: &TestRun, config: Value) -> Result<Value, StepError> {
    execute::<Query>(config, &run.context("query")).await
}

#[tokio::test]
async fn values_are_bound_and_come_back() {
    let run = run().await;
    let nasty = "'); DROP TABLE task; --";
    let insert = json!({ "statements": [
        { "sql": "INSERT INTO task VALUES (?, ?, ?, ?)", "values": [1, nasty, 1.5, null] },
        { "sql": "INSERT INTO task VALUES (?1, ?2, ?1, x'00ff') RETURNING id", "values": [2, ["a", true]] },
        { "sql": "UPDATE task SET weight = weight + 1" },
    ] });
    let shown = preview::<Execute>(insert.clone(), &run.context("insert")).await.unwrap();
    assert_eq!(shown.summary, "executes 3 statements on SQLite data/app.db");
    let description = format!(
        "execute on SQLite data/app.db: INSERT INTO task VALUES (?, ?, ?, ?) with [1,\"{nasty}\",1.5,null]"
    );
    assert_eq!(shown.changes[0], Change::Action { description });
    let done = execute::<Execute>(insert, &run.context("insert")).await.unwrap();
    assert_eq!(done, json!({ "changed": [1, 1, 2], "total": 4 }));
    let rows =
        query(&run, json!({ "sql": "SELECT * FROM task WHERE id >= ? ORDER BY id", "values": [true] })).await;
    assert_eq!(
        rows.unwrap(),
        json!({
            "columns": ["id", "title", "weight", "data"],
            "rows": [
                { "id": 1, "title": nasty, "weight": 2.5, "data": null },
                { "id": 2, "title": "[\"a\",true]", "weight": 3.0, "data": "00ff" },
            ],
            "first": { "id": 1, "title": nasty, "weight": 2.5, "data": null },
            "count": 2,
        })
    );
    let none = query(&run, json!({ "sql": "SELECT id FROM task WHERE id = 9" })).await.unwrap();
    assert_eq!((&none["first"], &none["count"]), (&json!({}), &json!(0)));
}

#[tokio::test]
async fn a_locked_database_is_a_passing_failure() {
    let run = run().await;
    let other = rusqlite::Connection::open(run.workspace().join("data/app.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let insert = json!({ "sql": "INSERT INTO task (id) VALUES (1)" });
    let select = json!({ "sql": "SELECT id FROM task" });
    for result in
        [execute::<Execute>(insert.clone(), &run.context("insert")).await, query(&run, select.clone()).await]
    {
        let error = result.unwrap_err();
        let said = (error.class(), error.message());
        let message = "SQLite data/app.db is locked by another program; waited 0.1s for it";
        assert_eq!(said, (ErrorClass::Transient, message));
    }
    other.execute_batch("ROLLBACK").unwrap();
    execute::<Execute>(insert, &run.context("insert")).await.unwrap();
    assert_eq!(query(&run, select).await.unwrap()["count"], 1);
}

#[tokio::test]
async fn all_statements_or_none() {
    let run = run().await;
    let config = json!({ "statements": [
        { "sql": "INSERT INTO task (id) VALUES (1)" },
        { "sql": "INSERT INTO task (id) VALUES (1)" },
    ] });
    let error = execute::<Execute>(config, &run.context("insert")).await.unwrap_err();
    let said = (error.class(), error.message());
    assert_eq!(said, (ErrorClass::Permanent, "SQLite data/app.db: UNIQUE constraint failed: task.id"));
    assert_eq!(query(&run, json!({ "sql": "SELECT id FROM task" })).await.unwrap()["count"], 0);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let run = run().await;
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50) SELECT i FROM n";
    for (config, message) in [
        (
            json!({ "sql": "DELETE FROM task" }),
            "the statement would change the database; use `database.execute` for that",
        ),
        (
            json!({ "sql": "SELECT ?, ?", "values": [1] }),
            "the statement has 2 parameters, but `values` gives 1 value",
        ),
        (
            json!({ "sql": "SELECT 1 AS a, 2 AS a" }),
            "two columns are called `a`; give one another name with AS",
        ),
        (
            json!({ "sql": numbers, "max_rows": 49 }),
            "the query gives more than 49 rows; add a LIMIT to it, or raise `max_rows`",
        ),
        (
            json!({ "sql": numbers, "max_bytes": 100 }),
            "the query gives more than 100 bytes; ask for less, or raise `max_bytes`",
        ),
        (
            json!({ "sql": "SELECT 1; SELECT 2" }),
            "the text has several statements; write each as one of `statements`",
        ),
        (json!({ "sql": "SELEC 1" }), "SQLite data/app.db: near \"SELEC\": syntax error"),
        (
            json!({ "sql": "SELECT * FROM task WHERE id = $<parameters.id>" }),
            "config of database.query: a value in the text of a statement could change what it does",
        ),
    ] {
        assert_eq!(query(&run, config).await.unwrap_err().message(), message);
    }
    run.write(
        "data/text.db",
        "this is only a text, but one of some length, longer than the header of a database is",
    );
    for (file, message) in [
        ("data/text.db", "SQLite data/text.db is no SQLite database"),
        ("none.db", "SQLite none.db: there is no such file; set `create: true` to make it"),
    ] {
        let other = TestRun::new();
        other.write("data/text.db", run.read("data/text.db"));
        let other = other.connected::<Sqlite>(json!({ "file": file })).await.unwrap();
        let error = query(&other, json!({ "sql": "SELECT * FROM sqlite_master" })).await.unwrap_err();
        assert_eq!(error.message(), message);
    }
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_is_interrupted() {
    let run = run().await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let database = run.context("query").require::<dyn Database>().unwrap();
    let limits = RowLimits { rows: 1, bytes: 100 };
    let statement = |sql: &str| Statement { sql: sql.to_owned(), values: Vec::new() };
    let (endless, next) = (statement(endless), statement("SELECT 1 AS one"));
    let waited = timeout(Duration::from_millis(100), database.query(&endless, limits)).await;
    assert!(waited.is_err());
    // It would have to wait for the one before.
    let rows = timeout(Duration::from_secs(30), database.query(&next, limits)).await.unwrap().unwrap();
    assert_eq!(rows.rows, [[json!(1)]]);
}
