//! Running the git program: no shell, no terminal, no process left behind.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;
use vwmp_interfaces::{OrFail, StepError};

use crate::inherited::inherited;

/// How long a process that is no longer wanted gets to remove its lock files.
const GRACE: Duration = Duration::from_secs(2);

/// How long pipes are read after git itself has ended, for hooks that leave something running.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Variables that would make git work on another repository than that of its folder. They are set
/// when we are started from a hook.
const OF_ANOTHER_REPOSITORY: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"];

/// The git program in a folder.
pub(super) struct Program {
    name: String,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    /// Processes whose step went away: ended in the background, awaited by [`Program::settle`].
    leaving: Mutex<JoinSet<()>>,
}

/// How a process ended and what it wrote.
pub(super) struct Output {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// A running process. Dropped before it ended, it and all it started are ended.
struct Running<'a> {
    child: Option<Child>,
    program: &'a Program,
}

impl Program {
    pub(super) fn new(name: String, folder: PathBuf, environment: &BTreeMap<String, String>) -> Self {
        let mut environment = environment.clone();
        for name in OF_ANOTHER_REPOSITORY {
            environment.remove(name);
        }
        environment.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
        environment.insert("LC_ALL".into(), "C".into());
        // Where git would open an editor, it gets an empty text and says what is missing.
        environment.insert("GIT_EDITOR".into(), ":".into());
        // ssh would ask at the terminal, which stops a process in the background for good.
        environment.entry("SSH_ASKPASS_REQUIRE".into()).or_insert_with(|| "force".into());
        Self { name, folder, environment, leaving: Mutex::default() }
    }

    /// The same program in another folder.
    pub(super) fn at(self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs git to its end, whatever that is.
    pub(super) async fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Output, StepError> {
        self.run_with(args, None).await
    }

    /// The same with another file in place of the index.
    pub(super) async fn run_in_index(&self, index: &Path, args: &[&str]) -> Result<Output, StepError> {
        self.run_with(args, Some(index)).await
    }

    async fn run_with<S: AsRef<OsStr>>(&self, args: &[S], index: Option<&Path>) -> Result<Output, StepError> {
        let mut running = Running { child: Some(self.start(args, index)?), program: self };
        running.output().await.or_transient("lost track of the git process")
    }

    fn start<S: AsRef<OsStr>>(&self, args: &[S], index: Option<&Path>) -> Result<Child, StepError> {
        let mut command = Command::new(&self.name);
        command.args(args).current_dir(&self.folder).env_clear().envs(inherited(&self.environment));
        command.envs(index.map(|index| ("GIT_INDEX_FILE", index)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => StepError::invalid(format!(
                "can't find the program `{}`; install git, or set `program` in the adapter's config",
                self.name
            )),
            _ => StepError::permanent(format!("can't start `{}`", self.name)).caused_by(error),
        })
    }

    /// Waits for the processes that are being ended.
    pub(super) async fn settle(&self) {
        let mut leaving = std::mem::take(&mut *self.leaving.lock().unwrap_or_else(PoisonError::into_inner));
        while leaving.join_next().await.is_some() {}
    }
}

impl Running<'_> {
    async fn output(&mut self) -> std::io::Result<Output> {
        let Some(child) = &mut self.child else { return Err(ErrorKind::NotFound.into()) };
        let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = {
            let read = async { tokio::join!(read(&mut out, &mut stdout), read(&mut err, &mut stderr)) };
            tokio::pin!(read);
            tokio::select! {
                biased;
                _ = &mut read => child.wait().await?,
                status = child.wait() => {
                    let _ = timeout(LAST_WORDS, &mut read).await;
                    status?
                }
            }
        };
        self.child = None;
        Ok(Output { status, stdout, stderr })
    }
}

async fn read(pipe: &mut Option<impl AsyncReadExt + Unpin>, into: &mut Vec<u8>) {
    if let Some(pipe) = pipe {
        // What was read before an error still counts; the exit status decides.
        let _ = pipe.read_to_end(into).await;
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            signal(child.id(), Signal::TERM);
            if tokio::runtime::Handle::try_current().is_ok() {
                let leaving = self.program.leaving.lock();
                leaving.unwrap_or_else(PoisonError::into_inner).spawn(end(child));
            } else {
                signal(child.id(), Signal::KILL);
            }
        }
    }
}

/// Gives git the time to remove its lock files, then ends what is left of its group.
async fn end(mut child: Child) {
    let id = child.id();
    let _ = timeout(GRACE, child.wait()).await;
    signal(id, Signal::KILL);
    let _ = child.wait().await;
}

/// A group that is gone already can't be signalled, and needn't be.
fn signal(id: Option<u32>, signal: Signal) {
    let group = id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, signal);
    }
}

impl Output {
    pub(super) fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// The exit code; nothing when a signal ended it.
    pub(super) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Whether it was still sending when the other side went away, of which it says nothing.
    pub(super) fn lost_its_peer(&self) -> bool {
        self.status.signal() == Some(Signal::PIPE.as_raw())
    }

    /// Standard output, to the byte.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.stdout
    }

    /// Standard output.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output that lists things with a NUL after each.
    pub(super) fn list(&self) -> Vec<String> {
        self.text().split_terminator('\0').map(ToOwned::to_owned).collect()
    }

    /// Standard error.
    pub(super) fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }

    /// What was said last, for a message: standard error, or the exit status where it is empty.
    pub(super) fn last_words(&self) -> String {
        const LINES: usize = 20;
        let complaint = self.complaint();
        let lines: Vec<&str> = complaint.lines().collect();
        match lines.as_slice() {
            [] => format!("git ended with {} and said nothing", self.status),
            lines => lines[lines.len().saturating_sub(LINES)..].join("\n"),
        }
    }
}
