//! How programs end: none outlives its step, and none holds one up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vwmp_interfaces::adapter::Adapters;
use vwmp_interfaces::context::{AttemptScope, Keepsakes, Outputs, RunScope};
use vwmp_interfaces::log::{LogLine, LogSink};
use vwmp_interfaces::{BoxFuture, CancellationToken, Clock, StepContext, StepError, Timestamp};
use vwmp_testkit::{TestRun, execute};

use super::run::Run;

/// Whether a process with this number still does something.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

async fn until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < Duration::from_secs(10), "it never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Cancels once all `files` are written, which hold process numbers.
async fn cancel_when_written(run: &TestRun, cancelled: CancellationToken, files: &[&str]) {
    until(|| files.iter().all(|file| run.exists(file) && run.read(file).ends_with('\n'))).await;
    cancelled.cancel();
}

#[tokio::test]
async fn cancelling_ends_the_whole_tree_with_grace() {
    let run = TestRun::new();
    let script = "trap 'echo bye; exit 0' TERM\n(sleep 100; true) & sleep 100 & echo $! > child\nsleep 0.2; echo $$ > leader\nwait";
    let began = Instant::now();
    let ctx = run.context("long");
    let (result, ()) = tokio::join!(
        execute::<Run>(json!({ "run": script, "grace": 5 }), &ctx),
        cancel_when_written(&run, run.cancelled().clone(), &["child", "leader"])
    );
    assert_eq!(result.unwrap_err().message(), "`trap 'echo bye; exit 0' TERM …` was stopped before its end");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(run.log(), ["stdout: bye"]);
    assert!(!is_alive(&run.read("child")) && !is_alive(&run.read("leader")));
}

#[tokio::test]
async fn who_ignores_the_grace_is_killed() {
    let run = TestRun::new();
    let script =
        "sh -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 0.05; done' &\necho $$ > leader\nwait";
    let began = Instant::now();
    let ctx = run.context("long");
    let (result, ()) = tokio::join!(
        execute::<Run>(json!({ "run": script, "grace": 0.3 }), &ctx),
        cancel_when_written(&run, run.cancelled().clone(), &["child", "leader"])
    );
    assert!(result.is_err());
    assert!(
        (Duration::from_millis(300)..Duration::from_secs(3)).contains(&began.elapsed()),
        "{:?}",
        began.elapsed()
    );
    assert!(!is_alive(&run.read("child")) && !is_alive(&run.read("leader")));
}

#[tokio::test]
async fn a_step_that_is_dropped_leaves_nobody() {
    let run = TestRun::new();
    let ctx = run.context("long");
    {
        let config = json!({ "run": "trap '' TERM\nsh -c 'trap \"\" TERM; echo $$ > child; sleep 100; :' &\necho $$ > leader\nwait" });
        let step = execute::<Run>(config, &ctx);
        tokio::select! {
            _ = step => panic!("it ended by itself"),
            () = until(|| run.exists("child") && run.exists("leader") && run.read("child").ends_with('\n')) => {}
        }
    }
    until(|| !is_alive(&run.read("child")) && !is_alive(&run.read("leader"))).await;
}

#[tokio::test]
async fn what_a_script_leaves_in_the_background_ends_with_it() {
    for redirect in ["", ">/dev/null 2>&1"] {
        let run = TestRun::new();
        let began = Instant::now();
        let config = json!({ "run": format!("sleep 100 {redirect} & echo $! > child; echo done") });
        execute::<Run>(config, &run.context("background")).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(3));
        assert!(!is_alive(&run.read("child")));
        assert_eq!(
            run.log(),
            ["stdout: done", "warning: processes that this step left in the background were stopped"]
        );
    }
}

#[tokio::test]
async fn a_program_that_writes_on_behind_its_parent_is_listened_to() {
    let run = TestRun::new();
    let config = json!({ "run": "(for i in 1 2 3 4; do sleep 0.05; echo $i; done) & echo 0" });
    execute::<Run>(config, &run.context("behind")).await.unwrap();
    assert_eq!(run.log(), ["stdout: 0", "stdout: 1", "stdout: 2", "stdout: 3", "stdout: 4"]);
}

