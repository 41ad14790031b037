//! The pipes to and from a program, read without a thread of their own.

use std::fs::File;
use std::future::pending;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::Command;
use std::sync::OnceLock;

use rustix::io::ioctl_fionbio;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::unix::pipe::{Receiver, Sender};
use vwmp_interfaces::log::Stream;

use super::capture::Captured;

/// Half of what a pipe holds: to free 64 KiB or more makes the allocator tidy up each time.
const READ_SIZE: usize = 32 * 1024;

/// Reads in a row from one pipe before anything else gets its turn.
const READS_IN_A_ROW: usize = 8;

/// Our ends of a program's pipes. A pipe that ended is closed.
pub(super) struct Pipes {
    stdout: Option<Receiver>,
    stderr: Option<Receiver>,
    stdin: Option<Feed>,
    buffer: Vec<u8>,
}

/// The program's ends of its pipes.
pub(super) struct Ends {
    /// Nothing for the null device.
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

struct Feed {
    pipe: Sender,
    bytes: Vec<u8>,
    written: usize,
}

impl Pipes {
    /// Makes the pipes for a program that reads `stdin`.
    pub(super) fn open(stdin: Option<Vec<u8>>) -> io::Result<(Self, Ends)> {
        let (stdout, their_stdout) = output_pipe()?;
        let (stderr, their_stderr) = output_pipe()?;
        let (stdin, their_stdin) = stdin.map(input_pipe).transpose()?.unzip();
        let buffer = Vec::with_capacity(READ_SIZE);
        let ours = Self { stdout: Some(stdout), stderr: Some(stderr), stdin, buffer };
        Ok((ours, Ends { stdin: their_stdin, stdout: their_stdout, stderr: their_stderr }))
    }

    /// Whether the program may still write.
    pub(super) fn is_open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    /// Whether there is anything to read or to write.
    pub(super) fn has_work(&self) -> bool {
        self.is_open() || self.stdin.is_some()
    }

    /// Reads until both streams end.
    pub(super) async fn read_all(&mut self, captured: &mut Captured<'_>) {
        while self.is_open() {
            self.read_some(captured).await;
        }
    }

    /// Waits until a pipe is ready, and serves it. Loses nothing when it is dropped while it waits.
    pub(super) async fn read_some(&mut self, captured: &mut Captured<'_>) {
        tokio::select! {
            () = readable(self.stdout.as_ref()) => {
                take(&mut self.stdout, Stream::Stdout, &mut self.buffer, captured);
            }
            () = readable(self.stderr.as_ref()) => {
                take(&mut self.stderr, Stream::Stderr, &mut self.buffer, captured);
            }
            () = writable(self.stdin.as_ref()) => feed(&mut self.stdin),
        }
    }
}

impl Ends {
    /// What the program's first three descriptors are to be.
    pub(super) fn stdio(&self) -> io::Result<[BorrowedFd<'_>; 3]> {
        let stdin = match &self.stdin {
            Some(stdin) => stdin.as_fd(),
            None => null()?,
        };
        Ok([stdin, self.stdout.as_fd(), self.stderr.as_fd()])
    }

    /// Whether none of them is in the way of another one when they get their numbers.
    pub(super) fn are_beyond_stdio(&self) -> bool {
        self.stdio().is_ok_and(|ends| ends.iter().all(|end| end.as_raw_fd() > 2))
    }

    /// Gives them to a command.
    pub(super) fn give_to(self, command: &mut Command) -> io::Result<()> {
        let stdin = match self.stdin {
            Some(stdin) => stdin,
            None => null()?.try_clone_to_owned()?,
        };
        command.stdin(stdin).stdout(self.stdout).stderr(self.stderr);
        Ok(())
    }
}

/// The null device, opened once and not for each program.
fn null() -> io::Result<BorrowedFd<'static>> {
    static NULL: OnceLock<File> = OnceLock::new();
    if NULL.get().is_none() {
        let _ = NULL.set(File::open("/dev/null")?);
    }
    NULL.get().map(AsFd::as_fd).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn input_pipe(bytes: Vec<u8>) -> io::Result<(Feed, OwnedFd)> {
    let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC)?;
    ioctl_fionbio(&ours, true)?;
    Ok((Feed { pipe: Sender::from_owned_fd_unchecked(ours)?, bytes, written: 0 }, theirs))
}

fn output_pipe() -> io::Result<(Receiver, OwnedFd)> {
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    // Of our end only: programs don't expect an output that doesn't wait.
    ioctl_fionbio(&ours, true)?;
    Ok((Receiver::from_owned_fd_unchecked(ours)?, theirs))
}

async fn readable(pipe: Option<&Receiver>) {
    match pipe {
        // An error shows again, and ends the pipe, when it is read.
        Some(pipe) => drop(pipe.readable().await),
        None => pending().await,
    }
}

async fn writable(feed: Option<&Feed>) {
    match feed {
        Some(feed) => drop(feed.pipe.writable().await),
        None => pending().await,
    }
}

fn take(pipe: &mut Option<Receiver>, stream: Stream, buffer: &mut Vec<u8>, captured: &mut Captured<'_>) {
    for _ in 0..READS_IN_A_ROW {
        let Some(open) = pipe else { return };
        buffer.clear();
        match open.try_read_buf(buffer) {
            Ok(0) => *pipe = None,
            Ok(_) => captured.take(stream, buffer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => *pipe = None,
        }
    }
}

fn feed(stdin: &mut Option<Feed>) {
    let Some(feed) = stdin else { return };
    match feed.pipe.try_write(&feed.bytes[feed.written..]) {
        Ok(bytes) => feed.written += bytes,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
        // The program doesn't want to read all of it, which is its own business.
        Err(_) => feed.written = feed.bytes.len(),
    }
    if feed.written == feed.bytes.len() {
        *stdin = None;
    }
}
