//! Programs that a run left behind when its process died.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::run::OwnedRun;

/// How long programs have to be gone after they were killed.
const PATIENCE: Duration = Duration::from_secs(5);

impl OwnedRun {
    /// Ends the programs that an earlier process of this run started and left behind; says how many there were. They
    /// are known by the variable `VWMP_RUN_ID`, which all programs of a run inherit. Where there is no `/proc`, none is
    /// found.
    pub fn end_leftovers(&self) -> usize {
        let began = Instant::now();
        let mut ended = std::collections::BTreeSet::new();
        loop {
            let left = programs_of(self.id());
            if left.is_empty() || began.elapsed() > PATIENCE {
                return ended.len();
            }
            for pid in left {
                // One that has ended by itself meanwhile is as good.
                let _ = kill_process(pid, Signal::KILL);
                ended.insert(pid.as_raw_nonzero());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn programs_of(run: &str) -> Vec<Pid> {
    let wanted = format!("VWMP_RUN_ID={run}").into_bytes();
    let this = std::process::id().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let others = names.filter(|name| *name != this && name.bytes().all(|byte| byte.is_ascii_digit()));
    let of_run = others.filter(|name| {
        // The program of somebody else can't be read, and one that has ended has nothing to read.
        let variables = fs::read(format!("/proc/{name}/environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|variable| variable == wanted)
    });
    of_run.filter_map(|name| Pid::from_raw(name.parse().ok()?)).collect()
}
