//! The run as a whole, on paused time.

mod continued;
mod durable;
mod handlers;
mod isolation;
mod kills;
mod plans;
mod policies;
mod properties;
mod timings;
mod world;

use std::sync::Arc;

use vwmp_interfaces::Timestamp;

use self::plans::PlanDraft;
use super::{Engine, EngineBuilder, Event, EventKind, PausedClock, Report, Resume};
use crate::registry::Registry;

/// Runs a plan to its end; gives the report and what happened.
async fn run(draft: PlanDraft) -> (Report, Vec<EventKind>) {
    run_with(draft, |_| {}).await
}

async fn run_with(draft: PlanDraft, during: impl FnOnce(&super::Run)) -> (Report, Vec<EventKind>) {
    let (report, events) = run_events_with(draft, during).await;
    (report, events.into_iter().map(|event| event.kind).collect())
}

/// The same, with numbers and times.
async fn run_events(draft: PlanDraft) -> (Report, Vec<Event>) {
    run_events_with(draft, |_| {}).await
}

async fn run_events_with(draft: PlanDraft, during: impl FnOnce(&super::Run)) -> (Report, Vec<Event>) {
    let (engine, journal) = engine();
    let run = engine.start(Arc::new(draft.build()));
    during(&run);
    let report = run.finish().await.unwrap();
    (report, journal.events())
}

/// Continues a run after these events; gives the report and all events, from the first.
async fn resume(draft: PlanDraft, events: &[Event], how: Resume) -> (Report, Vec<Event>) {
    resume_with(draft, events, how, |_| {}).await
}

async fn resume_with(
    draft: PlanDraft,
    events: &[Event],
    how: Resume,
    during: impl FnOnce(&super::Run),
) -> (Report, Vec<Event>) {
    let (engine, journal) = engine();
    let run = engine.build().resume(Arc::new(draft.build()), events, how).unwrap();
    during(&run);
    let report = run.finish().await.unwrap();
    (report, [events, &journal.events()].concat())
}

fn engine() -> (EngineBuilder, super::memory::MemoryJournal) {
    let journal = super::memory::MemoryJournal::default();
    let kept = journal.clone();
    let engine = Engine::builder(Registry::default())
        .clock(PausedClock::starting(Timestamp::from_micros(1_800_000_000_000_000)))
        .journal(move |_| Box::new(journal.clone()));
    (engine, kept)
}

/// `id status attempts error`, a line a step.
fn summary(report: &Report) -> Vec<String> {
    report
        .steps()
        .map(|step| {
            let error = step.error.map(|error| format!(": {}", error.message)).unwrap_or_default();
            format!("{} {} {}{error}", step.id, step.status.name(), step.attempts)
        })
        .collect()
}
