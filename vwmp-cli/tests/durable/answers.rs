//! Approvals from other processes.

use std::fs::File;
use std::io::{Read as _, Write as _};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::latest;
use crate::Place;

const GATE: &str = "name: w
steps:
  - { id: gate, handler: team.ask, config: { message: Ship it? } }
  - { id: ship, handler: team.note, needs: gate, config: { file: shipped } }
";

#[test]
fn an_approval_is_given_from_a_second_process() {
    let place = Place::new().with("w.yaml", GATE);
    let child = place.start(&["run", "w.yaml"], "waits for an approval: Ship it? (team approve ");
    place.wait_until("waiting");
    let said = place.team(&["approve", "last", "gate", "--comment", "go ahead"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.err, format!("gate of run {} is approved: the run goes on\n", latest(&place)));
    assert!(child.wait_with_output().unwrap().status.success());
    let show = place.team(&["show", "last"]).out;
    assert!(show.contains(" gate approved by ann: go ahead\n"), "{show}");
    assert_eq!(place.file("shipped").as_deref(), Some("note\n"));
}

#[test]
fn an_approval_survives_a_restart_before_and_after_it_is_given() {
    let place = Place::new().with("w.yaml", GATE);
    place.kill_after(&["run", "w.yaml"], "waits for an approval: ");
    let show = place.team(&["show", "last"]).out;
    assert!(show.contains(&format!("  team approve {} gate\n", latest(&place))), "{show}");
    // Restarted, and killed while it waits.
    place.kill_after(&["resume", "last"], "continued by ann\n");
    // Answered while nobody drives it.
    let said = place.team(&["approve", "last", "gate"]);
    assert!(said.err.contains("nobody drives the run now, `team resume "), "{}", said.err);
    // The first answer counts.
    let second = place.team(&["reject", "last", "gate"]);
    let why = "error: gate was already approved by ann; the run has not taken it in yet\n";
    assert_eq!((second.code, &*second.err), (3, why));
    let show = place.team(&["show", "last"]).out;
    assert!(show.contains("  gate was already approved by ann; the run has not taken it in yet\n"), "{show}");
    let resumed = place.team(&["resume", "last"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    assert!(resumed.err.contains("gate approved by ann\n"), "{}", resumed.err);
}

#[test]
fn a_first_process_that_was_restarted_is_answered_by_a_second() {
    let place = Place::new().with("w.yaml", GATE);
    place.kill_after(&["run", "w.yaml"], "waits for an approval: ");
    // It asks again.
    let child = place.start(&["resume", "last"], "gate waits for an approval: Ship it? (team approve ");
    place.wait_until("waiting");
    assert_eq!(place.team(&["approve", "last", "gate"]).code, 0);
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn a_no_fails_the_step() {
    let place = Place::new().with("w.yaml", GATE);
    let child = place.start(&["run", "w.yaml"], "waits for an approval: ");
    place.wait_until("waiting");
    assert_eq!(place.team(&["reject", "last", "gate", "--comment", "not on Friday"]).code, 0);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(err.contains("gate rejected by ann: not on Friday\n"), "{err}");
    assert_eq!(place.file("shipped"), None);
}

#[test]
fn only_what_asks_is_answered() {
    let place = Place::new().with("w.yaml", GATE);
    place.kill_after(&["run", "w.yaml"], "waits for an approval: ");
    for (step, why) in
        [("ship", "ship asks nothing; asked are gate"), ("x", "the run has no step `x`; asked are gate")]
    {
        let said = place.team(&["approve", "last", step]);
        assert_eq!((said.code, said.err), (3, format!("error: {why}\n")));
    }
    let none = place.team(&["approve", "zzz", "gate"]);
    assert_eq!((none.code, &*none.err), (3, "error: there is no run `zzz`; `runs` lists them\n"));
}

#[test]
fn at_a_terminal_it_is_asked_right_there() {
    for (typed, code) in [(&["perhaps\n", "y\n"][..], 0), (&["no\n"], 1)] {
        let place = Place::new().with("w.yaml", GATE);
        let (mut ours, theirs) = terminal();
        let mut command = place.team_command(&["run", "w.yaml"]);
        command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
        let mut child = command.spawn().unwrap();
        // The command holds the other end open as well.
        drop(command);
        let mut seen = String::new();
        for answer in typed {
            read_until(&mut ours, &mut seen, "Ship it? [y/n] ");
            ours.write_all(answer.as_bytes()).unwrap();
        }
        // A terminal that nobody reads would hold up who writes to it.
        let reader = std::thread::spawn(move || ours.read_to_end(&mut Vec::new()).map(drop).map_err(drop));
        assert_eq!(child.wait().unwrap().code(), Some(code), "{seen}");
        drop(reader);
        let word = if code == 0 { "approved" } else { "rejected" };
        assert!(place.team(&["show", "last"]).out.contains(&format!(" gate {word} by ann\n")));
    }
}

/// Both ends of a terminal.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (File::from(ours), theirs)
}

fn read_until(from: &mut File, seen: &mut String, end: &str) {
    seen.clear();
    while !seen.ends_with(end) {
        let mut byte = [0];
        from.read_exact(&mut byte).unwrap();
        seen.push(char::from(byte[0]));
    }
}
