//! A handler that misbehaves fails its own step, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vwmp_interfaces::BoxFuture;
use vwmp_interfaces::log::{LogLine, LogSink};

use super::plans::{PlanDraft, StepDraft, step};
use super::{run, run_with, summary};
use crate::registry::Registry;
use crate::run::{
    Attempt, Engine, Event, Executor, Journal, JournalError, Limits, Outcome, RunStatus, Survive,
};

/// Runs the step beside a good one and one that needs it.
async fn check(bad: StepDraft, expected: &str) {
    let draft = PlanDraft::new([bad, step("give", json!({}), &[]), step("give", json!({}), &[0])]);
    let (report, _) = run(draft).await;
    assert_eq!(
        summary(&report),
        [expected, "s1 succeeded 1", "s2 skipped 0: it needs s0, which did not succeed"]
    );
    assert_eq!(report.status(), RunStatus::Failed);
}

#[tokio::test(start_paused = true)]
async fn panics_are_failures() {
    check(step("panic", json!({}), &[]), "s0 failed 1: the handler panicked: out of cheese").await;
}

#[tokio::test(start_paused = true)]
async fn hangs_end_with_the_timeout_and_the_grace() {
    let began = tokio::time::Instant::now();
    let deaf = step("deaf", json!({}), &[]).policy(|policy| policy.timeout = Some(Duration::from_secs(30)));
    let expected = "s0 timed_out 1: it took longer than 30 s; the handler ignored the request to stop and was \
                    left behind";
    check(deaf, expected).await;
    assert_eq!(began.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn outputs_that_are_too_large_are_refused() {
    let expected = "s0 failed 1: the output of test.give is too large: about 16777219 bytes, at most 16777216 are \
                    kept; write it to a file and give its path";
    check(step("give", json!({ "bytes": (16 << 20) + 1 }), &[]), expected).await;
}

#[tokio::test(start_paused = true)]
async fn outputs_of_another_type_are_refused() {
    let expected = "s0 failed 1: test.untyped gave an output that does not fit its own schema: output.count: \
                    expected a whole number, found the text \"three\"";
    check(step("untyped", json!({}), &[]), expected).await;
    let expected = "s0 failed 1: the output of test.unwritable can't be written as JSON";
    check(step("unwritable", json!({}), &[]), expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_sleeps_through_cancellation_is_left_behind() {
    let (report, _) = run_with(PlanDraft::new([step("deaf", json!({}), &[])]), |run| {
        let control = run.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            control.cancel("enough");
        });
    })
    .await;
    assert_eq!(
        summary(&report),
        ["s0 cancelled 1: cancelled after 1 s; the handler ignored the request to stop and was left behind"]
    );
}

#[tokio::test(start_paused = true)]
async fn killing_a_run_waits_for_nobody() {
    let began = tokio::time::Instant::now();
    let draft = PlanDraft::new([step("deaf", json!({}), &[])]).finally([step("deaf", json!({}), &[])]);
    let (report, _) = run_with(draft, |run| {
        let control = run.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            control.kill();
        });
    })
    .await;
    assert_eq!(report.status(), RunStatus::Cancelled);
    assert_eq!(began.elapsed().as_secs(), 1);
    assert_eq!(summary(&report)[1], "s1 cancelled 0: the run was stopping: killed");
}

#[tokio::test(start_paused = true)]
async fn secrets_reach_no_report() {
    let value = json!({ "value": { "token": "hunter2", "said": ["it's hunter2"] } });
    let draft = PlanDraft::new([
        step("give", value, &[]),
        step("give", json!({}), &[0]).when("steps.s0.outputs.token"),
    ]);
    let mut plan = draft.build();
    plan.secrets = vec!["hunter2".into()];
    plan.masker = crate::masking::Masker::new(&plan.secrets);
    let report = Engine::builder(Registry::default()).start(plan).finish().await.unwrap();
    assert_eq!(report.step("s0").unwrap().output, Some(&json!({ "token": "***", "said": ["it's ***"] })));
    assert_eq!(
        summary(&report)[1],
        "s1 failed 0: when: `steps.s0.outputs.token` at test:1:1: a condition gives true or false; this one gives the string \"***\" \
         (compare it, for example with `==` or `!=`)"
    );
}

