//! What a run that goes on must not do again, and what several processes must not do at once.

use serde_json::Value;

use super::latest;
use crate::Place;
use vwmp_store::{NewRun, Store};

/// Published; then a step that is refused until there is a file `mended`.
const RELEASED: &str = "name: w
on_failure: rollback
steps:
  - { id: push, handler: team.publish, config: { file: published } }
";

#[test]
fn a_call_that_failed_goes_on_where_it_failed() {
    let parent = format!(
        "{RELEASED}  - {{ id: sub, handler: team.run, needs: push, config: {{ workflow: child.yaml }} }}\n"
    );
    let child = "name: child
steps:
  - { id: once, handler: shell.run, config: { run: 'echo once >> done.txt' } }
  - { id: check, handler: shell.run, needs: once, config: { run: 'test -e mended' } }
";
    let place = Place::new().with("w.yaml", &parent).with("child.yaml", child);
    let failed = place.team(&["run", "w.yaml"]);
    assert_eq!((failed.code, place.standing()), (1, "must_continue".into()), "{}", failed.err);
    let again = place.team(&["resume", "last"]);
    assert_eq!((again.code, place.standing()), (1, "must_continue".into()), "{}", again.err);
    place.write("mended", "");
    let resumed = place.team(&["resume", "last"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    assert_eq!(place.file("done.txt").unwrap(), "once\n", "what had succeeded in it is not done again");
}

#[test]
fn a_called_run_that_goes_on_has_its_secrets() {
    let parent = "name: parent
parameters: { token: { type: string, secret: true } }
steps:
  - { id: sub, handler: flow.call, config: { workflow: child.yaml, parameters: { token: $<parameters.token> } } }
  - id: after
    handler: shell.run
    needs: sub
    config: { run: 'printf %s \"$TOKEN\" > told', env: { TOKEN: $<step-outputs.sub.token> } }
";
    let child = "name: child
parameters: { token: { type: string, secret: true } }
steps:
  - { id: nap, handler: team.wait_for, config: { file: go } }
  - id: use
    handler: shell.run
    needs: nap
    config: { run: 'printf %s \"$TOKEN\" > used', env: { TOKEN: $<parameters.token> } }
outputs: { token: $<parameters.token> }
";
    let place = Place::new().with("w.yaml", parent).with("child.yaml", child);
    let token = ["-p", "token=a long secret"];
    place.kill_after(&[&["run", "w.yaml"][..], &token].concat(), "sub | nap: waiting\n");
    place.write("go", "");
    let resumed = place.team(&[&["resume", "last"][..], &token].concat());
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    assert_eq!(place.file("used").unwrap(), "a long secret");
    assert_eq!(place.file("told").unwrap(), "a long secret");
}

#[test]
fn a_part_of_a_run_that_never_began_is_not_the_whole() {
    let text = "name: w\nsteps:\n  - { id: a, handler: shell.run, config: { run: echo a } }\n  - { id: b, handler: shell.run, needs: a, config: { run: echo b } }\n";
    let place = Place::new().with("w.yaml", text);
    assert_eq!(place.team(&["run", "w.yaml"]).code, 0);
    assert_eq!(place.team(&["rerun", "last", "--only", "b"]).code, 0);
    let partial = latest(&place);
    // One like it, whose process was gone before the first event.
    let store = Store::open(&place.path().join(".vwmp")).unwrap();
    let record = store.record(&partial).unwrap();
    let like = NewRun {
        id: "0190-partial",
        workflow: "w",
        source: "w.yaml",
        workflow_type: None,
        key: None,
        parent: None,
        steps: 2,
        started: vwmp_interfaces::Timestamp::default(),
        record: &record,
    };
    drop(store.create(&like).unwrap());
    drop(store);
    let refused = place.team(&["resume", "0190-partial"]);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("type that `rerun` once more"), "{}", refused.err);
}

#[test]
fn of_an_unfinished_release_no_part_is_carried_out() {
    let place = Place::new().with("w.yaml", &format!("{RELEASED}  - {{ id: check, handler: shell.run, needs: push, config: {{ run: 'test -e mended' }} }}\n"));
    assert_eq!(place.team(&["run", "w.yaml"]).code, 1);
    let refused = place.team(&["rerun", "last", "--from", "check"]);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(refused.err.contains("is unfinished: finish it with `team resume"), "{}", refused.err);
}

#[test]
fn of_several_releases_at_the_same_moment_one_is_begun() {
    let text = "name: w\non_failure: rollback\nsteps:\n  - { id: once, handler: shell.run, config: { run: 'echo once >> done.txt; sleep 0.5' } }\n";
    let place = Place::new().with("w.yaml", text);
    let start = |_| {
        let mut command = place.team_command(&["run", "w.yaml"]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(place.file("done.txt").unwrap(), "once\n");
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn of_several_resumes_at_the_same_moment_one_goes_on() {
    let text = "name: w\nsteps:\n  - { id: gate, handler: team.ask, config: { message: go on? } }\n  - { id: last, handler: shell.run, needs: gate, config: { run: 'echo once >> done.txt' } }\n";
    let place = Place::new().with("w.yaml", text);
    place.kill_after(&["run", "w.yaml", "--no-input"], "gate waits for an approval");
    assert_eq!(place.team(&["approve", "last", "gate"]).code, 0);
    let run = latest(&place);
    let start = |_| {
        let mut command = place.team_command(&["resume", &run, "--no-input"]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    let codes: Vec<Option<i32>> =
        children.into_iter().map(|child| child.wait_with_output().unwrap().status.code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 3))), "{codes:?}");
    assert_eq!(place.standing(), "succeeded");
    assert_eq!(place.file("done.txt").unwrap(), "once\n");
}

#[test]
fn what_an_interrupted_run_called_is_cancelled_with_it() {
    let parent = "name: parent\nsteps: [{ id: sub, handler: team.run, config: { workflow: child.yaml } }]\n";
    let child = "name: child
steps: [{ id: nap, handler: team.wait_for, config: { file: go } }]
finally: [{ id: last, handler: shell.run, config: { run: 'echo cleaned > cleaned' } }]
";
    let place = Place::new().with("w.yaml", parent).with("child.yaml", child);
    place.kill_after(&["run", "w.yaml"], "sub | nap: waiting\n");
    assert_eq!(place.team(&["cancel", "last", "--reason", "enough"]).code, 0);
    let all: Value = serde_json::from_str(&place.team(&["runs", "--all", "--format", "json"]).out).unwrap();
    let standings: Vec<&str> =
        all.as_array().unwrap().iter().map(|run| run["standing"].as_str().unwrap()).collect();
    assert_eq!(standings, ["cancelled", "cancelled"]);
    assert_eq!(place.file("cleaned").unwrap(), "cleaned\n");
}

#[test]
fn a_called_run_masks_what_its_caller_knows_to_be_secret() {
    let parent = "name: parent
parameters: { token: { type: string, secret: true } }
config: { t: $<parameters.token>, u: $<parameters.token.upperAscii()> }
steps:
  - { id: sub, handler: flow.call, config: { workflow: child.yaml, parameters: { x: $<config.t> } } }
  - { id: loud, handler: shell.run, config: { run: 'echo $<config.u>' } }
  - { id: each, handler: shell.run, foreach: '$<[parameters.token.upperAscii()]>', config: { run: 'echo $<item>' } }
";
    let child = "name: child
parameters: { x: { type: string } }
steps: [{ id: say, handler: shell.run, config: { run: 'echo $<parameters.x>; printf %s $<parameters.x> > used' } }]
";
    let place = Place::new().with("w.yaml", parent).with("child.yaml", child);
    let token = ["-p", "token=hunter2-hunter2"];
    let planned = place.team(&[&["plan", "w.yaml"][..], &token].concat());
    let said = place.team(&[&["run", "w.yaml"][..], &token].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(place.file("used").unwrap(), "hunter2-hunter2");
    let mut kept = format!("{}{}{}{}", planned.out, planned.err, said.out, said.err).into_bytes();
    let mut folders = vec![place.path().join(".vwmp")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { kept.extend(std::fs::read(path).unwrap()) }
        }
    }
    let kept = String::from_utf8_lossy(&kept).to_lowercase();
    assert!(!kept.contains("hunter2"), "a secret was shown or written down");
}
