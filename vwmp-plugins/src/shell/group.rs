//! A process group: the program that was started, and what that started in turn.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpid};

/// A program that leads a process group of its own. Whatever is left of the group is killed when
/// this is dropped.
pub(super) struct Group {
    id: Pid,
    status: Option<ExitStatus>,
    empty: bool,
}

impl Group {
    /// The group of a program that was just started as its leader, and that nobody else waits for.
    pub(super) fn of(leader: Pid) -> Self {
        Self { id: leader, status: None, empty: false }
    }

    /// The number of the leader, and of the group.
    pub(super) fn id(&self) -> Pid {
        self.id
    }

    /// How the leader ended, if it did.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            let ended = waitpid(Some(self.id), WaitOptions::NOHANG)?;
            self.status = ended.map(|(_, status)| ExitStatus::from_raw(status.as_raw()));
        }
        Ok(self.status)
    }

    /// Sends a signal to all of them.
    pub(super) fn signal(&self, signal: Signal) {
        // Fails when nobody is left, which is what all signals here are for.
        let _ = kill_process_group(self.id, signal);
    }

    /// Whether the leader was waited for and nobody else is left.
    pub(super) fn is_gone(&mut self) -> bool {
        if !self.empty && matches!(self.try_wait(), Ok(Some(_))) {
            self.empty = test_kill_process_group(self.id).is_err() || !has_living_member(self.id);
        }
        self.empty
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.empty {
            return;
        }
        self.signal(Signal::KILL);
        // A killed leader is gone within a moment, unless a disk or a network holds it.
        for _ in 0..100 {
            if !matches!(self.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Whether a member of a group does more than wait to be waited for: where nobody collects
/// orphans, as in a bare container, those count as members for ever.
#[cfg(target_os = "linux")]
fn has_living_member(group: Pid) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let group = group.as_raw_nonzero().to_string();
    processes.flatten().any(|process| {
        let name = process.file_name();
        let numbered = name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        let Some(stat) = numbered.then(|| std::fs::read(process.path().join("stat")).ok()).flatten() else {
            return false;
        };
        // The name in parentheses may contain anything; behind it: state, parent, group.
        let stat = String::from_utf8_lossy(&stat);
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        let state = fields.next();
        fields.nth(1) == Some(group.as_str()) && !matches!(state, Some("Z" | "X"))
    })
}

#[cfg(not(target_os = "linux"))]
fn has_living_member(_: Pid) -> bool {
    true
}