/// An executor with a bug.
struct Broken;

impl Executor for Broken {
    fn execute(&self, _: Attempt) -> BoxFuture<'static, Outcome> {
        Box::pin(async { panic!("no such worker") })
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_executor_fails_the_step() {
    let engine = Engine::builder(Registry::default()).executor(Broken);
    let run = engine.start(PlanDraft::new([step("give", json!({}), &[])]).build());
    let report = tokio::time::timeout(Duration::from_secs(60), run.finish()).await.unwrap().unwrap();
    assert_eq!(summary(&report), ["s0 failed 1: the handler panicked: no such worker"]);
}

/// A listener with a bug.
struct Clumsy;

impl LogSink for Clumsy {
    fn line(&self, _: LogLine) {
        panic!("the terminal is gone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_listener_disturbs_nobody() {
    let engine = Engine::builder(Registry::default()).listen(Arc::new(Clumsy));
    let report = engine.start(PlanDraft::new([step("give", json!({}), &[])]).build()).finish().await.unwrap();
    assert_eq!(summary(&report), ["s0 succeeded 1"]);
    assert_eq!(report.log("s0").len(), 1);
}

/// A journal that is full after some events.
struct Full(usize);

impl Journal for Full {
    fn append<'a>(&'a mut self, events: &'a [Event], _: Survive) -> BoxFuture<'a, Result<(), JournalError>> {
        let left = self.0.checked_sub(events.len());
        self.0 = left.unwrap_or(0);
        let full = || JournalError { message: "the disk is full".into(), source: None };
        Box::pin(async move { left.map(drop).ok_or_else(full) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_is_not_done() {
    for room in 0..4 {
        let engine = Engine::builder(Registry::default()).journal(move |_| Box::new(Full(room)));
        let run = engine.start(PlanDraft::new([step("give", json!({}), &[])]).build());
        let error = run.finish().await.unwrap_err();
        assert_eq!(error.to_string(), "can't record what happens in the run: the disk is full");
    }
}

#[test]
fn a_handler_that_blocks_its_thread_does_not_hold_up_the_others() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    let block = step("block", json!({ "milliseconds": 3_000 }), &[])
        .policy(|policy| policy.timeout = Some(Duration::from_millis(50)));
    let draft = PlanDraft::new([block, step("give", json!({}), &[]), step("give", json!({}), &[1])]);
    let grace = Duration::from_millis(50);
    let report = runtime.block_on(async {
        let engine = Engine::builder(Registry::default()).limits(Limits { grace, ..Limits::default() });
        engine.start(draft.build()).finish().await.unwrap()
    });
    runtime.shutdown_background();
    let steps = summary(&report);
    let told = "s0 timed_out 1: it took longer than 50 ms; the handler ignored the request to stop and was left behind";
    assert_eq!(steps[0], told);
    assert_eq!(steps[1..], ["s1 succeeded 1", "s2 succeeded 1"]);
    assert!(report.duration() < Duration::from_secs(3), "{:?}", report.duration());
}

#[tokio::test(start_paused = true)]
async fn lines_are_kept_for_the_report() {
    let (report, _) = run(PlanDraft::new([step("give", json!({}), &[])])).await;
    let lines: Vec<String> = report.log("s0").into_iter().map(|line| line.text).collect();
    assert_eq!(lines, ["giving"]);
}

#[tokio::test(start_paused = true)]
async fn two_engines_share_nothing() {
    let draft = PlanDraft::new([step("sleep", json!({ "seconds": 5 }), &[])]);
    let engine = |draft: PlanDraft| Engine::builder(Registry::default()).start(draft.build());
    let (one, two) = (engine(draft.clone()), engine(draft));
    assert_ne!(one.id(), two.id());
    one.cancel("only this one");
    let (one, two) = (one.finish().await.unwrap(), two.finish().await.unwrap());
    assert_eq!((one.status(), two.status()), (RunStatus::Cancelled, RunStatus::Succeeded));
}