#[tokio::test]
async fn a_process_of_another_session_that_holds_the_output_holds_nothing_up() {
    let run = TestRun::new();
    let began = Instant::now();
    let config = json!({ "run": "setsid sh -c 'echo $$ > child; sleep 20' &\nwhile [ ! -s child ]; do sleep 0.01; done; echo done" });
    execute::<Run>(config, &run.context("session")).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(
        run.log(),
        [
            "stdout: done",
            "warning: a process that left this step's process group holds its output open; what it prints from now on is not shown",
        ]
    );
    let child = run.read("child").trim().parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process_group(child, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn an_endless_writer_in_the_background_holds_nothing_up() {
    let run = TestRun::new();
    let began = Instant::now();
    let config = json!({ "run": "(while :; do echo x; sleep 0.01; done) & echo done", "grace": 0.5 });
    execute::<Run>(config, &run.context("endless")).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_cancelled_step_does_not_start() {
    let run = TestRun::new();
    run.cancel();
    let error = execute::<Run>(json!({ "run": "touch started" }), &run.context("late")).await.unwrap_err();
    assert_eq!(error.message(), "`touch started` was stopped before its end");
    assert!(!run.exists("started"));
}

#[tokio::test]
async fn nobody_is_left_to_be_waited_for() {
    let run = TestRun::new();
    let ctx = run.context("many");
    for script in ["true", "echo a; (true &)", "exit 0", "exec sleep 0.05"] {
        execute::<Run>(json!({ "run": format!("echo $$ > pid; {script}") }), &ctx).await.unwrap();
        let pid = run.read("pid");
        assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists(), "{script}");
    }
}

/// A log that only counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl LogSink for Count {
    fn line(&self, line: LogLine) {
        self.0.fetch_add(line.text.len() + 1, Ordering::Relaxed);
    }
}

struct NoOutputs;

impl Outputs for NoOutputs {
    fn output(&self, _: &str) -> Option<Arc<Value>> {
        None
    }
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

/// Keeps nothing.
struct Forgetful;

impl Keepsakes for Forgetful {
    fn keep<'a>(&'a self, _: &'a str, _: &'a str, _: &'a [u8]) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn kept<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StepError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// A context whose lines are not kept.
fn counting_context(run: &TestRun, log: &Arc<Count>) -> StepContext {
    let scope = RunScope {
        run_id: "run".into(),
        workflow_id: "workflow".into(),
        workflow_name: "workflow".into(),
        parameters: Arc::default(),
        config: Arc::default(),
        workspace: run.workspace().into(),
        environment: Arc::default(),
        adapters: Adapters::default(),
        outputs: Arc::new(NoOutputs),
        log: log.clone(),
        clock: Arc::new(Stopped),
        keepsakes: Arc::new(Forgetful),
        caller: None,
    };
    let attempt = AttemptScope {
        step_id: "much".into(),
        step_name: "much".into(),
        attempt: 1,
        adapters: Arc::new([]),
        cancelled: CancellationToken::new(),
        planned: None,
        waited: None,
    };
    StepContext::new(Arc::new(scope), attempt)
}

#[tokio::test]
async fn a_hundred_megabytes_pass_in_little_memory() {
    let (run, log) = (TestRun::new(), Arc::new(Count::default()));
    let (began, before) = (Instant::now(), peak_memory());
    let config =
        json!({ "run": "yes 0123456789012345678901234567890123456789012345678 | head -c 100000000" });
    let output = execute::<Run>(config, &counting_context(&run, &log)).await.unwrap();
    assert_eq!(log.0.load(Ordering::Relaxed), 100_000_000);
    assert!(output["stdout"].as_str().unwrap().len() < 66_000);
    // The system counts roughly: the peak can seem to sink.
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 50 * 1024, "{grown} KiB");
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// The most memory that this process ever had, in KiB.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
