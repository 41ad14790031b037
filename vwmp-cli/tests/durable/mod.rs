//! Runs that outlive their process, with real processes.

mod answers;
mod called;
mod continued;
mod interrupted;
mod metrics;
mod reports;
mod rerun;
mod rollback;

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Place;
use crate::place::Said;

impl Place {
    /// The program of `examples/team.rs`, which has steps of its own.
    fn team_command(&self, arguments: &[&str]) -> Command {
        let program =
            std::path::Path::new(env!("CARGO_BIN_EXE_vwmp")).with_file_name("examples").join("team");
        let mut command = self.command_of(&program, arguments);
        command.env("USER", "ann").env_remove("CI");
        command
    }

    fn team(&self, arguments: &[&str]) -> Said {
        Said::of(&self.team_command(arguments).output().unwrap())
    }

    /// Starts the program and waits until it has said this.
    fn start(&self, arguments: &[&str], said: &str) -> Child {
        let mut command = self.team_command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut seen = String::new();
        while !seen.contains(said) {
            let mut byte = [0];
            let read = child.stderr.as_mut().unwrap().read_exact(&mut byte);
            assert!(read.is_ok(), "it ended before it said {said:?}:\n{seen}");
            seen.push(char::from(byte[0]));
        }
        child
    }

    /// Starts the program, waits until it has said this, and kills it without warning.
    fn kill_after(&self, arguments: &[&str], said: &str) {
        let mut child = self.start(arguments, said);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The runs, the latest first.
    fn runs(&self) -> Vec<Value> {
        let said = self.team(&["runs", "--format", "json"]);
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    /// How the latest run stands.
    fn standing(&self) -> String {
        self.runs()[0]["standing"].as_str().unwrap().to_owned()
    }

    /// Waits until the latest run stands so.
    fn wait_until(&self, standing: &str) {
        let began = Instant::now();
        while self.standing() != standing {
            assert!(began.elapsed() < Duration::from_secs(30), "it is {} for ever", self.standing());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path().join(name)).ok()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }
}

/// The id of the latest run.
fn latest(place: &Place) -> String {
    place.runs()[0]["id"].as_str().unwrap().to_owned()
}
