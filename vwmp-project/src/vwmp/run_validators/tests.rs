//! Validators that find, fail, hang and hide.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vwmp_interfaces::ErrorClass;
use vwmp_testkit::{TestRun, execute, preview};

use super::*;

fn script(name: &str, text: &str) -> Value {
    json!({ "name": name, "command": ["sh", "-c", text] })
}

#[tokio::test]
async fn findings_of_all_are_collected_and_fail_the_step() {
    let run = TestRun::new();
    let json_line = r#"{"file":"b.md","line":2,"severity":"warning","message":"dead link"}"#;
    let config = json!({ "validators": [
        script("lint", "echo 'src/a.rs:3:5: error[E1]: no such thing'; echo noise; exit 1"),
        script("links", &format!("echo '{json_line}' >&2")),
    ] });
    let error = execute::<RunValidators>(config.clone(), &run.context("validate")).await.unwrap_err();
    assert_eq!(
        (error.class(), error.message()),
        (ErrorClass::Permanent, "validation failed with 1 error: lint")
    );
    assert_eq!(error.causes(), ["src/a.rs:3:5: error[E1]: no such thing"]);
    assert_eq!(
        run.log(),
        ["warning: src/a.rs:3:5: error[E1]: no such thing", "warning: b.md:2: warning: dead link"]
    );

    let mut lenient = config;
    lenient["fail"] = json!(false);
    let output = execute::<RunValidators>(lenient, &run.context("validate")).await.unwrap();
    assert_eq!(
        (&output["errors"], &output["warnings"], &output["passed"]),
        (&json!(1), &json!(1), &json!(false))
    );
    assert_eq!(
        output["findings"][0],
        json!({
            "validator": "lint", "file": "src/a.rs", "line": 3, "column": 5, "severity": "error",
            "message": "no such thing", "code": "E1",
        })
    );
    assert_eq!(
        output["validators"][0],
        json!({ "name": "lint", "passed": false, "exit_code": 1, "findings": 1, "problem": null })
    );
}

#[tokio::test]
async fn warnings_pass_unless_they_are_denied() {
    let run = TestRun::new();
    run.write("src/a.rs", "x\n// TODO later\n");
    let todo = json!({
        "name": "todo", "command": ["grep", "-rnH", "TODO", "src"], "severity": "warning", "success": [0, 1],
    });
    let output = execute::<RunValidators>(json!({ "validators": [todo] }), &run.context("v")).await.unwrap();
    assert_eq!((&output["passed"], &output["warnings"]), (&json!(true), &json!(1)));
    assert_eq!(output["findings"][0]["line"], 2);
    let denied = json!({ "validators": [todo], "deny_warnings": true });
    let error = execute::<RunValidators>(denied, &run.context("v")).await.unwrap_err();
    assert_eq!(error.message(), "validation failed with 1 error: todo");
}

#[tokio::test]
async fn a_validator_that_fails_silently_or_is_missing_is_an_error() {
    let run = TestRun::new();
    let config = json!({ "validators": [
        script("broken", "echo 'out of memory' >&2; exit 3"),
        { "name": "none", "command": ["no-such-validator"] },
    ] });
    let error = execute::<RunValidators>(config, &run.context("v")).await.unwrap_err();
    assert_eq!(error.message(), "validation failed: broken, none");
    assert_eq!(
        error.causes(),
        [
            "`broken` ended with exit status: 3 and found no error\n  out of memory\n`none` can't be started: there is \
          no program `no-such-validator`"
        ]
    );
    let twice = json!({ "validators": [script("a", "true"), script("a", "true")] });
    let error = execute::<RunValidators>(twice, &run.context("v")).await.unwrap_err();
    assert_eq!(error.message(), "config of vwmp.run_validators: two validators have the name `a`");
}

#[tokio::test]
async fn they_run_side_by_side_and_are_previewed() {
    let run = TestRun::new();
    // Each waits for the other, which only works side by side.
    let wait = |own: &str, other: &str| format!("touch {own}; until [ -e {other} ]; do sleep 0.01; done");
    let config = json!({ "validators": [script("a", &wait("a", "b")), script("b", &wait("b", "a"))] });
    let seen = preview::<RunValidators>(config.clone(), &run.context("v")).await.unwrap();
    assert_eq!((seen.summary.as_str(), seen.changes.len()), ("runs the validators a, b", 2));
    execute::<RunValidators>(config, &run.context("v")).await.unwrap();
}

#[tokio::test]
async fn cancelling_ends_them_and_all_they_started() {
    let run = TestRun::new();
    let config = json!({ "validators": [script("hang", "sleep 600 & echo $! > child; wait")] });
    let (started, ctx) = (Instant::now(), run.context("v"));
    let (ended, ()) = tokio::join!(execute::<RunValidators>(config, &ctx), async {
        while !run.exists("child") || run.read("child").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        run.cancel();
    });
    assert_eq!(ended.unwrap_err().message(), "the step was cancelled");
    let status = format!("/proc/{}/status", run.read("child").trim());
    while std::fs::read_to_string(&status).is_ok_and(|text| !text.contains("State:\tZ")) {
        assert!(started.elapsed() < Duration::from_secs(10), "the validator's child lives on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_a_validator_leaves_in_the_background_does_not_hold_it() {
    let run = TestRun::new();
    let started = Instant::now();
    let config = json!({ "validators": [script("leaves", "sleep 600 & echo 'a:1: note: done'")] });
    let output = execute::<RunValidators>(config, &run.context("v")).await.unwrap();
    assert_eq!(output["findings"][0]["message"], "done");
    assert!(started.elapsed() < Duration::from_secs(5));
}
