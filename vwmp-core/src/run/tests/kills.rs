//! The process or the machine dies at every point of a run, and another process continues it: the end is always the same.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use vwmp_interfaces::workflow_type::FailurePolicy;
use vwmp_interfaces::{BoxFuture, Effect, Timestamp};

use super::plans::{PlanDraft, StepDraft, step};
use super::summary;
use super::world::{deed, deeds, standing};
use crate::plan::PlannedStep;
use crate::registry::Registry;
use crate::run::memory::{MemoryJournal, MemoryKeepsakes, MemoryLog};
use crate::run::{
    Engine, Event, EventKind, Journal, JournalError, PausedClock, Report, Resume, ResumeError, RunStatus,
    Survive,
};

/// Where events are kept when the process dies, and how many of them when the machine does.
#[derive(Clone, Default)]
struct Disk {
    journal: MemoryJournal,
    synced: Arc<AtomicUsize>,
    /// How often the machine has gone down; nothing where that can't be told.
    boots: Option<usize>,
}

impl Disk {
    async fn keep(&mut self, events: &[Event], survive: Survive) -> Result<(), JournalError> {
        self.journal.append(events, survive).await?;
        if survive == Survive::PowerCut {
            self.synced.store(self.journal.events().len(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whatever needed not be on the disk is lost.
    async fn lose_power(&mut self) {
        let events = self.journal.events();
        self.journal = MemoryJournal::default();
        let kept = &events[..self.synced.load(Ordering::Relaxed)];
        self.journal.append(kept, Survive::PowerCut).await.unwrap();
        self.boots = self.boots.map(|boots| boots + 1);
    }
}

/// A journal whose process dies: before what is appended is kept, or right after it.
struct Dying {
    disk: Disk,
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
                return self.disk.keep(events, survive).await;
            }
            if self.after {
                self.disk.keep(events, survive).await?;
            }
            Err(JournalError { message: "the process died".into(), source: None })
        })
    }

