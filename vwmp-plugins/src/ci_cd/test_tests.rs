use serde_json::json;
use vwmp_testkit::{TestRun, execute, preview};

use super::*;

const REPORT: &str = r#"<testsuite name="app"><testcase name="one"/><testcase name="two"><failure message="1 is not 2"/></testcase></testsuite>"#;

fn config(more: &Value) -> Value {
    let run = "printf '%s' \"$REPORT\" > junit.xml; exit 1";
    let mut config = json!({ "run": run, "env": { "REPORT": REPORT }, "reports": ["*.xml"] });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

#[tokio::test]
async fn failures_are_named() {
    let run = TestRun::new();
    let error = execute::<Test>(config(&json!({})), &run.context("test")).await.unwrap_err();
    assert_eq!(error.message(), "1 of 2 tests failed: app two");
    assert_eq!(error.causes(), ["1 is not 2"]);
    let output =
        execute::<Test>(config(&json!({ "allow_failures": true })), &run.context("test")).await.unwrap();
    assert_eq!(
        output,
        json!({
            "exit_code": 1, "tests": 2, "passed": 1, "failed": 1, "errors": 0, "skipped": 0, "seconds": 0.0,
            "failures": [{ "suite": "app", "name": "two", "message": "1 is not 2" }],
        })
    );
    let shown = preview::<Test>(json!({ "command": ["cargo", "test"] }), &run.context("test")).await.unwrap();
    assert_eq!(shown.summary, "tests with `cargo test`");
}

#[tokio::test]
async fn a_report_must_be_of_this_run() {
    let run = TestRun::new();
    run.write("old.xml", REPORT);
    for (config, message) in [
        (
            json!({ "run": "exit 2", "reports": ["*.xml"] }),
            "`exit 2` exited with code 2 and wrote no report `*.xml`",
        ),
        (json!({ "run": "exit 2" }), "`exit 2` exited with code 2"),
        (
            json!({ "run": "echo no > new.xml", "reports": ["*.xml"] }),
            "`new.xml` isn't a report of JUnit's kind: there is no `testsuite` in it",
        ),
    ] {
        let error = execute::<Test>(config, &run.context("test")).await.unwrap_err();
        assert_eq!(error.message(), message);
    }
}
