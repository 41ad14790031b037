//! Ctrl-C and SIGTERM.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::Place;

const SLEEPER: &str = "name: sleeper\nsteps:\n  - { id: nap, handler: shell.run, config: { run: \"echo asleep; sleep 60\" } }\n  - { id: next, handler: flow.noop, needs: nap }\n";
const STUBBORN: &str = "name: stubborn\nsteps:\n  - { id: nap, handler: shell.run, config: { run: \"trap '' TERM; echo asleep; sleep 60\", grace: 10 } }\n";

/// Starts a run as the leader of a process group and waits until its step is under way.
fn start(place: &Place, workflow: &str) -> Child {
    std::fs::write(place.path().join("w.yaml"), workflow).unwrap();
    let mut command = place.command(&["run", "w.yaml"]);
    let mut child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut seen = String::new();
    while !seen.contains("| asleep\n") {
        let mut byte = [0];
        child.stderr.as_mut().unwrap().read_exact(&mut byte).unwrap();
        seen.push(char::from(byte[0]));
    }
    child
}

fn tell(child: &Child, signal: Signal) {
    kill_process_group(Pid::from_child(child), signal).unwrap();
}

#[test]
fn an_interrupt_cancels_the_run_with_grace() {
    for (signal, said) in [(Signal::INT, "interrupted by Ctrl-C"), (Signal::TERM, "stopped by SIGTERM")] {
        let place = Place::new();
        let child = start(&place, SLEEPER);
        tell(&child, signal);
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{err}");
        let hint = format!("{said}: steps have 10 s to stop; Ctrl-C once more kills them\n");
        assert!(err.contains(&hint), "{err}");
        assert!(err.contains(&format!("next cancelled: the run was stopping: {said}\n")), "{err}");
        assert!(err.trim_end().ends_with(&format!("2 steps cancelled. The reason: {said}.")), "{err}");
    }
}

#[test]
fn a_second_interrupt_kills() {
    let place = Place::new();
    let mut child = start(&place, STUBBORN);
    let began = Instant::now();
    tell(&child, Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "the first one leaves it its grace");
    tell(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("killed: what was running is stopped at once, and nothing more starts"), "{err}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
