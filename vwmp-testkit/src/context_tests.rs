use std::time::Duration;

use super::*;

#[test]
fn a_context_has_what_the_test_set() {
    let run = TestRun::new()
        .parameters(json!({ "a": 1 }))
        .config(json!({ "b": 2 }))
        .environment("NAME", "value")
        .attempt(3)
        .planned([Change::File { path: "VERSION".into(), before: None, after: Some("1.0.0".into()) }]);
    let ctx = run.context("bump");
    run.set_output("before", json!({ "c": 3 }));
    assert_eq!((ctx.step_id(), ctx.attempt(), ctx.run_id()), ("bump", 3, "test-run"));
    assert_eq!((&ctx.parameters()["a"], &ctx.workflow_config()["b"]), (&json!(1), &json!(2)));
    assert_eq!(ctx.environment()["NAME"], "value");
    assert_eq!(ctx.output("before").unwrap()["c"], 3);
    assert!(ctx.output("after").is_none());
    assert_eq!(ctx.planned_file("VERSION"), Some(Some("1.0.0")));
}

#[test]
fn files_lines_time_and_cancellation_are_the_tests() {
    let run = TestRun::new();
    let ctx = run.context("one");
    run.write("docs/a.md", "text");
    assert_eq!(std::fs::read_to_string(ctx.workspace().join("docs/a.md")).unwrap(), "text");
    assert!(!run.remove("docs/a.md").exists("docs/a.md"));
    ctx.log().write(Stream::Stdout, "1\n2\n");
    ctx.progress(1, Some(2), "half");
    assert_eq!(run.log(), ["stdout: 1", "stdout: 2"]);
    assert_eq!(run.progress()[0].message, "half");
    run.advance(Duration::from_secs(1));
    assert_eq!(ctx.clock().now().as_micros(), 1_767_323_046_000_000);
    run.cancel();
    assert!(ctx.cancelled().is_cancelled());
}
