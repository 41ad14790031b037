//! Taking back, waiting, fanning out, locks, and runs that another process continues.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::workflow_type::FailurePolicy;

use super::plans::{PlanDraft, step};
use super::world::{deed, deeds};
use super::{resume, run, run_with, summary};
use crate::plan::StepIndex;
use crate::registry::Registry;
use crate::run::{
    Engine, Event, EventKind, LostSecret, Outcome, Resume, RunState, RunStatus, Start, StepStatus, Undone,
    Unit,
};

fn rollback(draft: PlanDraft) -> PlanDraft {
    PlanDraft { on_failure: FailurePolicy::Rollback, ..draft }
}

#[tokio::test(start_paused = true)]
async fn a_failure_takes_back_what_was_done_the_last_step_first() {
    let world = "last first";
    let failing = step("mark", json!({ "world": world, "fails": true }), &[1]);
    let steps = [deed("mark", world, &[]), deed("mark_once", world, &[0]), failing];
    let draft = rollback(PlanDraft::new(steps)).finally([deed("mark", world, &[])]);
    let (report, events) = run(draft).await;
    assert_eq!(report.status(), RunStatus::RolledBack);
    assert_eq!(deeds(world), ["+s0", "+s1", "-s1", "-s0", "+s3"]);
    let undone: Vec<_> = report.undone().into_iter().map(|(id, undone, _)| (id, undone)).collect();
    let yes = |id: &str| (id.to_owned(), Undone::Yes);
    // The failed step may have left something behind too, so it is asked to clean up.
    assert_eq!(undone, [yes("s2"), yes("s1"), yes("s0")]);
    assert!(
        events.iter().any(
            |event| matches!(event, EventKind::RollbackStarted { reason, .. } if &**reason == "s2 failed")
        )
    );
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_taken_back_is_listed_and_so_is_what_it_builds_on() {
    let world = "stuck";
    let stuck = step("mark", json!({ "world": world, "stays": true }), &[0]);
    let failing = step("fail", json!({ "permanent": true }), &[1, 2]);
    let steps = [deed("mark", world, &[]), stuck, deed("mark", world, &[]), failing];
    let (report, _) = run(rollback(PlanDraft::new(steps))).await;
    assert_eq!(report.status(), RunStatus::RollbackFailed);
    let told: Vec<String> = report
        .undone()
        .into_iter()
        .map(|(id, undone, why)| format!("{id} {undone:?} {}", why.unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        ["s2 Yes ", "s1 Failed changed since", "s0 Failed s1, which came after it, could not be taken back"]
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_point_of_no_return_a_run_is_continued() {
    let world = "no return";
    let steps = || {
        let failing = step("fail", json!({ "permanent": true }), &[1]);
        [deed("mark", world, &[]), deed("publish", world, &[0]), failing, deed("mark", world, &[2])]
    };
    let (report, events) = super::run_events(rollback(PlanDraft::new(steps()))).await;
    assert_eq!(report.status(), RunStatus::MustContinue);
    assert_eq!(deeds(world), ["+s0", "+s1"]);
    // Continued, now that what was wrong is mended.
    let mut mended = steps();
    mended[2] = step("give", json!({}), &[1]);
    let (report, _) = resume(rollback(PlanDraft::new(mended)), &events, Resume::default()).await;
    assert_eq!(report.status(), RunStatus::Succeeded);
    assert_eq!(summary(&report), ["s0 succeeded 1", "s1 succeeded 1", "s2 succeeded 1", "s3 succeeded 1"]);
    assert_eq!(deeds(world), ["+s0", "+s1", "+s3"]);
}

#[tokio::test(start_paused = true)]
async fn a_finished_run_is_taken_back_when_somebody_wants_it() {
    let world = "undo";
    let draft = PlanDraft::new([deed("mark", world, &[]), deed("mark_once", world, &[0])]);
    let (report, events) = super::run_events(draft.clone()).await;
    assert_eq!(report.status(), RunStatus::Succeeded);
    let undo = Resume { by: "ann".into(), roll_back: Some("a mistake".into()), ..Resume::default() };
    let (report, _) = resume(draft, &events, undo).await;
    assert_eq!(report.status(), RunStatus::RolledBack);
    assert_eq!(deeds(world), ["+s0", "+s1", "-s1", "-s0"]);
}

/// The events of a run whose process died while the last step of a chain was at work.
async fn interrupted(draft: PlanDraft) -> Vec<Event> {
    let (_, events) = super::run_events(draft).await;
    let last = events.iter().rposition(|event| matches!(event.kind, EventKind::AttemptStarted { .. }));
    events[..=last.unwrap()].to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_lost_attempt_is_repeated_looked_up_or_asked_about() {
    let world = "lost";
    let draft = |handler: &str| PlanDraft::new([deed(handler, world, &[])]);
    // In each world the work was done although the end of it was not recorded.
    let events = interrupted(draft("mark")).await;
    let (report, _) = resume(draft("mark"), &events, Resume::default()).await;
    assert_eq!(summary(&report), ["s0 succeeded 2"]);
    let events = interrupted(draft("mark_once")).await;
    let before = deeds(world).len();
    let (report, _) = resume(draft("mark_once"), &events, Resume::default()).await;
    assert_eq!(summary(&report), ["s0 succeeded 1"]);
    assert_eq!(report.step("s0").unwrap().output, Some(&json!("s0")));
    let events = interrupted(draft("mark_blind")).await;
    let (report, asked) = resume(draft("mark_blind"), &events, Resume::default()).await;
    assert_eq!((report.status(), report.questions()), (RunStatus::Interrupted, vec!["s0".to_owned()]));
    assert_eq!(deeds(world).len(), before + 1, "nothing was repeated");
    let assume = |done| Resume { assume: vec![("s0".into(), done)], ..Resume::default() };
    let (report, _) = resume(draft("mark_blind"), &asked, assume(true)).await;
    assert_eq!(summary(&report), ["s0 succeeded 1"]);
    let (report, _) = resume(draft("mark_blind"), &asked, assume(false)).await;
    assert_eq!(summary(&report), ["s0 succeeded 2"]);
}

#[tokio::test(start_paused = true)]
async fn an_approval_holds_no_place_and_survives_the_process() {
    let mut draft =
        PlanDraft::new([step("ask", json!({}), &[]), step("sleep", json!({ "seconds": 1 }), &[])]);
    draft.max_parallel = 1;
    let (report, _) = run_with(draft.clone(), |run| {
        let control = run.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            control.answer("s0", true, "ann", "");
            control.answer("s0", false, "bob", "too late");
        });
    })
    .await;
    assert_eq!(summary(&report), ["s0 succeeded 2", "s1 succeeded 1"]);
    assert_eq!(report.step("s0").unwrap().output, Some(&json!("ann")));
    // Another process asks on, and gets a no.
    let (_, events) = super::run_events_with(draft.clone(), |run| {
        let control = run.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            control.cancel("only to see the beginning");
        });
    })
    .await;
    let cancelled = events.iter().position(|event| matches!(event.kind, EventKind::CancelRequested { .. }));
    let events = &events[..cancelled.unwrap()];
    let (report, _) = super::resume_with(draft, events, Resume::default(), |run| {
        run.control().answer("s0", false, "bob", "not on a Friday");
    })
    .await;
    assert_eq!(summary(&report)[0], "s0 failed 2: bob said no: not on a Friday");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let began = tokio::time::Instant::now();
    let (report, _) = run(PlanDraft::new([step("ask", json!({ "seconds": 60 }), &[])])).await;
    assert_eq!(summary(&report), ["s0 failed 2: nobody answered"]);
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_step_fans_out_within_its_limit() {
    let began = tokio::time::Instant::now();
    let many = step("sleep", json!({ "seconds": 1 }), &[]).foreach(
        json!((0..10).collect::<Vec<_>>()),
        Some(2),
        false,
    );
    let (report, _) = run(PlanDraft::new([many, step("give", json!({}), &[0])])).await;
    assert_eq!(summary(&report), ["s0 succeeded 0", "s1 succeeded 1"]);
    assert_eq!(report.step("s0").unwrap().output, Some(&json!(vec![(); 10])));
    assert_eq!(began.elapsed().as_secs(), 5);
    let none = step("panic", json!({}), &[]).foreach(json!([]), None, false);
    let (report, _) = run(PlanDraft::new([none])).await;
    assert_eq!(report.step("s0").unwrap().output, Some(&json!([])));
}

#[tokio::test(start_paused = true)]
async fn items_fail_together_or_one_by_one() {
    let failing = |fail_fast| {
        step("fail", json!({ "permanent": true }), &[]).foreach(json!([1, 2, 3]), Some(1), fail_fast)
    };
    let (report, events) = run(PlanDraft::new([failing(true)])).await;
    assert_eq!(summary(&report), ["s0 failed 0: 1 of 3 items failed: [0] broken"]);
    assert_eq!(events.iter().filter(|one| matches!(one, EventKind::AttemptStarted { .. })).count(), 1);
    let (report, _) = run(PlanDraft::new([failing(false).policy(|policy| policy.required = false)])).await;
    assert_eq!(summary(&report), ["s0 tolerated 0: 3 of 3 items failed: [0] broken, [1] broken, [2] broken"]);
}

#[tokio::test(start_paused = true)]
async fn items_that_run_when_another_one_fails_are_waited_for() {
    let values = json!([2, "no number", 2, 2, 2]);
    let fan = step("sleep", json!({ "seconds": "$<item>" }), &[]).foreach(values, Some(2), true);
    let (report, events) = run(PlanDraft::new([fan, step("give", json!({}), &[])])).await;
    let skipped = |one: &&EventKind| matches!(one, EventKind::StepFinished { step, status: StepStatus::Skipped, .. } if step.item().is_some());
    assert_eq!(events.iter().filter(skipped).count(), 3);
    assert!(
        summary(&report)[0].starts_with("s0 failed 0: 1 of 5 items failed: [1] "),
        "{:?}",
        summary(&report)
    );
    assert_eq!(summary(&report)[1], "s1 succeeded 1");
}

#[test]
fn a_step_that_reads_what_was_not_written_down_is_named() {
    let reader = step("sleep", json!({ "seconds": "$<step-outputs.s0.text>" }), &[1]);
    let steps = [step("give", json!({}), &[]), step("sleep", json!({ "seconds": 9 }), &[0]), reader];
    let plan = Arc::new(PlanDraft::new(steps).build());
    let unit = |step| Unit::from(StepIndex::new(step));
    let kinds = [
        EventKind::RunStarted { run_id: "r".into() },
        EventKind::AttemptStarted { step: unit(0), attempt: 1 },
        EventKind::AttemptFinished {
            step: unit(0),
            attempt: 1,
            outcome: Outcome::Succeeded(Arc::new(json!({ "text": "***" }))),
            masked: true,
        },
        EventKind::StepFinished { step: unit(0), status: StepStatus::Succeeded, cause: None },
    ];
    let events: Vec<Event> =
        (0..).zip(kinds).map(|(seq, kind)| Event { seq, at: Timestamp::default(), kind }).collect();
    let lost = Some(LostSecret { step: "s2", of: Some("s0") });
    assert_eq!(RunState::of(&plan, &events).lost_secret(&plan), lost);
    assert_eq!(RunState::of(&plan, &events[..2]).lost_secret(&plan), None);
}

#[tokio::test(start_paused = true)]
async fn nobody_knows_better_about_what_has_ended() {
    let plan =
        Arc::new(PlanDraft::new([step("give", json!({}), &[]), step("give", json!({}), &[0])]).build());
    let (_, kinds) = run(PlanDraft::new([step("give", json!({}), &[]), step("give", json!({}), &[0])])).await;
    let begun = kinds.into_iter().take_while(|one| {
        !matches!(one, EventKind::AttemptStarted { step, .. } if *step == Unit::from(StepIndex::new(1)))
    });
    let events: Vec<Event> =
        (0..).zip(begun).map(|(seq, kind)| Event { seq, at: Timestamp::default(), kind }).collect();
    let assume = vec![("s0".to_owned(), false), ("s0".to_owned(), true)];
    let engine = Engine::builder(Registry::default()).build();
    let run = engine.resume(plan, &events, Resume { assume, ..Resume::default() }).unwrap();
    assert_eq!(run.finish().await.unwrap().tally().succeeded, 2);
}

#[tokio::test(start_paused = true)]
async fn a_fan_of_ten_thousand_items_ends() {
    let many = step("give", json!({}), &[]).foreach(json!((0..10_000).collect::<Vec<_>>()), Some(3), true);
    let (report, _) = run(PlanDraft::new([many])).await;
    assert_eq!(report.tally().succeeded, 1);
    let text = step("give", json!({}), &[]).foreach(json!("abc"), None, true);
    let (report, _) = run(PlanDraft::new([text])).await;
    assert!(summary(&report)[0].starts_with("s0 failed 0: "), "{:?}", summary(&report));
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_held_by_one_step_at_a_time() {
    let began = tokio::time::Instant::now();
    let sleep = |needs: &[usize]| step("sleep", json!({ "seconds": 2 }), needs);
    let steps = [sleep(&[]).lock("db"), sleep(&[]).lock("db"), sleep(&[])];
    let (report, _) = run(PlanDraft::new(steps)).await;
    assert_eq!(report.tally().succeeded, 3);
    assert_eq!(began.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn runs_that_share_a_lock_follow_each_other() {
    let began = tokio::time::Instant::now();
    let engine = Engine::builder(Registry::default()).build();
    let draft = PlanDraft {
        lock: Some("release".into()),
        ..PlanDraft::new([step("sleep", json!({ "seconds": 2 }), &[])])
    };
    let runs = [engine.start(draft.clone().build()), engine.start(draft.clone().build())];
    for run in runs {
        assert_eq!(run.finish().await.unwrap().status(), RunStatus::Succeeded);
    }
    assert_eq!(began.elapsed().as_secs(), 4);
    // Who gives up waiting has done nothing.
    let first = engine.start(draft.clone().build());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = engine.start(rollback(draft).build());
    tokio::time::sleep(Duration::from_millis(100)).await;
    second.cancel("no patience");
    assert_eq!(second.finish().await.unwrap().status(), RunStatus::Cancelled);
    assert_eq!(first.finish().await.unwrap().status(), RunStatus::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn results_of_an_earlier_run_stand_for_steps() {
    let world = "rerun";
    let steps = [deed("mark", world, &[]), deed("mark", world, &[0]), deed("mark", world, &[])];
    let draft = PlanDraft::new(steps);
    let (report, _) = run(draft.clone()).await;
    let plan = Arc::new(draft.build());
    let (first, last) = (plan.find("s0").unwrap(), plan.find("s2").unwrap());
    let output = Arc::clone(report.state().reusable(first).unwrap());
    let engine = Engine::builder(Registry::default()).build();
    let start = Start {
        reuse: vec![crate::run::Reused { step: first, run: report.run_id().into(), output }],
        leave_out: vec![last],
        ..Start::new("again")
    };
    let again = engine.start_with(plan, start).finish().await.unwrap();
    assert_eq!(
        summary(&again),
        ["s0 succeeded 0", "s1 succeeded 1", "s2 skipped 0: only other steps were wanted"]
    );
    assert_eq!(again.state().step(first).reused_from(), Some(report.run_id()));
}

#[tokio::test(start_paused = true)]
async fn killing_what_is_being_taken_back_leaves_it_to_another_process() {
    let world = "killed";
    let slow = step("mark", json!({ "world": world, "seconds": 5 }), &[0]);
    let draft = rollback(PlanDraft::new([deed("mark", world, &[]), slow]));
    let (report, events) = super::run_events_with(draft.clone(), |run| {
        let control = run.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            control.kill();
        });
    })
    .await;
    assert_eq!(report.status(), RunStatus::Interrupted);
    assert_eq!(deeds(world), ["+s0"]);
    let (report, _) = resume(draft, &events, Resume::default()).await;
    assert_eq!(report.status(), RunStatus::RolledBack);
    assert_eq!(deeds(world), ["+s0", "-s0"]);
}
