//! Runs a validator to its end, in a process group that ends with it.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use vwmp_interfaces::StepContext;

/// How long a cancelled validator gets to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// How long the output is read after the validator itself has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A validator and all it started; killed when this is dropped.
struct Group {
    child: Child,
    id: Option<Pid>,
}

/// Runs a command, gives each line of its output to `line`, and returns how it ended.
///
/// # Errors
/// In words, when it can't be started or waited for, or was cancelled.
pub(super) async fn run(
    command: &[String],
    ctx: &StepContext,
    mut line: impl FnMut(String),
) -> Result<ExitStatus, String> {
    let mut group = Group::start(command, ctx)?;
    let (stdout, stderr) = (group.child.stdout.take(), group.child.stderr.take());
    let (send, mut lines) = tokio::sync::mpsc::channel::<String>(64);
    let read = async { tokio::join!(read(stdout, send.clone()), read(stderr, send)) };
    let followed = async {
        let take = async {
            while let Some(one) = lines.recv().await {
                line(one);
            }
        };
        let output = async { tokio::join!(read, take) };
        tokio::pin!(output);
        tokio::select! {
            biased;
            _ = &mut output => group.child.wait().await,
            status = group.child.wait() => {
                let _ = timeout(LAST_WORDS, &mut output).await;
                status
            }
        }
    };
    let ended = ctx.cancelled().run_until_cancelled(followed).await;
    match ended {
        Some(status) => status.map_err(|error| format!("can't be waited for: {error}")),
        None => {
            group.signal(Signal::TERM);
            let _ = timeout(GRACE, group.child.wait()).await;
            Err("was cancelled".to_owned())
        }
    }
}

/// Lines, each as text whatever its bytes are.
async fn read(pipe: Option<impl AsyncRead + Unpin>, send: tokio::sync::mpsc::Sender<String>) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).await.is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
        if send.send(text).await.is_err() {
            return;
        }
        bytes.clear();
    }
}

impl Group {
    fn start(command: &[String], ctx: &StepContext) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("has no command")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(ctx.workspace()).env_clear().envs(ctx.environment());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("can't be started: there is no program `{program}`"),
            _ => format!("can't be started: {error}"),
        })?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, id })
    }

    /// A group that is gone already can't be signalled, and needn't be.
    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            let _ = kill_process_group(id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
