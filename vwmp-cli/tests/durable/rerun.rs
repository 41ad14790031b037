//! A workflow again, with results of an earlier run; and old runs.

use serde_json::Value;

use super::latest;
use crate::Place;

const CHAIN: &str = "name: chain
parameters:
  who: { type: string, default: world }
steps:
  - { id: a, handler: shell.run, config: { run: 'echo $<parameters.who>' } }
  - { id: b, handler: shell.run, needs: a, config: { run: 'test -e go && echo b$<step-outputs.a.stdout>' } }
  - { id: c, handler: shell.run, needs: b, config: { run: 'echo c$<step-outputs.b.stdout>' } }
  - { id: aside, handler: shell.run, config: { run: echo aside } }
";

/// The steps that were carried out, of a report as JSON.
fn carried_out(report: &Value) -> Vec<&str> {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().filter(|step| step["attempts"] != 0).map(|step| step["id"].as_str().unwrap()).collect()
}

fn rerun(place: &Place, arguments: &[&str]) -> Value {
    let said = place.team(&[&["rerun", "--format", "json"], arguments].concat());
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn results_of_an_earlier_run_are_kept() {
    let place = Place::new().with("w.yaml", CHAIN);
    assert_eq!(place.team(&["run", "w.yaml", "-p", "who=you"]).code, 1);
    let first = latest(&place);
    place.write("go", "");
    let failed = rerun(&place, &[&first, "--failed"]);
    assert_eq!(carried_out(&failed), ["b", "c"]);
    assert_eq!(failed["steps"][2]["output"]["stdout"], "cbyou");
    assert_eq!(failed["steps"][0]["reused"], true);
    let second = latest(&place);
    assert_eq!(carried_out(&rerun(&place, &[&second, "--from", "b"])), ["b", "c"]);
    let only = rerun(&place, &[&second, "--only", "b"]);
    assert_eq!((carried_out(&only), &only["steps"][2]["status"]), (vec!["b"], &"skipped".into()));
    let all = rerun(&place, &[&second, "-p", "who=me"]);
    assert_eq!(carried_out(&all), ["a", "b", "c", "aside"]);
    assert_eq!(all["steps"][2]["output"]["stdout"], "cbme");
}

#[test]
fn a_rerun_takes_the_new_file() {
    let place = Place::new().with("w.yaml", CHAIN);
    assert_eq!(place.team(&["run", "w.yaml"]).code, 1);
    place.write("w.yaml", &CHAIN.replace("test -e go && ", ""));
    assert_eq!(carried_out(&rerun(&place, &["last", "--failed"])), ["b", "c"]);
    assert_eq!(place.standing(), "succeeded");
}

#[test]
fn a_rerun_finds_its_file_from_anywhere() {
    let place = Place::new().with("w.yaml", "name: w\nsteps: [{ id: a, handler: flow.noop }]\n");
    assert_eq!(place.team(&["run", "w.yaml"]).code, 0);
    std::fs::create_dir(place.path().join("deep")).unwrap();
    let workspace = place.path().to_str().unwrap().to_owned();
    let mut command = place.team_command(&["rerun", "last", "--workspace", &workspace]);
    let output = command.current_dir(place.path().join("deep")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.runs().len(), 2);
}

#[test]
fn what_has_no_result_can_not_be_kept() {
    let place = Place::new().with("w.yaml", CHAIN);
    assert_eq!(place.team(&["run", "w.yaml"]).code, 1);
    let id = latest(&place);
    let said = place.team(&["rerun", "last", "--only", "c"]);
    let why = format!(
        "error: `c` can't be carried out alone: it needs b, and run {id} has no result of it; `--from b` carries both out\n"
    );
    assert_eq!((said.code, said.err), (3, why));
    let said = place.team(&["rerun", "last", "--from", "bb"]);
    assert!(said.err.contains("the workflow has no step `bb`"), "{}", said.err);
    let said = place.team(&["logs", "last", "asde"]);
    assert_eq!(
        (said.code, said.err),
        (3, format!("error: run {id} has no step `asde`; did you mean `aside`?\n"))
    );
    assert_eq!(place.team(&["logs", "last", "c"]).code, 0);
}

#[test]
fn runs_are_filtered_and_removed() {
    let place = Place::new().with("w.yaml", CHAIN).with("v.yaml", &CHAIN.replace("chain", "other"));
    place.write("go", "");
    for file in ["w.yaml", "v.yaml", "w.yaml"] {
        assert_eq!(place.team(&["run", "-q", file]).code, 0);
    }
    std::fs::remove_file(place.path().join("go")).unwrap();
    assert_eq!(place.team(&["run", "-q", "w.yaml"]).code, 1);
    let count = |arguments: &[&str]| {
        let said = place.team(&[&["runs", "--format", "json"], arguments].concat());
        serde_json::from_str::<Vec<Value>>(&said.out).unwrap().len()
    };
    assert_eq!(count(&[]), 4);
    assert_eq!(count(&["--workflow", "chain"]), 3);
    assert_eq!(count(&["--status", "failed"]), 1);
    assert_eq!(count(&["--since", "1h", "--limit", "2"]), 2);
    assert_eq!(place.team(&["runs", "prune"]).code, 3);
    let preview = place.team(&["runs", "prune", "--keep", "1"]);
    assert!(preview.err.contains("would go; --yes removes them\n"), "{}", preview.err);
    assert_eq!(count(&[]), 4);
    assert_eq!(place.team(&["runs", "prune", "--keep", "1", "--yes"]).code, 0);
    assert_eq!(count(&[]), 1);
    assert_eq!(place.standing(), "failed");
}

#[test]
fn what_was_taken_back_is_carried_out_again() {
    let text = "name: w
on_failure: rollback
steps:
  - { id: bump, handler: team.note, config: { file: a } }
  - { id: tag, handler: team.note, needs: bump, config: { file: b } }
  - { id: check, handler: team.wait_for, needs: tag, config: { file: go } }
";
    for part in [&["--failed"][..], &["--from", "check"]] {
        let place = Place::new().with("w.yaml", text).with("go", "fail");
        assert_eq!(place.team(&["run", "w.yaml"]).code, 1);
        assert_eq!((place.standing(), place.file("a")), ("rolled_back".into(), None));
        place.write("go", "");
        let report = rerun(&place, &[&["last"], part].concat());
        assert_eq!(carried_out(&report), ["bump", "tag", "check"]);
        assert!(place.file("a").is_some() && place.file("b").is_some());
    }
}
