//! The store from outside: what it keeps, who may drive a run, and what happens when things go wrong.

#![expect(clippy::unwrap_used, reason = "what these are for may fail only in a broken store")]

mod damage;
mod keeping;
mod processes;
mod room;
mod suite;

use std::sync::Arc;

use serde_json::json;
use vwmp_core::run::{Event, EventKind, Outcome, RunStatus, StepStatus, Unit};
use vwmp_interfaces::Timestamp;
use vwmp_store::NewRun;

fn new_run(id: &str) -> NewRun<'_> {
    NewRun {
        id,
        workflow: "release",
        source: "release.yaml",
        workflow_type: None,
        key: None,
        parent: None,
        steps: 2,
        started: Timestamp::from_micros(1_800_000_000_000_000),
        record: b"made from this",
    }
}

fn event(seq: u64, kind: EventKind) -> Event {
    Event { seq, at: Timestamp::from_micros(1_800_000_000_000_000 + seq), kind }
}

fn step(number: u64) -> Unit {
    serde_json::from_value(json!(number)).unwrap()
}

fn begun(id: &str) -> Vec<Event> {
    vec![
        event(0, EventKind::RunStarted { run_id: id.into() }),
        event(1, EventKind::AttemptStarted { step: step(0), attempt: 1 }),
    ]
}

fn ended(from: u64) -> Vec<Event> {
    let outcome = Outcome::Succeeded(Arc::new(json!({ "version": "1.3.0" })));
    let finished = EventKind::StepFinished { step: step(0), status: StepStatus::Succeeded, cause: None };
    vec![
        event(from, EventKind::AttemptFinished { step: step(0), attempt: 1, outcome, masked: false }),
        event(from + 1, finished),
        event(from + 2, EventKind::RunFinished { status: RunStatus::Succeeded }),
    ]
}
