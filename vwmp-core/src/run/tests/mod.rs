//! The run as a whole, on paused time.

mod handlers;
mod isolation;
mod plans;
mod policies;
mod properties;

use std::sync::Arc;

use vwmp_interfaces::Timestamp;

use self::plans::PlanDraft;
use super::{Engine, EventKind, PausedClock, Report};
use crate::registry::Registry;

/// Runs a plan to its end; gives the report and what happened.
async fn run(draft: PlanDraft) -> (Report, Vec<EventKind>) {
    run_with(draft, |_| {}).await
}

async fn run_with(draft: PlanDraft, during: impl FnOnce(&super::Run)) -> (Report, Vec<EventKind>) {
    let journal = super::memory::MemoryJournal::default();
    let kept = journal.clone();
    let run = Engine::builder(Registry::default())
        .clock(PausedClock::starting(Timestamp::from_micros(1_800_000_000_000_000)))
        .journal(move |_| Box::new(journal.clone()))
        .start(Arc::new(draft.build()));
    during(&run);
    let report = run.finish().await.unwrap();
    (report, kept.events().into_iter().map(|event| event.kind).collect())
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
