//! Hands a program to the system.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};
use rustix::process::Pid;

use super::environment::Environment;
use super::pipes::Ends;

/// A program to be started, and what it is given.
pub(super) struct Start<'s> {
    /// With a slash: it is not looked for.
    pub(super) file: PathBuf,
    /// The name it is called by, and then its arguments.
    pub(super) arguments: Vec<CString>,
    /// The directory it starts in, and that a relative `file` starts from.
    pub(super) directory: &'s Path,
    /// All of its environment.
    pub(super) environment: Environment,
}

impl Start<'_> {
    /// Starts the program as the leader of a process group, and closes our copies of its ends of
    /// the pipes, which would keep them open. Whoever calls this has to wait for the program.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn spawn(&self, ends: Ends) -> io::Result<Pid> {
        let here = std::env::current_dir().is_ok_and(|current| current == self.directory);
        let number =
            if here && ends.are_beyond_stdio() { self.spawn_here(&ends) } else { self.spawn_there(ends) };
        Pid::from_raw(number?)
            .ok_or_else(|| io::Error::other("the system gave a process an impossible number"))
    }

    /// In our own directory, as there is no safe way to name another one. What the standard
    /// library does for an environment would cost as much as all else that is done for a step.
    fn spawn_here(&self, ends: &Ends) -> io::Result<i32> {
        let mut files = PosixSpawnFileActions::init()?;
        for (end, number) in ends.stdio()?.into_iter().zip(0..) {
            files.add_dup2(end.as_raw_fd(), number)?;
        }
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_pgroup(nix::unistd::Pid::from_raw(0))?;
        // We ignore this signal, as all Rust programs do, and others don't expect it to be ignored.
        attributes.set_sigdefault(&SigSet::from(Signal::SIGPIPE))?;
        attributes
            .set_flags(PosixSpawnFlags::POSIX_SPAWN_SETPGROUP | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF)?;
        let variables = self.environment.variables();
        let leader = posix_spawn(&*self.file, &files, &attributes, &self.arguments, &variables)?;
        Ok(leader.as_raw())
    }

    fn spawn_there(&self, ends: Ends) -> io::Result<i32> {
        let mut command = Command::new(&self.file);
        let mut arguments = self.arguments.iter().map(|argument| OsStr::from_bytes(argument.as_bytes()));
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        let variables = self.environment.variables();
        command.args(arguments).current_dir(self.directory).process_group(0);
        command.env_clear().envs(variables.iter().map(|variable| (variable.name(), variable.value())));
        ends.give_to(&mut command)?;
        Ok(command.spawn()?.id().cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::sync::Arc;

    use nix::sys::wait::{WaitStatus, waitpid};

    use super::*;

    const LOOK: &str = r#"
        test "$(cut -d ' ' -f 5 /proc/$$/stat)" = $$ && echo leads
        while read line; do case $line in Sig[BIC]*) echo $line ;; esac; done < /proc/$$/status
        for f in /proc/$$/fd/*; do echo ${f##*/}; done
        readlink /proc/$$/fd/0; wc -c; echo $0 $1; env; exit 7"#;

    #[test]
    fn a_program_is_started_alike_in_our_directory_and_in_another() {
        // Programs inherit this.
        SigSet::from(Signal::SIGTERM).thread_block().unwrap();
        let here = look(&std::env::current_dir().unwrap());
        let there = look(Path::new("/"));
        assert!(here.starts_with("leads\n"), "{here}");
        assert_eq!(signals(&here, "SigBlk: "), 1 << (Signal::SIGTERM as u64 - 1), "{here}");
        assert_eq!(signals(&here, "SigIgn: ") & 1 << (Signal::SIGPIPE as u64 - 1), 0, "{here}");
        assert!(here.contains("/dev/null\n0\nlook 1\n"), "{here}");
        assert_eq!(
            here.replace(&format!("PWD={}", std::env::current_dir().unwrap().display()), "PWD=/"),
            there
        );
    }

    #[test]
    fn what_can_not_be_started_fails_alike_in_our_directory_and_in_another() {
        for (file, error) in [("/nowhere/x", "NotFound"), ("/etc/passwd", "PermissionDenied")] {
            for directory in [&*std::env::current_dir().unwrap(), Path::new("/")] {
                let environment = Environment::of(&Arc::new(BTreeMap::new())).unwrap();
                let start = Start { file: file.into(), arguments: vec![c"x".into()], directory, environment };
                let stdout: OwnedFd = io::pipe().unwrap().1.into();
                let ends = Ends { stdin: None, stderr: stdout.try_clone().unwrap(), stdout };
                assert_eq!(format!("{:?}", start.spawn(ends).unwrap_err().kind()), error);
            }
        }
    }

    fn signals(said: &str, name: &str) -> u64 {
        let line = said.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line, 16).unwrap()
    }

    fn look(directory: &Path) -> String {
        let mut environment = Environment::of(&Arc::new(BTreeMap::new())).unwrap();
        environment.set("PATH", "/usr/bin:/bin").unwrap();
        environment.set("OWN", "a b").unwrap();
        let arguments = ["sh", "-c", LOOK, "look", "1"].map(|word| CString::new(word).unwrap()).into();
        let start = Start { file: "/bin/sh".into(), arguments, directory, environment };
        let (mut ours, stdout) = io::pipe().unwrap();
        let ends = Ends { stdin: None, stderr: stdout.try_clone().unwrap().into(), stdout: stdout.into() };
        let leader = nix::unistd::Pid::from_raw(start.spawn(ends).unwrap().as_raw_nonzero().get());
        let mut said = String::new();
        ours.read_to_string(&mut said).unwrap();
        assert_eq!(waitpid(leader, None), Ok(WaitStatus::Exited(leader, 7)));
        said
    }
}
