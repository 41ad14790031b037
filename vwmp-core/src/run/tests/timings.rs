//! Where the time went.

use std::sync::Arc;

use serde_json::{Value, json};
use vwmp_interfaces::Timestamp;

use super::plans::{PlanDraft, StepDraft, step};
use crate::plan::StepIndex;
use crate::run::timings::critical_path;
use crate::run::{Event, EventKind, Outcome, RunState, StepStatus};

fn noop(needs: &[usize]) -> StepDraft {
    step("give", json!({}), needs)
}

/// The path of a run in which steps began and ended at these seconds, as `step waited+took`.
fn path(draft: PlanDraft, spans: &[(usize, u64, u64)]) -> Vec<String> {
    let plan = draft.build();
    let mut happened = vec![(0, EventKind::RunStarted { run_id: "r".into() })];
    for &(number, start, end) in spans {
        let step = StepIndex::new(number).into();
        let outcome = Outcome::Succeeded(Arc::new(Value::Null));
        happened.push((start, EventKind::AttemptStarted { step, attempt: 1 }));
        happened.push((end, EventKind::AttemptFinished { step, attempt: 1, outcome, masked: false }));
        happened.push((end, EventKind::StepFinished { step, status: StepStatus::Succeeded, cause: None }));
    }
    let at = |second: u64| Timestamp::from_micros((1_800_000_000 + second) * 1_000_000);
    let events: Vec<Event> =
        happened.into_iter().map(|(second, kind)| Event { seq: 0, at: at(second), kind }).collect();
    let path = critical_path(&plan, &RunState::of(&plan, &events));
    let told = path
        .iter()
        .map(|one| format!("{} {}+{}", plan[one.step].id(), one.waited.as_secs(), one.took.as_secs()));
    told.collect()
}

#[test]
fn the_critical_path_is_the_chain_that_ended_last() {
    let diamond = || PlanDraft::new([noop(&[]), noop(&[0]), noop(&[0]), noop(&[1, 2])]);
    for (draft, spans, expected) in [
        (PlanDraft::new([]), &[][..], &[][..]),
        // The slow side of a diamond.
        (diamond(), &[(0, 0, 2), (1, 2, 3), (2, 2, 9), (3, 9, 10)], &["s0 0+2", "s2 0+7", "s3 0+1"]),
        // Who is ready and has to wait for a place says how long.
        (diamond(), &[(0, 1, 2), (1, 2, 8), (2, 8, 9), (3, 9, 10)], &["s0 1+1", "s2 6+1", "s3 0+1"]),
        // What has not ended is on no path.
        (diamond(), &[(0, 0, 2), (1, 2, 3)], &["s0 0+2", "s1 0+1"]),
        // Steps side by side: the one that ended last; of two, the first.
        (PlanDraft::new([noop(&[]), noop(&[])]), &[(0, 0, 4), (1, 0, 3)], &["s0 0+4"]),
        (PlanDraft::new([noop(&[]), noop(&[])]), &[(0, 0, 4), (1, 1, 4)], &["s0 0+4"]),
        // A `finally` step waits for all that came before.
        (
            PlanDraft::new([noop(&[]), noop(&[])]).finally([noop(&[])]),
            &[(0, 0, 4), (1, 0, 3), (2, 5, 6)],
            &["s0 0+4", "s2 1+1"],
        ),
    ] {
        assert_eq!(path(draft, spans), expected, "{spans:?}");
    }
}
