//! Runs a program to its end, and everything that it started with it.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep, timeout};
use vwmp_interfaces::CancellationToken;

use super::capture::Captured;
use super::group::Group;
use super::pipes::Pipes;
use super::start::Start;

/// How long those whom a program left behind may be silent before they are told to end.
const SILENCE: Duration = Duration::from_millis(100);

/// How long a killed process may take to go away.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// How often we look whether signalled processes are gone.
const TICK: Duration = Duration::from_millis(5);

/// A program that was started.
pub(super) struct Process {
    group: Group,
    pipes: Pipes,
}

impl Process {
    /// Starts a program with pipes for its output. Without `stdin` it reads an empty one.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn start(program: &Start<'_>, stdin: Option<&str>) -> io::Result<Self> {
        let (pipes, ends) = Pipes::open(stdin.map(|text| text.as_bytes().to_vec()))?;
        let group = Group::of(program.spawn(ends)?);
        Ok(Self { group, pipes })
    }

    /// Hands on the output until the program and all of its group ended. What is left of the group
    /// when the program ended, and all of it on cancellation, is told to end, and killed after
    /// `grace`. Nothing is returned after a cancellation.
    ///
    /// # Errors
    /// When the program can't be waited for.
    pub(super) async fn run(
        mut self,
        grace: Duration,
        cancelled: &CancellationToken,
        captured: &mut Captured<'_>,
    ) -> io::Result<Option<ExitStatus>> {
        let status = tokio::select! {
            biased;
            status = self.follow(grace, captured) => Some(status?),
            () = cancelled.cancelled() => None,
        };
        self.stop(grace, status.is_some(), captured).await;
        captured.finish();
        Ok(status)
    }

    /// Until the program ended, and then as long as those whom it left behind have something to say.
    async fn follow(&mut self, grace: Duration, captured: &mut Captured<'_>) -> io::Result<ExitStatus> {
        let status = self.until_ended(captured).await?;
        let patience = Instant::now() + grace;
        while self.pipes.is_open() && Instant::now() < patience {
            if timeout(SILENCE, self.pipes.read_some(captured)).await.is_err() {
                break;
            }
        }
        Ok(status)
    }

    async fn until_ended(&mut self, captured: &mut Captured<'_>) -> io::Result<ExitStatus> {
        let end = End::of(&self.group);
        loop {
            let mut may_have_ended = false;
            tokio::select! {
                () = self.pipes.read_some(captured), if self.pipes.has_work() => {}
                () = end.wait() => may_have_ended = true,
            }
            // Most programs close their output by ending.
            if (may_have_ended || !self.pipes.is_open())
                && let Some(status) = self.group.try_wait()?
            {
                return Ok(status);
            }
        }
    }

    /// Ends what is left of the group, which mostly is nothing.
    async fn stop(&mut self, grace: Duration, expected: bool, captured: &mut Captured<'_>) {
        // Whoever writes a last file behind the program, as `tee` does, gets a moment for it.
        let gone = self.group.is_gone() || expected && self.gone_within(SILENCE, captured).await;
        if !gone {
            self.group.signal(Signal::TERM);
            let mut gone = self.gone_within(grace, captured).await;
            if !gone {
                self.group.signal(Signal::KILL);
                gone = self.gone_within(AFTER_KILL, captured).await;
            }
            if !gone {
                captured.note("a process of this step can't be killed");
            } else if expected {
                captured.note("processes that this step left in the background were stopped");
            }
        }
        if self.pipes.is_open() && timeout(TICK, self.pipes.read_all(captured)).await.is_err() {
            captured.note(
                "a process that left this step's process group holds its output open; \
                 what it prints from now on is not shown",
            );
        }
    }

    async fn gone_within(&mut self, limit: Duration, captured: &mut Captured<'_>) -> bool {
        let deadline = Instant::now() + limit;
        while !self.group.is_gone() {
            if Instant::now() >= deadline {
                return false;
            }
            if self.pipes.is_open() {
                let _ = timeout(TICK, self.pipes.read_some(captured)).await;
            } else {
                sleep(TICK).await;
            }
        }
        true
    }
}

/// The end of a program, to be waited for.
struct End {
    /// A process descriptor. It takes tokio's type for pipes, which is the safe way to wait until a
    /// descriptor is readable; nothing is ever read from it.
    #[cfg(target_os = "linux")]
    descriptor: Option<tokio::net::unix::pipe::Receiver>,
}

impl End {
    #[cfg(target_os = "linux")]
    fn of(group: &Group) -> Self {
        use rustix::process::{PidfdFlags, pidfd_open};
        use tokio::net::unix::pipe::Receiver;
        let descriptor = pidfd_open(group.id(), PidfdFlags::empty()).ok();
        Self { descriptor: descriptor.and_then(|fd| Receiver::from_owned_fd_unchecked(fd).ok()) }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: &Group) -> Self {
        Self {}
    }

    /// Returns when the program ended, or where the system can't tell, after a moment.
    async fn wait(&self) {
        #[cfg(target_os = "linux")]
        if let Some(descriptor) = &self.descriptor {
            // The caller looks whether it ended, whatever woke it.
            return drop(descriptor.readable().await);
        }
        sleep(TICK).await;
    }
}
