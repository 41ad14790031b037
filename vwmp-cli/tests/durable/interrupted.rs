//! Runs whose process is gone.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::latest;
use crate::Place;

/// The first step can be repeated, the second tells by itself whether it is done, of the third nobody can tell.
const REPEATED: &str = "name: w
steps:
  - { id: first, handler: team.note, config: { file: a } }
  - { id: nap, handler: team.wait_for, needs: first, config: { file: go } }
  - { id: last, handler: team.note, needs: nap, config: { file: b } }
";
const PUBLISHED: &str = "name: w
steps:
  - { id: push, handler: team.publish, config: { file: out, until: go } }
";
const BLIND: &str = "name: w
steps:
  - { id: push, handler: shell.run, config: { run: 'echo pushed >> out; echo asleep; exec sleep 2' } }
  - { id: after, handler: team.note, needs: push, config: { file: b } }
";

#[test]
fn a_killed_run_is_interrupted_at_once_and_resume_finishes_it() {
    let place = Place::new().with("w.yaml", REPEATED);
    place.kill_after(&["run", "w.yaml"], "nap | waiting\n");
    assert_eq!(place.standing(), "interrupted");
    let shown = place.team(&["runs"]);
    assert!(
        shown.out.contains("1 run interrupted: their processes are gone; `resume RUN` goes on"),
        "{shown:?}"
    );
    let show = place.team(&["show", "last"]).out;
    assert!(show.contains("Its process is gone; under way were: nap.\n"), "{show}");
    place.write("go", "");
    let resumed = place.team(&["resume", "last"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    assert!(resumed.err.starts_with("TIME the run goes on, continued by ann\n"), "{}", resumed.err);
    assert!(resumed.err.contains("nap lost its process during attempt 1\n"), "{}", resumed.err);
    // Done once, and not again.
    assert!(!resumed.err.contains("first started"), "{}", resumed.err);
    assert_eq!((place.standing(), place.file("b")), ("succeeded".into(), Some("note\n".into())));
    let again = place.team(&["resume", "last"]);
    assert_eq!(again.code, 3);
    assert!(again.err.contains("has ended: succeeded; `team rerun "), "{}", again.err);
}

#[test]
fn a_step_that_must_not_be_repeated_is_looked_up() {
    let place = Place::new().with("w.yaml", PUBLISHED);
    place.kill_after(&["run", "w.yaml"], "push | published\n");
    let resumed = place.team(&["resume", "last"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    assert!(resumed.err.contains("push was done, although nobody saw its end\n"), "{}", resumed.err);
    assert_eq!(place.file("out").unwrap(), "published\n");
}

#[test]
fn who_knows_says_whether_a_step_is_done() {
    for (answer, times) in [("done", 1), ("not-done", 2)] {
        let place = Place::new().with("w.yaml", BLIND);
        place.kill_after(&["run", "w.yaml"], "push | asleep\n");
        let id = latest(&place);
        let asked = place.team(&["resume", "last"]);
        assert_eq!(asked.code, 5, "{}", asked.err);
        let typed = format!("  team resume {id} --assume push={answer}\n");
        assert!(asked.err.contains(&typed), "{}", asked.err);
        let mistyped = place.team(&["resume", "last", "--assume", "psh=done"]);
        assert_eq!(mistyped.code, 3);
        assert!(mistyped.err.contains("the run has no step `psh`; did you mean `push`?"), "{}", mistyped.err);
        let pending = place.team(&["resume", "last", "--assume", "after=done"]);
        assert_eq!(pending.code, 3);
        assert!(pending.err.contains("whether `after` is done; in question: push\n"), "{}", pending.err);
        let both = place.team(&["resume", "last", "--assume", "push=done", "--assume", "push=not-done"]);
        assert_eq!(both.code, 3);
        assert!(both.err.contains("says of `push` both done and not-done"), "{}", both.err);
        let told = place.team(&["resume", "last", "--assume", &format!("push={answer}")]);
        assert_eq!(told.code, 0, "{}", told.err);
        assert_eq!(place.file("out").unwrap().lines().count(), times);
        assert_eq!(place.standing(), "succeeded");
    }
}

#[test]
fn of_two_that_resume_one_is_refused_by_name() {
    let place = Place::new().with("w.yaml", REPEATED);
    place.kill_after(&["run", "w.yaml"], "nap | waiting\n");
    let child = place.start(&["resume", "last"], "nap | waiting\n");
    let (id, pid) = (latest(&place), child.id());
    let refused = place.team(&["resume", "last"]);
    assert_eq!(refused.code, 3);
    assert_eq!(refused.err, format!("error: run {id} is driven by process {pid}\n"));
    place.write("go", "");
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn the_run_goes_on_with_the_workflow_it_began_with() {
    let place = Place::new().with("w.yaml", REPEATED);
    place.kill_after(&["run", "w.yaml"], "nap | waiting\n");
    place.write("w.yaml", "name: other\nsteps: [{ id: x, handler: flow.noop }]\n");
    place.write("go", "");
    assert_eq!(place.team(&["resume", "last"]).code, 0);
    assert_eq!(place.file("b").as_deref(), Some("note\n"));
}

#[test]
fn a_signal_and_a_closed_terminal_cancel_with_grace() {
    for (signal, said) in [(Signal::TERM, "stopped by SIGTERM"), (Signal::HUP, "its terminal was closed")] {
        let place = Place::new().with("w.yaml", REPEATED);
        let child = place.start(&["run", "w.yaml"], "nap | waiting\n");
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
        assert_eq!(place.standing(), "cancelled");
        assert!(place.team(&["show", "last"]).out.contains(&format!("cancelled: {said}\n")));
    }
}

#[test]
fn another_process_stops_a_run() {
    let place = Place::new().with("w.yaml", REPEATED);
    let child = place.start(&["run", "w.yaml"], "nap | waiting\n");
    let told = place.team(&["cancel", "last", "--reason", "too late"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.err.starts_with(&format!("process {} is told to stop run ", child.id())), "{}", told.err);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let show = place.team(&["show", "last"]).out;
    assert!(show.contains(" cancelled by ann: too late\n"), "{show}");
    // One that nobody drives is brought to its end.
    place.kill_after(&["run", "w.yaml"], "nap | waiting\n");
    assert_eq!(place.team(&["cancel", "last", "--reason", "gone"]).code, 0);
    assert_eq!(place.standing(), "cancelled");
}

#[test]
fn a_key_is_one_run() {
    let place = Place::new().with("w.yaml", REPEATED);
    let mut child = place.start(&["run", "w.yaml", "--key", "k1"], "nap | waiting\n");
    let mut second = place.team_command(&["run", "w.yaml", "--key", "k1"]);
    let second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    place.write("go", "");
    assert!(child.wait().unwrap().success());
    let second = second.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.success(), "{err}");
    assert!(err.contains("has the key `k1`: it is shown, and none is started\n"), "{err}");
    assert!(err.contains("last | noted\n"), "{err}");
    let third = place.team(&["run", "w.yaml", "--key", "k1", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&third.out).unwrap();
    assert_eq!((&report["status"], &report["run_id"]), (&"succeeded".into(), &latest(&place).into()));
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn a_key_is_that_of_one_workflow_with_one_set_of_parameters() {
    let text =
        "name: w\nparameters: { x: { type: integer, default: 1 } }\nsteps: [{ id: a, handler: flow.noop }]\n";
    let place = Place::new().with("w.yaml", text).with("v.yaml", text);
    assert_eq!(place.team(&["run", "w.yaml", "--key", "k"]).code, 0);
    assert_eq!(place.team(&["run", "w.yaml", "--key", "k", "-p", "x=1"]).code, 0);
    let id = latest(&place);
    for (arguments, why) in [
        (&["w.yaml", "-p", "x=9"][..], "which has another value of the parameter x"),
        (&["v.yaml"], "which is one of the workflow w.yaml, not of v.yaml"),
    ] {
        let said = place.team(&[&["run", "--key", "k"], arguments].concat());
        let told = format!("error: the key `k` is that of run {id}, {why}: give this run another key\n");
        assert_eq!((said.code, said.err), (3, told));
    }
    assert_eq!(place.team(&["run", "w.yaml", "--key", ""]).code, 3);
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn a_run_of_another_process_is_watched() {
    let place = Place::new().with("w.yaml", REPEATED);
    let mut child = place.start(&["run", "w.yaml"], "nap | waiting\n");
    let watcher = place.start(&["watch", "last"], "nap | waiting\n");
    place.write("go", "");
    assert!(child.wait().unwrap().success());
    let watched = watcher.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&watched.stdout), String::from_utf8_lossy(&watched.stderr));
    assert!(watched.status.success(), "{err}");
    assert!(err.contains("last | noted\n") && out.contains("last"), "{err}{out}");
}

#[test]
fn what_is_kept_nowhere_leaves_nothing() {
    let place = Place::new().with("w.yaml", "name: w\nsteps: [{ id: a, handler: flow.noop }]\n");
    assert_eq!(place.team(&["run", "w.yaml", "--no-store"]).code, 0);
    assert!(!place.path().join(".vwmp").exists());
    let none = place.team(&["runs"]);
    assert_eq!(none.code, 3);
    assert!(none.err.contains("`team run` keeps them there"), "{}", none.err);
    assert_eq!(place.team(&["run", "w.yaml", "--store", "elsewhere"]).code, 0);
    assert_eq!(place.team(&["runs", "--store", "elsewhere"]).code, 0);
    std::fs::write(place.path().join(".vwmp"), "").unwrap();
    let refused = place.team(&["run", "w.yaml"]);
    assert_eq!(refused.code, 4);
    assert!(refused.err.contains("`--no-store` nowhere"), "{}", refused.err);
}

#[test]
fn an_interrupted_run_with_a_secret_is_cancelled_quietly() {
    let text = REPEATED.replace("steps:", "parameters: { token: { type: string, secret: true } }\nsteps:");
    let place = Place::new().with("w.yaml", &text);
    place.kill_after(&["run", "w.yaml", "-p", "token=hidden"], "nap | waiting\n");
    let empty = place.team(&["cancel", "last", "--reason", ""]);
    assert_eq!(empty.code, 3);
    assert!(empty.err.contains("it is empty; say why in a few words"), "{}", empty.err);
    let said = place.team(&["cancel", "last", "--reason", "gone", "-q", "-p", "token=hidden"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.err.contains("first") && !said.err.contains("TIME"), "{}", said.err);
    assert_eq!(place.standing(), "cancelled");
}

const SECRET_RESULT: &str = "name: w
parameters: { pw: { type: string, secret: true, required: true } }
steps:
  - { id: login, handler: shell.run, config: { run: 'echo $<parameters.pw>' } }
  - { id: nap, handler: team.wait_for, needs: login, config: { file: go } }
  - { id: use, handler: shell.run, needs: nap, config: { run: 'echo $<step-outputs.login.stdout>' } }
";

#[test]
fn a_result_that_held_a_secret_is_named_before_the_run_goes_on_without_it() {
    let place = Place::new().with("w.yaml", SECRET_RESULT);
    place.kill_after(&["run", "w.yaml", "-p", "pw=SuperSecret99"], "nap | waiting\n");
    let resumed = place.team(&["resume", "last", "-p", "pw=SuperSecret99"]);
    assert_eq!(resumed.code, 3, "{}", resumed.err);
    let told = "error: use reads what login gave, which held a secret and was not written down; `rerun --from login` \
                carries both out again, `undo` takes back what was done\n";
    assert_eq!(resumed.err, told);
    let cancelled = place.team(&["cancel", "last", "-p", "pw=SuperSecret99", "--reason", "enough"]);
    assert_eq!(cancelled.code, 0, "{}", cancelled.err);
}
