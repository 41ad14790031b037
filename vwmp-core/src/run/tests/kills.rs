//! The process dies at every point of a run, and another one continues it: the end is always the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use vwmp_interfaces::workflow_type::FailurePolicy;
use vwmp_interfaces::{BoxFuture, Timestamp};

use super::plans::{PlanDraft, step};
use super::summary;
use super::world::{deed, deeds, standing};
use crate::registry::Registry;
use crate::run::memory::{MemoryJournal, MemoryKeepsakes};
use crate::run::{
    Engine, Event, EventKind, Journal, JournalError, PausedClock, Report, Resume, RunStatus, Survive,
};

/// A journal whose process dies: before what is appended is kept, or right after it.
struct Dying {
    kept: MemoryJournal,
    left: usize,
    after: bool,
}

impl Journal for Dying {
    fn append<'a>(
        &'a mut self,
        events: &'a [Event],
        survive: Survive,
    ) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            if self.left > 0 {
                self.left -= 1;
                return self.kept.append(events, survive).await;
            }
            if self.after {
                self.kept.append(events, survive).await?;
            }
            Err(JournalError { message: "the process died".into(), source: None })
        })
    }
}

fn fresh_world(name: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{name} {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Thirty steps' worth: chains, retries, a fan-out, a lock, an approval, a point of no return, `finally`.
fn draft(world: &str, fails: bool) -> PlanDraft {
    let last = step("mark_once", json!({ "world": world, "fails": fails }), &[5, 6, 7]);
    let steps = [
        deed("mark", world, &[]),
        deed("mark_once", world, &[0]),
        step("fail", json!({ "times": 1 }), &[0]).retries(5),
        deed("mark_once", world, &[1]).foreach(json!([1, 2, 3, 4]), Some(2), false),
        step("ask", json!({}), &[2]),
        deed("mark", world, &[3, 4]).lock("db"),
        deed("mark_once", world, &[3]).lock("db"),
        deed("mark", world, &[2]),
        last,
        deed(if fails { "mark" } else { "publish" }, world, &[8]),
    ];
    let draft = PlanDraft::new(steps).finally([deed("mark", world, &[]), step("give", json!({}), &[10])]);
    PlanDraft { on_failure: FailurePolicy::Rollback, max_parallel: 3, ..draft }
}

/// Drives a run until it ends or its process dies; gives the report, or nothing.
async fn drive(
    draft: &PlanDraft,
    journal: &MemoryJournal,
    keepsakes: &Arc<MemoryKeepsakes>,
    dies: Option<(usize, bool)>,
) -> Option<Report> {
    let plan = Arc::new(draft.clone().build());
    let (kept, kept_back) = (journal.clone(), Arc::clone(keepsakes));
    let (left, after) = dies.unwrap_or((usize::MAX, false));
    let engine = Engine::builder(Registry::default())
        .clock(PausedClock::starting(Timestamp::from_micros(1_800_000_000_000_000)))
        .keepsakes(move |_| Arc::clone(&kept_back) as _)
        .journal(move |_| Box::new(Dying { kept: kept.clone(), left, after }))
        .build();
    let so_far = journal.events();
    let mut run = if so_far.is_empty() {
        engine.start(plan)
    } else {
        engine.resume(plan, &so_far, Resume::default()).unwrap()
    };
    let (control, mut events) = (run.control(), run.events().unwrap());
    control.answer("s4", true, "ann", "");
    let answering = tokio::spawn(async move {
        while let Some(batch) = events.next().await {
            if batch.iter().any(|event| matches!(event.kind, EventKind::AttemptFinished { .. })) {
                control.answer("s4", true, "ann", "");
            }
        }
    });
    let report = run.finish().await.ok();
    answering.abort();
    report
}

/// What a run came to, without what only says how it got there: numbers of attempts (which `test.fail` gives as its
/// output), and the order among steps that don't need each other.
fn ends(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = report
        .steps()
        .filter(|step| step.handler != "test.fail" || step.error.is_some())
        .map(|step| {
            format!(
                "{} {} {:?} {:?}",
                step.id,
                step.status.name(),
                step.output,
                step.error.map(|one| one.message)
            )
        })
        .collect();
    let mut undone = report.undone();
    undone.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    lines.push(format!("{undone:?}"));
    lines.push(report.status().name().to_owned());
    lines
}

async fn campaign(fails: bool, status: RunStatus) {
    let world = fresh_world("whole");
    let (whole, keepsakes) = (MemoryJournal::default(), Arc::default());
    let report = drive(&draft(&world, fails), &whole, &keepsakes, None).await.unwrap();
    assert_eq!(report.status(), status, "{:#?}", summary(&report));
    let expected = ends(&report);
    let mut done = deeds(&world);
    done.sort_unstable();
    let mut kills = 0;
    for (first, after) in (0..40).flat_map(|first| [(first, false), (first, true)]) {
        // Once in the beginning, and again and again while it is continued.
        for again in [usize::MAX, 0, 1, 3] {
            let world = fresh_world("killed");
            let (journal, keepsakes) = (MemoryJournal::default(), Arc::default());
            let draft = draft(&world, fails);
            let mut report = drive(&draft, &journal, &keepsakes, Some((first, after))).await;
            let mut left = again;
            while report.is_none() {
                kills += 1;
                left = left.saturating_add(2);
                report = drive(&draft, &journal, &keepsakes, Some((left, after))).await;
            }
            assert_eq!(ends(&report.unwrap()), expected, "killed at append {first}");
            for once in ["s1", "s3[0]", "s3[1]", "s3[2]", "s3[3]", "s6", "s8"] {
                let times = deeds(&world).iter().filter(|deed| **deed == format!("+{once}")).count();
                assert!(times <= 1, "{once} was done {times} times: {:?}", deeds(&world));
            }
            for step in 0..12 {
                let id = format!("s{step}");
                assert_eq!(
                    standing(&world, &id).signum(),
                    {
                        let count =
                            |sign: &str| done.iter().filter(|deed| **deed == format!("{sign}{id}")).count();
                        i32::from(count("+") > count("-"))
                    },
                    "{id} after a kill at append {first}: {:?}",
                    deeds(&world)
                );
            }
        }
    }
    assert!(kills > 300, "{kills}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    campaign(false, RunStatus::Succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    campaign(true, RunStatus::RolledBack).await;
}
