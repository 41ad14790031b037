//! `run`: progress, results, exit codes.

use serde_json::{Value, json};

use crate::Place;

const HELLO: &str = r#"
name: hello
parameters:
  who: { type: string, default: world }
steps:
  - id: greet
    handler: shell.run
    config: { run: "echo hello, $<parameters.who>" }
"#;

const FAILING: &str = r#"
name: failing
order: sequential
steps:
  - id: build
    handler: shell.run
    config: { run: "echo oops >&2; exit 3" }
  - { id: test, handler: flow.noop }
finally:
  - { id: tell, handler: shell.run, config: { run: "echo failed: $<run.failed_steps[0]>" } }
"#;

#[test]
fn a_run_is_told_in_lines_and_a_table() {
    Place::new().with("hello.yaml", HELLO).vwmp(&["run", "hello.yaml", "-p", "who=you"]).check(
        0,
        "step  status  time  attempts  note
greet  succeeded  SOME  1

",
        "TIME greet started
greet | hello, you
TIME greet succeeded after SOME
hello succeeded after SOME: 1 step done.
",
    );
}

#[test]
fn a_failed_run_says_what_failed_and_what_was_not_done() {
    Place::new().with("f.yaml", FAILING).vwmp(&["run", "f.yaml"]).check(
        1,
        "step  status  time  attempts  note
build  failed  SOME  1  `echo oops >&2; exit 3` exited with code 3
test  skipped  it needs build, which did not succeed
tell  succeeded  SOME  1

",
        "TIME build started
build | oops
TIME build failed after SOME: `echo oops >&2; exit 3` exited with code 3
TIME test skipped: it needs build, which did not succeed
TIME tell started
tell | failed: build
TIME tell succeeded after SOME
build failed: `echo oops >&2; exit 3` exited with code 3
  caused by: oops
  what it wrote:
    build | oops
test not run: it needs build, which did not succeed

failing failed after SOME: 1 step done, 1 failed, 1 not run.
",
    );
}

#[test]
fn a_quiet_run_says_nothing_unless_something_is_wrong() {
    let place = Place::new().with("hello.yaml", HELLO).with("f.yaml", FAILING);
    place.vwmp(&["run", "-q", "hello.yaml"]).check(0, "", "");
    let failed = place.vwmp(&["run", "-q", "f.yaml"]);
    assert_eq!((failed.code, &*failed.out), (1, ""));
    assert!(failed.err.starts_with("build failed: "), "{}", failed.err);
}

#[test]
fn a_tolerated_failure_is_no_failure() {
    let text =
        "name: lax\nsteps:\n  - { id: lint, handler: shell.run, required: false, config: { run: exit 1 } }\n";
    let answer = Place::new().with("w.yaml", text).vwmp(&["run", "w.yaml"]);
    assert_eq!(answer.code, 0);
    assert!(
        answer.err.ends_with(
            "lint tolerated: `exit 1` exited with code 1\n\nlax succeeded after SOME: 1 step failed as it may.\n"
        ),
        "{}",
        answer.err
    );
}

#[test]
fn parameters_are_read_as_their_types() {
    let text = r#"
name: types
parameters:
  text: { type: string }
  number: { type: integer }
  flag: { type: boolean }
  list: { type: array }
  any: {}
steps:
  - id: all
    handler: shell.run
    config:
      run: echo $<parameters.text> $<parameters.number> $<parameters.flag> $<parameters.list> $<parameters.any>
"#;
    let place = Place::new().with("w.yaml", text).with("p.json", r#"{ "number": 1, "any": { "a": [1] } }"#);
    let given = ["-p", "text=1.10", "-p", "number=3", "-p", "flag=true", "-p", "list=[1, \"b\"]"];
    let arguments = [&["run", "w.yaml", "--format", "json", "--params", "p.json"], &given[..]].concat();
    let report: Value = serde_json::from_str(&place.vwmp(&arguments).out).unwrap();
    let shown = &report["steps"][0]["output"]["stdout"];
    assert_eq!(shown, "1.10 3 true [1,\"b\"] {\"a\":[1]}");
}

#[test]
fn a_report_is_json_on_request() {
    let output = Place::new().with("f.yaml", FAILING).vwmp(&["run", "f.yaml", "--format", "json"]);
    let report: Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(output.code, 1);
    assert_eq!(report["status"], "failed");
    assert_eq!(
        report["tally"],
        json!({ "succeeded": 1, "tolerated": 0, "failed": 1, "cancelled": 0, "skipped": 1 })
    );
    assert_eq!(report["steps"][0]["error"]["causes"], json!(["oops"]));
}

#[test]
fn settings_win_over_the_workflow() {
    let text = "name: set\nconfig: { word: a }\nsteps:\n  - { id: say, handler: shell.run, config: { run: echo $<config.word> } }\n";
    let answer = Place::new().with("w.yaml", text).vwmp(&["run", "w.yaml", "--set", "word=b"]);
    assert!(answer.err.contains("say | b\n"), "{}", answer.err);
}

#[test]
fn a_variable_reaches_programs_byte_for_byte() {
    use std::os::unix::ffi::OsStrExt;
    let text = "name: raw\nsteps:\n  - { id: say, handler: shell.run, config: { run: 'printf %s \"$RAW\" | od -An -tx1' } }\n";
    let place = Place::new().with("w.yaml", text);
    let raw = std::ffi::OsStr::from_bytes(b"caf\xe9\xff");
    let output = place.command(&["run", "w.yaml"]).env("RAW", raw).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("say |  63 61 66 e9 ff\n"), "{err}");
}

#[test]
fn colors_are_for_terminals_unless_asked_for() {
    let place = Place::new().with("hello.yaml", HELLO);
    let plain = place.command(&["run", "hello.yaml"]).output().unwrap();
    assert!(!plain.stdout.contains(&0x1b) && !plain.stderr.contains(&0x1b));
    let colored = place.command(&["run", "hello.yaml", "--color", "always"]).output().unwrap();
    assert!(colored.stdout.contains(&0x1b) && colored.stderr.contains(&0x1b));
    let refused = place.command(&["run", "hello.yaml"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!refused.stderr.contains(&0x1b));
}

#[test]
fn output_of_programs_can_not_paint_the_terminal() {
    let text = "name: paint\nsteps:\n  - { id: p, handler: shell.run, config: { run: 'printf \"\\\\033[31mred\\\\033[2J\\\\n\"' } }\n";
    let answer = Place::new().with("w.yaml", text).vwmp(&["run", "w.yaml"]);
    assert!(answer.err.contains("p | red\n"), "{:?}", answer.err);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = Place::new();
    let mut child = place.command(&["schema"]);
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_result_that_can_not_be_written_is_an_error() {
    let place = Place::new().with("hello.yaml", HELLO);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output =
        place.command(&["run", "-q", "hello.yaml", "--format", "json"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err, "error: can't write the result: No space left on device (os error 28)\n");
}
