//! Readiness, retries, failure policies, conditions, `finally` and cancellation.

use std::time::Duration;

use serde_json::json;
use vwmp_interfaces::workflow_type::FailurePolicy;

use super::plans::{PlanDraft, StepDraft, step};
use super::{run, run_with, summary};
use crate::run::{EventKind, RunStatus};

fn give(needs: &[usize]) -> StepDraft {
    step("give", json!({}), needs)
}

fn fail(needs: &[usize]) -> StepDraft {
    step("fail", json!({}), needs)
}

fn sleep(seconds: u64, needs: &[usize]) -> StepDraft {
    step("sleep", json!({ "seconds": seconds }), needs)
}

async fn check(draft: PlanDraft, status: RunStatus, expected: &[&str]) {
    let (report, _) = run(draft).await;
    assert_eq!(summary(&report), expected);
    assert_eq!(report.status(), status);
}

#[tokio::test(start_paused = true)]
async fn an_empty_plan_succeeds() {
    check(PlanDraft::new([]), RunStatus::Succeeded, &[]).await;
    check(PlanDraft::new([]).finally([give(&[])]), RunStatus::Succeeded, &["s0 succeeded 1"]).await;
}

#[tokio::test(start_paused = true)]
async fn independent_branches_finish_when_one_fails() {
    let steps = [fail(&[]), give(&[0]), give(&[1]), give(&[]), sleep(5, &[3])];
    let expected = [
        "s0 failed 1: busy",
        "s1 skipped 0: it needs s0, which did not succeed",
        "s2 skipped 0: it needs s1, which did not succeed",
        "s3 succeeded 1",
        "s4 succeeded 1",
    ];
    check(PlanDraft::new(steps), RunStatus::Failed, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn stop_lets_running_steps_finish_and_starts_no_other() {
    let mut draft = PlanDraft::new([sleep(5, &[]), fail(&[]), give(&[0]), give(&[])]);
    draft.on_failure = FailurePolicy::Stop;
    draft.max_parallel = 2;
    let expected = [
        "s0 succeeded 1",
        "s1 failed 1: busy",
        "s2 skipped 0: the run was stopping: s1 failed",
        "s3 skipped 0: the run was stopping: s1 failed",
    ];
    check(draft, RunStatus::Failed, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_fail_is_tolerated() {
    let steps = [fail(&[]).policy(|policy| policy.required = false), give(&[0])];
    let expected = ["s0 tolerated 1: busy", "s1 succeeded 1"];
    check(PlanDraft::new(steps), RunStatus::SucceededWithTolerated, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_retried_with_growing_delays() {
    let began = tokio::time::Instant::now();
    let steps = [step("fail", json!({ "times": 3 }), &[]).retries(4)];
    let (report, events) = run(PlanDraft::new(steps)).await;
    assert_eq!(summary(&report), ["s0 succeeded 4"]);
    assert_eq!(report.step("s0").unwrap().output, Some(&json!(4)));
    // The handler's own delays: 2, 4 and 8 seconds.
    assert_eq!(began.elapsed().as_secs(), 14);
    assert_eq!(report.duration().as_secs(), 14);
    let retries = events.iter().filter(|event| matches!(event, EventKind::RetryScheduled { .. }));
    assert_eq!(retries.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_step_holds_no_place() {
    let mut draft = PlanDraft::new([fail(&[]).retries(3), sleep(1, &[]), give(&[1])]);
    draft.max_parallel = 1;
    let (report, _) = run(draft).await;
    assert_eq!(summary(&report), ["s0 failed 3: busy", "s1 succeeded 1", "s2 succeeded 1"]);
    assert!(
        report.step("s2").unwrap().started
            < report.step("s0").unwrap().started.map(|at| at.after(Duration::from_secs(3)))
    );
}

#[tokio::test(start_paused = true)]
async fn retries_obey_the_class_and_the_servers_word() {
    let permanent = step("fail", json!({ "permanent": true }), &[]).retries(5);
    check(PlanDraft::new([permanent]), RunStatus::Failed, &["s0 failed 1: broken"]).await;
    let began = tokio::time::Instant::now();
    let polite = step("fail_once", json!({}), &[]).retries(2);
    check(PlanDraft::new([polite]), RunStatus::Succeeded, &["s0 succeeded 2"]).await;
    assert_eq!(began.elapsed().as_secs(), 90);
    let began = tokio::time::Instant::now();
    let hasty = step("fail_once", json!({}), &[]).retries(2).policy(|policy| {
        policy.retry.delay = Some(Duration::from_secs(1));
    });
    check(PlanDraft::new([hasty]), RunStatus::Succeeded, &["s0 succeeded 2"]).await;
    assert_eq!(began.elapsed().as_secs(), 90, "the server's word outweighs the workflow's");
}

#[tokio::test(start_paused = true)]
async fn only_what_can_be_repeated_is_repeated_after_a_timeout() {
    let limited =
        |step: StepDraft| step.retries(2).policy(|policy| policy.timeout = Some(Duration::from_secs(2)));
    let once = step("sleep_once", json!({ "seconds": 9 }), &[]);
    let expected = ["s0 timed_out 2: it took longer than 2 s", "s1 timed_out 1: it took longer than 2 s"];
    check(PlanDraft::new([limited(sleep(9, &[])), limited(once)]), RunStatus::Failed, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn conditions_decide_by_the_state_of_the_needs() {
    let steps = [
        fail(&[]),
        give(&[]),
        give(&[0]).when("true"),
        give(&[0]).when("failed()"),
        give(&[1]).when("failed()"),
        give(&[0]).when("always()"),
        give(&[4]),
        give(&[1]).when("steps.s1.status == 'succeeded' && steps.s0.error == 'busy'"),
        give(&[1]).when("size(steps.s1.status)"),
    ];
    let expected = [
        "s0 failed 1: busy",
        "s1 succeeded 1",
        "s2 skipped 0: it needs s0, which did not succeed",
        "s3 succeeded 1",
        "s4 skipped 0: its condition `failed()` does not hold",
        "s5 succeeded 1",
        "s6 succeeded 1",
        "s7 succeeded 1",
        "s8 failed 0: when: `size(steps.s1.status)` at test:1:1: a condition gives true or false; this one gives the number 9 \
         (compare it, for example with `==` or `!=`)",
    ];
    check(PlanDraft::new(steps), RunStatus::Failed, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn finally_runs_whatever_happened_and_knows_it() {
    let finally = [
        give(&[]),
        give(&[]).when(
            "failed() && run.failed_steps == ['s0'] && run.status == 'failed' \
             && run.started_at == '2027-01-15T08:00:00Z'",
        ),
        give(&[]).when("succeeded()"),
        fail(&[]).policy(|policy| policy.required = false),
    ];
    let expected = [
        "s0 failed 1: busy",
        "s1 succeeded 1",
        "s2 succeeded 1",
        "s3 skipped 0: its condition `succeeded()` does not hold",
        "s4 tolerated 1: busy",
    ];
    check(PlanDraft::new([fail(&[])]).finally(finally), RunStatus::Failed, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_stops_and_still_runs_finally() {
    let draft = PlanDraft::new([sleep(60, &[]), give(&[0]), fail(&[]).retries(9)]).finally([give(&[])]);
    let (report, _) = run_with(draft, |run| {
        let control = run.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            control.cancel("Ctrl-C");
        });
    })
    .await;
    let expected = [
        "s0 cancelled 1: cancelled after 3 s",
        "s1 cancelled 0: the run was stopping: Ctrl-C",
        "s2 cancelled 2: the run was stopping: Ctrl-C",
        "s3 succeeded 1",
    ];
    assert_eq!(summary(&report), expected);
    assert_eq!((report.status(), report.reason()), (RunStatus::Cancelled, Some("Ctrl-C")));
}

#[tokio::test(start_paused = true)]
async fn a_second_cancel_stops_finally_too() {
    let draft = PlanDraft::new([sleep(60, &[])]).finally([sleep(60, &[]), give(&[1])]);
    let (report, _) = run_with(draft, |run| {
        let control = run.control();
        tokio::spawn(async move {
            for reason in ["first", "second"] {
                tokio::time::sleep(Duration::from_secs(3)).await;
                control.cancel(reason);
            }
        });
    })
    .await;
    assert_eq!(
        summary(&report),
        [
            "s0 cancelled 1: cancelled after 3 s",
            "s1 cancelled 1: cancelled after 3 s",
            "s2 cancelled 0: the run was stopping: first",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_workflows_own_timeout_fails_the_run() {
    let mut draft = PlanDraft::new([sleep(60, &[]), give(&[0])]);
    draft.timeout = Some(Duration::from_secs(7));
    let (report, _) = run(draft).await;
    assert_eq!(report.status(), RunStatus::Failed);
    assert_eq!(report.reason(), Some("the workflow took longer than its timeout of 7 s"));
    assert_eq!(report.duration().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_workflows_own_timeout_counts_while_a_retry_waits_for_a_place() {
    let mut draft = PlanDraft::new([fail(&[]).retries(9), sleep(60, &[])]);
    (draft.max_parallel, draft.timeout) = (1, Some(Duration::from_secs(7)));
    let (report, _) = run(draft).await;
    assert_eq!(report.duration().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_before_its_first_step_starts_none() {
    let (report, _) = run_with(PlanDraft::new([give(&[])]), |run| run.cancel("no")).await;
    assert_eq!(summary(&report), ["s0 cancelled 0: the run was stopping: no"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_waits_for_its_retry_failed_when_the_run_stops() {
    let mut draft = PlanDraft::new([fail(&[]).retries(9), sleep(1, &[]), step("panic", json!({}), &[1])]);
    draft.on_failure = FailurePolicy::Stop;
    let expected =
        ["s0 failed 1: busy", "s1 succeeded 1", "s2 failed 1: the handler panicked: out of cheese"];
    check(draft, RunStatus::Failed, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn priorities_order_ready_steps() {
    let mut draft = PlanDraft::new([give(&[]), give(&[]).policy(|policy| policy.priority = 5), give(&[])]);
    draft.max_parallel = 1;
    let (_, events) = run(draft).await;
    let order: Vec<usize> = events
        .iter()
        .filter_map(|event| match event {
            EventKind::AttemptStarted { step, .. } => Some(step.step.get()),
            _ => None,
        })
        .collect();
    assert_eq!(order, [1, 0, 2]);
}

#[tokio::test]
async fn a_chain_of_100_000_steps_neither_recurses_nor_slows_down() {
    let steps: Vec<StepDraft> =
        (0..100_000_usize).map(|i| give(&i.checked_sub(1).map_or(vec![], |i| vec![i]))).collect();
    let (report, _) = run(PlanDraft::new(steps)).await;
    assert_eq!(report.tally().succeeded, 100_000);
    let steps: Vec<StepDraft> =
        (0..100_000_usize).map(|i| if i == 0 { fail(&[]) } else { give(&[i - 1]) }).collect();
    let (report, _) = run(PlanDraft::new(steps)).await;
    assert_eq!((report.tally().failed, report.tally().skipped), (1, 99_999));
}