    fn boot(&self) -> Option<Arc<str>> {
        self.disk.boots.map(|boots| boots.to_string().into())
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

/// Many steps that are ready at once and must not be repeated, so that starts are announced ahead of them.
fn wide(world: &str) -> PlanDraft {
    let first = (0..12).map(|_| deed("mark_once", world, &[]));
    let second = (0..12).map(|step| deed(if step % 2 == 0 { "mark" } else { "mark_once" }, world, &[step]));
    let never = deed("mark_once", world, &[]).when("false");
    let fan = deed("mark_once", world, &[0]).foreach(json!([1, 2, 3, 4, 5, 6, 7, 8]), None, false);
    let steps: Vec<StepDraft> = first.chain([never]).chain(second).chain([fan]).collect();
    PlanDraft { max_parallel: 2, ..PlanDraft::new(steps) }
}

/// Drives a run until it ends or its process dies; gives the report, or nothing.
async fn drive(
    draft: &PlanDraft,
    disk: &Disk,
    keepsakes: &Arc<MemoryKeepsakes>,
    dies: Option<(usize, bool)>,
) -> Option<Report> {
    let plan = Arc::new(draft.clone().build());
    let (kept, kept_back) = (disk.clone(), Arc::clone(keepsakes));
    let (left, after) = dies.unwrap_or((usize::MAX, false));
    let engine = Engine::builder(Registry::default())
        .clock(PausedClock::starting(Timestamp::from_micros(1_800_000_000_000_000)))
        .keepsakes(move |_| Arc::clone(&kept_back) as _)
        .journal(move |_| Box::new(Dying { disk: kept.clone(), left, after }))
        .build();
    let so_far = disk.journal.events();
    let mut run = if so_far.is_empty() {
        engine.start(Arc::clone(&plan))
    } else {
        match engine.resume(Arc::clone(&plan), &so_far, Resume::default()) {
            // It died with nothing left to do.
            Err(ResumeError::Ended(_)) => {
                return Report::of(plan, &so_far, Arc::new(MemoryLog::default())).ok();
            }
            run => run.unwrap(),
        }
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

/// What dies.
#[derive(Clone, Copy, PartialEq)]
enum Dies {
    Process,
    Machine,
}

async fn campaign(draft: impl Fn(&str) -> PlanDraft, status: RunStatus, dies: Dies) {
    let world = fresh_world("whole");
    let fresh_disk = || Disk { boots: Some(0), ..Disk::default() };
    let report = drive(&draft(&world), &fresh_disk(), &Arc::default(), None).await.unwrap();
    assert_eq!(report.status(), status, "{:#?}", summary(&report));
    let expected = ends(&report);
    let mut done = deeds(&world);
    done.sort_unstable();
    let plan = draft(&world).build();
    let is_once = |step: &&PlannedStep| step.handler.effect() == Effect::Once;
    let once: BTreeSet<&str> = plan.steps().iter().filter(is_once).map(PlannedStep::id).collect();
    let mut kills = 0;
    for (first, after) in (0..40).flat_map(|first| [(first, false), (first, true)]) {
        // Once in the beginning, and again and again while it is continued.
        for again in [usize::MAX, 0, 1, 3] {
            let world = fresh_world("killed");
            let (mut disk, keepsakes) = (fresh_disk(), Arc::default());
            let draft = draft(&world);
            let mut report = drive(&draft, &disk, &keepsakes, Some((first, after))).await;
            let mut left = again;
            while report.is_none() {
                kills += 1;
                if dies == Dies::Machine {
                    disk.lose_power().await;
                }
                left = left.saturating_add(2);
                report = drive(&draft, &disk, &keepsakes, Some((left, after))).await;
            }
            assert_eq!(ends(&report.unwrap()), expected, "killed at append {first}");
            let deeds = deeds(&world);
            let ids: BTreeSet<&str> = done.iter().chain(&deeds).map(|deed| &deed[1..]).collect();
            for id in ids {
                let times = |of: &[String], sign: &str| {
                    of.iter().filter(|deed| **deed == format!("{sign}{id}")).count()
                };
                if once.contains(id.split('[').next().unwrap()) {
                    assert!(times(&deeds, "+") <= 1, "{id} was done twice: {deeds:?}");
                }
                let stands = i32::from(times(&done, "+") > times(&done, "-"));
                let killed = format!("{id} after a kill at append {first}: {deeds:?}");
                assert_eq!(standing(&world, id).signum(), stands, "{killed}");
            }
        }
    }
    assert!(kills > 300, "{kills}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    campaign(|world| draft(world, false), RunStatus::Succeeded, Dies::Process).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    campaign(|world| draft(world, true), RunStatus::RolledBack, Dies::Process).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_the_same_after_power_cuts() {
    campaign(|world| draft(world, false), RunStatus::Succeeded, Dies::Machine).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_ends_the_same_after_power_cuts() {
    campaign(|world| draft(world, true), RunStatus::RolledBack, Dies::Machine).await;
}

#[tokio::test(start_paused = true)]
async fn announced_starts_are_looked_up_after_a_power_cut_and_not_after_a_kill() {
    campaign(wide, RunStatus::Succeeded, Dies::Machine).await;
    campaign(wide, RunStatus::Succeeded, Dies::Process).await;
    let world = fresh_world("announced");
    let mut disk = Disk { boots: Some(0), ..Disk::default() };
    // Enough to announce some, and to begin only a few of these.
    assert!(drive(&wide(&world), &disk, &Arc::default(), Some((4, true))).await.is_none());
    let events = disk.journal.events();
    let announced = events.iter().filter(|event| matches!(event.kind, EventKind::StartsAnnounced { .. }));
    assert!(announced.count() > 0, "{events:#?}");
    let looked_up = |events: &[Event]| {
        events.iter().filter(|event| matches!(event.kind, EventKind::LookupStarted { .. })).count()
    };
    drive(&wide(&world), &disk, &Arc::default(), Some((3, true))).await;
    assert!(looked_up(&disk.journal.events()) <= 2, "{:#?}", disk.journal.events());
    disk.lose_power().await;
    drive(&wide(&world), &disk, &Arc::default(), None).await.unwrap();
    assert!(looked_up(&disk.journal.events()) > 4, "{:#?}", disk.journal.events());
}
