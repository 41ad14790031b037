//! The figures that `--metrics` leaves behind.

use std::io::Read as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::Place;

const FINE: &str = "name: fine
steps:
  - { id: a, handler: flow.noop }
  - { id: b, handler: flow.noop, needs: a }
  - { id: c, handler: flow.noop, when: 'false' }
";
const FAILS: &str = "name: fails
steps:
  - { id: a, handler: flow.noop }
  - { id: b, handler: shell.run, needs: a, config: { run: 'exit 3' } }
  - { id: c, handler: flow.noop, needs: b }
";
const SLEEPER: &str = "name: sleeper
steps:
  - { id: nap, handler: shell.run, config: { run: 'echo asleep; exec sleep 60' } }
";

/// Each sample of a file, with its labels, must be there with its value.
#[track_caller]
pub(crate) fn check(place: &Place, file: &str, samples: &[(&str, &str)]) {
    let text = std::fs::read_to_string(place.path().join(file)).unwrap();
    for (name, value) in samples {
        let value_there = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        assert_eq!(value_there, Some(*value), "{name} in\n{text}");
    }
}

#[test]
fn a_run_leaves_its_figures_however_it_is_shown() {
    for how in [&[][..], &["--quiet"], &["--format", "json"], &["--log-format", "json"], &["--no-store"]] {
        let place = Place::new().with("w.yaml", FINE);
        let said = place.vwmp(&[&["run", "w.yaml", "--metrics", "m.prom"], how].concat());
        assert_eq!(said.code, 0, "{how:?}: {}", said.err);
        check(
            &place,
            "m.prom",
            &[
                (r#"vwmp_runs_total{workflow="fine",status="succeeded"}"#, "1"),
                (r#"vwmp_run_duration_seconds_count{workflow="fine"}"#, "1"),
                (r#"vwmp_steps_total{handler="flow.noop",status="succeeded"}"#, "2"),
                (r#"vwmp_steps_total{handler="flow.noop",status="skipped"}"#, "1"),
                (r#"vwmp_attempts_total{handler="flow.noop",outcome="succeeded"}"#, "2"),
                (r#"vwmp_runs_active{workflow="fine"}"#, "0"),
            ],
        );
    }
}

#[test]
fn metrics_of_a_failed_run_tell_of_it() {
    let place = Place::new().with("w.yaml", FAILS).with("m.prom", "of an earlier run\n");
    let said = place.vwmp(&["run", "w.yaml", "--metrics", "m.prom"]);
    assert_eq!(said.code, 1, "{}", said.err);
    check(
        &place,
        "m.prom",
        &[
            (r#"vwmp_runs_total{workflow="fails",status="failed"}"#, "1"),
            (r#"vwmp_steps_total{handler="shell.run",status="failed"}"#, "1"),
            (r#"vwmp_steps_total{handler="flow.noop",status="succeeded"}"#, "1"),
            (r#"vwmp_attempts_total{handler="shell.run",outcome="failed"}"#, "1"),
            (r#"vwmp_attempts_running{handler="shell.run"}"#, "0"),
        ],
    );
    let text = std::fs::read_to_string(place.path().join("m.prom")).unwrap();
    assert!(!text.contains("earlier") && !text.contains("# EOF"), "{text}");
    let mut names: Vec<_> =
        std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".vwmp", "m.prom", "w.yaml"], "nothing half written is left");
}

#[test]
fn metrics_of_a_cancelled_run_are_written_too() {
    let place = Place::new().with("w.yaml", SLEEPER);
    let mut command = place.command(&["run", "w.yaml", "--metrics", "m.prom"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut seen = String::new();
    while !seen.contains("| asleep\n") {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        seen.push(char::from(byte[0]));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stderr.read_to_string(&mut seen).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{seen}");
    check(
        &place,
        "m.prom",
        &[
            (r#"vwmp_runs_total{workflow="sleeper",status="cancelled"}"#, "1"),
            (r#"vwmp_steps_total{handler="shell.run",status="cancelled"}"#, "1"),
            (r#"vwmp_runs_active{workflow="sleeper"}"#, "0"),
        ],
    );
}

#[test]
fn metrics_that_cannot_be_written_are_a_warning() {
    for (workflow, code) in [(FINE, 0), (FAILS, 1)] {
        let place = Place::new().with("w.yaml", workflow);
        let said = place.vwmp(&["run", "w.yaml", "--metrics", "no/such.prom"]);
        assert_eq!(said.code, code, "{}", said.err);
        assert!(
            said.err
                .contains("warning: can't write the metrics to `no/such.prom`: No such file or directory"),
            "{}",
            said.err
        );
    }
    let place = Place::new().with("w.yaml", FINE);
    let said = place.vwmp(&["run", "w.yaml", "--metrics", "no/such.prom", "--log-format", "json"]);
    let lines = said.err.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let warnings: Vec<_> = lines.filter(|line| line["type"] == "warnings").collect();
    assert_eq!(warnings.len(), 1, "{}", said.err);
    assert_eq!(warnings[0]["diagnostics"][0]["code"], "vwmp::metrics-not-written");
}
