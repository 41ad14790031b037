//! What a run that goes on must not do again, and what it must not forget.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vwmp_interfaces::workflow_type::FailurePolicy;
use vwmp_interfaces::{Clock, Timestamp};

use super::plans::{PlanDraft, step};
use super::world::{deed, deeds};
use super::{resume, run, run_events, summary};
use crate::plan::StepIndex;
use crate::registry::Registry;
use crate::run::clock::Steady;
use crate::run::{
    Engine, Event, EventKind, LostSecret, Order, Outcome, Report, Resume, ResumeError, RunState, RunStatus,
    Undone, Unit,
};

fn rollback(steps: impl Into<Vec<super::plans::StepDraft>>) -> PlanDraft {
    PlanDraft { on_failure: FailurePolicy::Rollback, ..PlanDraft::new(steps) }
}

/// Everything up to the last event of this kind.
fn up_to(events: &[Event], is_last: impl Fn(&EventKind) -> bool) -> Vec<Event> {
    let last = events.iter().rposition(|event| is_last(&event.kind)).unwrap();
    events[..=last].to_vec()
}

fn started(step: usize) -> impl Fn(&EventKind) -> bool {
    let unit = Unit::from(StepIndex::new(step));
    move |kind| matches!(kind, EventKind::AttemptStarted { step, .. } if *step == unit)
}

fn undone(report: &Report) -> Vec<(String, Undone)> {
    report.undone().into_iter().map(|(id, undone, _)| (id, undone)).collect()
}

