//! What holds for every run, whatever the plan.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::workflow_type::FailurePolicy;

use super::plans::{PlanDraft, StepDraft, step};
use crate::plan::Plan;
use crate::registry::Registry;
use crate::run::Phase;
use crate::run::memory::MemoryJournal;
use crate::run::{Engine, Event, EventKind, PausedClock, Report, RunState, Unit};

fn any_step(number: usize) -> impl Strategy<Value = StepDraft> {
    let handler = prop_oneof![
        4 => Just(("give", json!({}))),
        2 => Just(("fail", json!({ "times": 1 }))),
        1 => Just(("fail", json!({}))),
        1 => Just(("fail", json!({ "permanent": true }))),
        1 => Just(("panic", json!({}))),
        2 => (1..20_u64).prop_map(|seconds| ("sleep", json!({ "seconds": seconds }))),
    ];
    let when = prop_oneof![
        8 => Just(None),
        1 => Just(Some("always()")),
        1 => Just(Some("failed()")),
        1 => Just(Some("1 > 2")),
    ];
    let needs = prop::collection::hash_set(0..number.max(1), 0..4);
    (handler, when, needs, 1..3_u32, any::<bool>(), -1..2_i32, prop::option::of(5..15_u64)).prop_map(
        move |((handler, config), when, needs, attempts, required, priority, timeout)| {
            let mut needs: Vec<usize> = needs.into_iter().filter(|&need| need < number).collect();
            needs.sort_unstable();
            let mut draft = step(handler, config, &needs).retries(attempts);
            draft.when = when.map(str::to_owned);
            draft.policy.required = required;
            draft.policy.priority = priority;
            draft.policy.timeout = timeout.map(Duration::from_secs);
            draft
        },
    )
}

fn any_plan() -> impl Strategy<Value = PlanDraft> {
    let steps = (1..25_usize).prop_flat_map(|count| (0..count).map(any_step).collect::<Vec<_>>());
    (steps, 1..6_usize, any::<bool>(), 0..3_usize).prop_map(|(mut steps, max_parallel, stop, last)| {
        let finally = steps.split_off(steps.len() - last.min(steps.len()));
        let on_failure = if stop { FailurePolicy::Stop } else { FailurePolicy::Continue };
        PlanDraft { max_parallel, on_failure, ..PlanDraft::new(steps).finally(finally) }
    })
}

fn run(draft: PlanDraft, cancel_after: Option<u64>) -> (Arc<Plan>, Report, Vec<Event>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let plan = Arc::new(draft.build());
    let journal = MemoryJournal::default();
    let kept = journal.clone();
    let report = runtime.block_on(async {
        let run = Engine::builder(Registry::default())
            .clock(PausedClock::starting(Timestamp::from_micros(1_800_000_000_000_000)))
            .journal(move |_| Box::new(journal.clone()))
            .start(Arc::clone(&plan));
        if let Some(seconds) = cancel_after {
            let control = run.control();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                control.cancel("test");
            });
        }
        run.finish().await.unwrap()
    });
    (plan, report, kept.events())
}

/// Walks through the events as a reader who trusts nobody.
fn check(plan: &Plan, events: &[Event]) {
    let mut running = HashSet::new();
    let mut ended: HashMap<Unit, usize> = HashMap::new();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event.seq, number as u64, "events are numbered without a gap");
        match &event.kind {
            EventKind::AttemptStarted { step, .. } => {
                assert!(running.insert(*step), "one attempt at a time");
                assert!(!ended.contains_key(step), "nothing starts after its end");
                assert!(running.len() <= plan.max_parallel(), "the limit holds");
                for &need in plan.needs(step.step) {
                    assert!(ended.contains_key(&need.into()), "needs end first");
                }
                if plan.is_finally(step.step) {
                    let main = plan.indexed().filter(|(step, _)| !plan.is_finally(*step));
                    assert!(
                        main.into_iter().all(|(step, _)| ended.contains_key(&step.into())),
                        "finally comes last"
                    );
                }
            }
            EventKind::AttemptFinished { step, .. } => assert!(running.remove(step), "what ends was running"),
            EventKind::StepFinished { step, .. } => {
                assert!(!running.contains(step), "a step ends after its attempt");
                *ended.entry(*step).or_default() += 1;
            }
            _ => {}
        }
    }
    assert!(running.is_empty());
    assert_eq!(ended.len(), plan.steps().len(), "every step ends");
    assert!(ended.values().all(|&times| times == 1), "and only once");
    assert!(matches!(events.last().unwrap().kind, EventKind::RunFinished { .. }));
}

/// A state folded from the events as they come back from JSON.
fn replay(plan: &Plan, events: &[Event]) -> RunState {
    let mut state = RunState::new(plan);
    for event in events {
        let text = serde_json::to_string(event).unwrap();
        state.apply(plan, &serde_json::from_str(&text).unwrap());
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_keeps_the_rules(draft in any_plan(), cancel in prop::option::of(0..30_u64)) {
        let (plan, report, events) = run(draft, cancel);
        check(&plan, &events);
        let state = replay(&plan, &events);
        prop_assert_eq!(state.tally(), report.tally());
        prop_assert_eq!(state.ended().map(|(status, _)| status), Some(report.status()));
        for ((step, _), told) in plan.indexed().zip(report.steps()) {
            prop_assert_eq!(state.step(step).phase(), Phase::Ended(told.status));
            prop_assert_eq!(state.step(step).attempts(), told.attempts);
            prop_assert_eq!(state.output(step).map(|output| &**output), told.output);
            prop_assert_eq!(state.error_of(&plan, step), told.error.map(|error| error.message));
        }
    }

    #[test]
    fn the_same_plan_gives_the_same_events(draft in any_plan()) {
        let kinds = |draft| {
            let (_, _, events) = run(draft, None);
            events.into_iter().map(|event| (event.at, event.kind)).skip(1).collect::<Vec<_>>()
        };
        let mut twice = [kinds(draft.clone()), kinds(draft)];
        for events in &mut twice {
            // The times attempts were interrupted after are the machine's own.
            events.retain(|(_, kind)| !matches!(kind, EventKind::AttemptFinished { .. }));
        }
        prop_assert_eq!(&twice[0], &twice[1]);
    }
}
