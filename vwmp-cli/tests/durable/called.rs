//! Runs that steps call, and results that later runs use.

use crate::Place;

const PARENT: &str = "name: parent
on_failure: rollback
steps:
  - { id: sub, handler: team.run, config: { workflow: child.yaml } }
  - { id: check, handler: team.wait_for, needs: sub, config: { file: checked } }
";
const CHILD: &str = "name: child
steps:
  - { id: inner, handler: team.note, config: { file: a } }
  - { id: nap, handler: team.wait_for, needs: inner, config: { file: go } }
outputs: { said: $<step-outputs.inner> }
";

fn place() -> Place {
    Place::new().with("w.yaml", PARENT).with("child.yaml", CHILD)
}

#[test]
fn a_called_run_is_a_run_of_its_own_and_its_caller_continues_it() {
    let place = place().with("checked", "");
    place.kill_after(&["run", "w.yaml"], "sub | nap: waiting\n");
    assert_eq!(place.runs().len(), 1);
    let all = place.team(&["runs", "--all"]).out;
    assert_eq!(all.matches("interrupted  2").count(), 2, "{all}");
    place.write("go", "");
    let resumed = place.team(&["resume", "last", "--format", "json"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    // Done by the process that died, and not again.
    assert!(!resumed.err.contains("inner: noted"), "{}", resumed.err);
    let report: serde_json::Value = serde_json::from_str(&resumed.out).unwrap();
    assert_eq!(report["steps"][0]["output"]["said"], "noted");
    assert_eq!(place.team(&["runs", "--all"]).out.matches("succeeded  2").count(), 2);
    let shown = place.team(&["show", "last"]).out;
    assert!(shown.contains("\nruns that it called\n") && shown.contains(" succeeded child\n"), "{shown}");
}

#[test]
fn what_a_called_run_did_is_taken_back_with_its_caller() {
    let place = place().with("go", "").with("checked", "fail");
    let said = place.team(&["run", "w.yaml"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("sub taken back\n"), "{}", said.err);
    assert_eq!(place.file("a"), None);
    assert_eq!(
        place.team(&["runs", "--all", "--status", "rolled-back"]).out.matches("rolled back").count(),
        2
    );
}

#[test]
fn a_called_run_that_fails_fails_its_step_without_a_store_too() {
    let place = place().with("go", "fail");
    for arguments in [&["run", "w.yaml"][..], &["run", "w.yaml", "--no-store"]] {
        let said = place.team(arguments);
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(
            said.err.contains("sub failed after SOME: child.yaml failed: nap: told to fail"),
            "{}",
            said.err
        );
        assert_eq!(place.file("a"), None, "{}", said.err);
    }
}

#[test]
fn what_a_called_run_asks_is_shown_where_its_caller_is() {
    let parent = "name: parent\nsteps: [{ id: sub, handler: team.run, config: { workflow: child.yaml } }]\n";
    let child = "name: child\nsteps: [{ id: gate, handler: team.ask, config: { message: Ship it? } }]\n";
    let place = Place::new().with("w.yaml", parent).with("child.yaml", child);
    place.kill_after(
        &["run", "w.yaml", "--no-input"],
        "sub | gate: waits for an approval: Ship it? (team approve ",
    );
    let waits = place.start(
        &["resume", "last", "--no-input"],
        "sub | gate: waits for an approval: Ship it? (team approve ",
    );
    let all: serde_json::Value =
        serde_json::from_str(&place.team(&["runs", "--all", "--format", "json"]).out).unwrap();
    let child = all.as_array().unwrap().iter().find(|run| run["workflow"] == "child").unwrap();
    assert_eq!(place.team(&["approve", child["id"].as_str().unwrap(), "gate"]).code, 0);
    assert!(waits.wait_with_output().unwrap().status.success());
}

#[test]
fn where_nobody_can_answer_nobody_is_waited_for() {
    let parent = "name: parent\nsteps: [{ id: sub, handler: team.run, config: { workflow: child.yaml } }]\n";
    let child = "name: child\nsteps: [{ id: gate, handler: team.ask, config: { message: Ship it? } }]\n";
    let place = Place::new().with("w.yaml", parent).with("child.yaml", child);
    for arguments in [&["child.yaml"][..], &["child.yaml", "--quiet"], &["w.yaml"]] {
        let said = place.team(&[&["run", "--no-store", "--no-input"], arguments].concat());
        assert_eq!(said.code, 1, "{}", said.err);
        let words: Vec<&str> = said.err.split_whitespace().collect();
        let why = "the run is kept in no store, so nobody can answer; run it without --no-store";
        assert!(words.join(" ").contains(why), "{}", said.err);
    }
}

#[test]
fn a_result_is_used_again_unless_told_not_to() {
    let text = "name: w\nsteps:\n  - { id: a, handler: shell.run, cache: { inputs: [in] }, config: { run: 'cat in' } }\n";
    let place = Place::new().with("w.yaml", text).with("in", "1\n");
    assert_eq!(place.team(&["run", "w.yaml"]).code, 0);
    let again = place.team(&["run", "w.yaml"]);
    assert!(
        again.err.contains("a succeeded after SOME: nothing has changed since an earlier run\n"),
        "{}",
        again.err
    );
    assert!(place.team(&["run", "w.yaml", "--no-cache"]).err.contains("a | 1\n"));
    place.write("in", "2\n");
    assert!(place.team(&["run", "w.yaml"]).err.contains("a | 2\n"));
}