#[tokio::test(start_paused = true)]
async fn items_that_succeeded_are_not_carried_out_again() {
    let world = "items again";
    let draft = |fails: bool| {
        let items = json!([1, 2, 3]);
        let fan = step("mark_once", json!({ "world": world }), &[0]).foreach(items, Some(1), false);
        let refused =
            step("mark_once", json!({ "world": world, "fails_as": if fails { "s2[1]" } else { "" } }), &[1]);
        rollback([deed("publish", world, &[]), fan, refused.foreach(json!([1, 2, 3]), Some(2), false)])
    };
    let (report, events) = run_events(draft(true)).await;
    assert_eq!(report.status(), RunStatus::MustContinue);
    let (report, events) = resume(draft(false), &events, Resume::default()).await;
    assert_eq!(report.status(), RunStatus::Succeeded, "{:?}", summary(&report));
    assert_eq!(
        deeds(world),
        ["+s0", "+s1[0]", "+s1[1]", "+s1[2]", "+s2[0]", "+s2[2]", "+s2[1]"],
        "each once: the item that failed the second time alone"
    );
    let resumed = events.iter().find_map(|event| match &event.kind {
        EventKind::RunResumed { again, .. } => again.clone(),
        _ => None,
    });
    assert_eq!(resumed.unwrap().succeeded, 2, "what stands is told to who counts");
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_repeated_is_looked_up_before_it_starts_again() {
    for (handler, status) in [("mark_once", RunStatus::Succeeded), ("mark_blind", RunStatus::Interrupted)] {
        let world = format!("slow {handler}");
        let draft = || {
            let slow = step(handler, json!({ "world": world }), &[0]).policy(|policy| {
                policy.timeout = Some(Duration::from_secs(1));
            });
            rollback([deed("publish", &world, &[]), slow])
        };
        let (_, events) = run_events(draft()).await;
        // It did its work, and timed out all the same.
        let mut events = up_to(&events, started(1));
        let interruption = crate::run::event::Interruption { after: Duration::ZERO, abandoned: false };
        let unit = Unit::from(StepIndex::new(1));
        let kinds = [
            EventKind::AttemptFinished {
                step: unit,
                attempt: 1,
                outcome: Outcome::TimedOut(Box::new(interruption)),
                masked: false,
            },
            EventKind::StepFinished { step: unit, status: crate::run::StepStatus::TimedOut, cause: None },
            EventKind::RunFinished { status: RunStatus::MustContinue },
        ];
        for kind in kinds {
            events.push(Event { seq: events.len() as u64, at: events[0].at, kind });
        }
        let (report, _) = resume(draft(), &events, Resume::default()).await;
        assert_eq!(report.status(), status, "{:?}", summary(&report));
        assert_eq!(deeds(&world), ["+s0", "+s1"], "nothing was repeated");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_not_continued() {
    let (_, events) = run_events(PlanDraft::new([step("give", json!({}), &[])])).await;
    let engine = || Engine::builder(Registry::default()).build();
    let plan = || PlanDraft::new([step("give", json!({}), &[])]).build();
    for again in [false, true] {
        let how = Resume { again, ..Resume::default() };
        let refused = engine().resume(plan(), &events, how).err();
        assert_eq!(refused, Some(ResumeError::Ended(RunStatus::Succeeded)));
    }
    let failing = || PlanDraft::new([step("fail", json!({ "permanent": true }), &[])]);
    let (_, events) = run_events(failing()).await;
    let refused = engine().resume(failing().build(), &events, Resume::default()).err();
    assert_eq!(refused.unwrap().to_string(), "the run has ended: failed");
    // Unless that is wanted: what did not succeed starts again.
    let mended = PlanDraft::new([step("give", json!({}), &[])]);
    let (report, _) = resume(mended, &events, Resume { again: true, ..Resume::default() }).await;
    assert_eq!(summary(&report), ["s0 succeeded 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_back_can_start_again() {
    let world = "back and again";
    let draft = |fails: bool| {
        let last = step("mark", json!({ "world": world, "fails": fails }), &[0]);
        rollback([deed("mark_once", world, &[]), last])
    };
    let (report, events) = run_events(draft(true)).await;
    assert_eq!(report.status(), RunStatus::RolledBack);
    let (report, _) = resume(draft(false), &events, Resume { again: true, ..Resume::default() }).await;
    assert_eq!(report.status(), RunStatus::Succeeded);
    assert_eq!(deeds(world), ["+s0", "-s0", "+s0", "+s1"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_back_that_others_may_have_seen() {
    let world = "seen by others";
    let draft = || rollback([deed("mark_once", world, &[]), deed("publish", world, &[0])]);
    let (_, events) = run_events(draft()).await;
    // The process was killed while it published.
    let events = up_to(&events, started(1));
    let undo = |force| Resume { roll_back: Some("a mistake".into()), force, ..Resume::default() };
    let (report, _) = resume(draft(), &events, undo(false)).await;
    assert_eq!((report.status(), undone(&report)), (RunStatus::MustContinue, Vec::new()));
    assert_eq!(deeds(world), ["+s0", "+s1"]);
    let (report, _) = resume(draft(), &events, undo(true)).await;
    assert_eq!(report.status(), RunStatus::RolledBack);
    assert_eq!(deeds(world), ["+s0", "+s1", "-s0"]);
}

#[tokio::test(start_paused = true)]
async fn what_items_of_a_failed_step_did_is_taken_back_by_force() {
    let world = "forced";
    let fan = step("mark_once", json!({ "world": world, "fails_as": "s1[1]" }), &[0]);
    let draft = rollback([deed("publish", world, &[]), fan.foreach(json!([1, 2, 3]), Some(1), false)]);
    let (report, events) = run_events(draft.clone()).await;
    assert_eq!(report.status(), RunStatus::MustContinue);
    let undo = Resume { roll_back: Some("all of it".into()), force: true, ..Resume::default() };
    resume(draft, &events, undo).await;
    assert_eq!(deeds(world), ["+s0", "+s1[0]", "+s1[2]", "-s1[2]", "-s1[0]"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_waits_for_a_lock_no_longer_does_not_get_it() {
    let world = "its own lock";
    let failing = step("mark", json!({ "world": world, "fails": true, "seconds": 1 }), &[]).lock("db");
    let steps = [failing, deed("mark", world, &[]).lock("db")];
    let draft = PlanDraft { on_failure: FailurePolicy::Stop, ..PlanDraft::new(steps) };
    let (report, _) = run(draft.finally([deed("mark", world, &[]).lock("db")])).await;
    assert_eq!(deeds(world), ["+s2"], "{:?}", summary(&report));
}

/// The events between which the step has its lock.
fn locked(events: &[Event], lock: StepIndex) -> Vec<&'static str> {
    events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::RunResumed { .. } => Some("resumed"),
            EventKind::LockAwaited { step: Some(step) } if *step == lock => Some("awaited"),
            EventKind::LockAcquired { step: Some(step) } if *step == lock => Some("acquired"),
            EventKind::AttemptStarted { step, .. } if step.step == lock => Some("started"),
            EventKind::UndoStarted { step, .. } if step.step == lock => Some("undo"),
            EventKind::StepFinished { step, .. } if *step == lock.into() => Some("finished"),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_fan_that_goes_on_takes_its_lock_again() {
    let world = "fan with lock";
    let items = json!([1, 2]);
    let fan = || deed("mark", world, &[]).lock("db").foreach(items.clone(), Some(1), false);
    let (_, events) = run_events(PlanDraft::new([fan()])).await;
    let second = Unit::item_of(StepIndex::new(0), 0);
    let before =
        up_to(&events, |kind| matches!(kind, EventKind::StepFinished { step, .. } if *step == second));
    let (report, events) = resume(PlanDraft::new([fan()]), &before, Resume::default()).await;
    assert_eq!(report.status(), RunStatus::Succeeded);
    assert_eq!(
        locked(&events, StepIndex::new(0)),
        ["awaited", "acquired", "started", "resumed", "awaited", "acquired", "started", "finished"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_is_taken_back_under_its_lock() {
    let world = "undo with lock";
    let failing = step("fail", json!({ "permanent": true }), &[0]);
    let draft = rollback([deed("mark", world, &[]).lock("db"), failing]);
    let (report, events) = run_events(draft).await;
    assert_eq!(report.status(), RunStatus::RolledBack);
    assert_eq!(
        locked(&events, StepIndex::new(0)),
        ["awaited", "acquired", "started", "finished", "awaited", "acquired", "undo"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_wanted_meanwhile_comes_first() {
    let world = "wanted";
    let draft = || PlanDraft::new([step("ask", json!({ "seconds": 60 }), &[]), deed("mark", world, &[0])]);
    let (_, events) = run_events(draft()).await;
    let waiting = up_to(&events, |kind| {
        matches!(kind, EventKind::AttemptFinished { outcome: Outcome::Waiting(_), .. })
    });
    // By now nobody has answered for too long, unless somebody has.
    let answer = |approved| Order::Answer {
        step: "s0".into(),
        approved,
        by: "ann".into(),
        comment: "as agreed".into(),
    };
    let late = |orders| {
        let mut events = waiting.clone();
        events[0].at = Timestamp::default();
        (events, Resume { orders, ..Resume::default() })
    };
    let (events, how) = late(vec![answer(true)]);
    let (report, _) = resume(draft(), &events, how).await;
    assert_eq!(summary(&report), ["s0 succeeded 2", "s1 succeeded 1"]);
    let (events, how) = late(vec![answer(false)]);
    let (report, _) = resume(draft(), &events, how).await;
    assert_eq!(summary(&report)[0], "s0 failed 2: ann said no: as agreed");
    let (events, how) = late(vec![Order::Cancel { reason: "enough".into(), by: None }]);
    let (report, _) = resume(draft(), &events, how).await;
    assert_eq!(report.status(), RunStatus::Cancelled);
    assert_eq!(deeds(world), ["+s1"], "no step started after it was cancelled");
}

#[tokio::test(start_paused = true)]
async fn items_that_are_secret_are_carried_out_as_they_are() {
    let fan = || step("give", json!({ "value": "$<item>" }), &[]).foreach(json!(["hunter2"]), None, false);
    let plan = || {
        let mut plan = PlanDraft::new([fan()]).build();
        plan.secrets = vec!["hunter2".into()];
        plan.masker = crate::masking::Masker::new(&plan.secrets);
        Arc::new(plan)
    };
    let mut run = Engine::builder(Registry::default()).build().start(plan());
    let mut stream = run.events().unwrap();
    let collecting = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(batch) = stream.next().await {
            all.extend(batch.iter().cloned());
        }
        all
    });
    // Giving it is the only way to see it here: shown it is not.
    let control = run.control();
    drop(control);
    let events = collecting.await.unwrap();
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let masked =
        events.iter().any(|event| matches!(event.kind, EventKind::AttemptFinished { masked: true, .. }));
    assert!(masked, "the handler was given the secret itself: {text}");
    let expanded = up_to(&events, |kind| matches!(kind, EventKind::StepExpanded { .. }));
    let state = RunState::of(&plan(), &expanded);
    assert_eq!(state.lost_secret(&plan()), Some(LostSecret { step: "s0", of: None }));
}

/// Shows one time after the other.
struct Jumping(std::sync::Mutex<Vec<u64>>);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.lock().unwrap().pop().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn time_does_not_go_back() {
    let shown = [9_000_000, 2_000_000, 5_000_000, 5_000_000].into_iter().collect();
    let time = Steady::after(Arc::new(Jumping(std::sync::Mutex::new(shown))), None);
    assert_eq!(time.now().as_micros(), 5_000_000);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(time.now().as_micros(), 6_000_000, "it goes on at its own pace");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(time.now().as_micros(), 9_000_000, "it follows the clock when that is ahead");
    let behind = Jumping(std::sync::Mutex::new(vec![1, 1]));
    let later = Steady::after(Arc::new(behind), Some(Timestamp::from_micros(7)));
    assert_eq!(later.now().as_micros(), 7, "what comes is later than what has been");
}
