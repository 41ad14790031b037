//! What begins and ends with events.

use serde_json::json;
use vwmp_core::plan::Plan;
use vwmp_core::run::Event;

use super::{eventful, events, release};
use crate::timeline::{Change, Scope, Timeline, Work};

fn told(plan: &Plan, changes: &[Change]) -> Vec<String> {
    let name = |scope: &Scope| match scope {
        Scope::Run => "run".to_owned(),
        Scope::Step(unit) => unit.id(plan),
        Scope::Undo(unit) => format!("-{}", unit.id(plan)),
        Scope::Attempt(unit, Work::Undo, number) => format!("-{}#{number}", unit.id(plan)),
        Scope::Attempt(unit, _, number) => format!("{}#{number}", unit.id(plan)),
    };
    let line = |change: &Change| match change {
        Change::Opened(scope, _) => format!("{{ {}", name(scope)),
        Change::Closed(scope, opened, _, end) => {
            let took = end.at.since(opened.at).as_secs_f64();
            let error = end.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            format!("}} {} {} {took}{error}", name(scope), end.status)
        }
    };
    changes.iter().map(line).collect()
}

fn whole(plan: &Plan, events: &[Event]) -> Vec<String> {
    let mut timeline = Timeline::default();
    let changes: Vec<_> = events.iter().flat_map(|event| timeline.apply(event)).collect();
    told(plan, &changes)
}

#[test]
fn every_event_has_its_place() {
    let (plan, events) = eventful();
    let expected = [
        "{ run",
        "{ build",
        "{ build#1",
        "} build#1 cached 0.5",
        "} build succeeded 0.5",
        "{ test",
        "{ test[0]",
        "{ test[0]#1",
        "{ test[1]",
        "{ test[1]#1",
        "} test[0]#1 succeeded 2",
        "} test[0] succeeded 2",
        "} test[1]#1 abandoned 3",
        "} test[1] cancelled 3",
        "} test tolerated 3",
        "{ publish",
        "{ publish#1",
        "} publish#1 waiting 0.5",
        "{ publish#2",
        "} publish#2 failed 0.5: 503: busy",
        "{ publish#3",
        "} publish#3 failed 1: 503: busy",
        "} publish failed 5: 503: busy",
        "{ announce",
        "} announce skipped 0",
        "{ -publish",
        "} -publish impossible 0: no way",
        "{ -build",
        "{ -build#1",
        "} -build#1 succeeded 1",
        "} -build undone 1",
        "} run rollback_failed 13: 503: busy",
    ];
    assert_eq!(whole(&plan, &events), expected);
}

/// Wherever the events end or begin, everything that was opened is closed once, and within what it belongs to.
#[test]
fn everything_closes_wherever_events_end_or_begin() {
    let (_, events) = eventful();
    for from in 0..events.len() {
        for to in from..=events.len() {
            let mut timeline = Timeline::default();
            let mut changes: Vec<_> =
                events[from..to].iter().flat_map(|event| timeline.apply(event)).collect();
            changes.extend(timeline.interrupt());
            let mut open = Vec::new();
            for change in &changes {
                match *change {
                    Change::Opened(scope, _) => {
                        assert!(scope.parent().is_none_or(|parent| open.contains(&parent)), "{from}..{to}");
                        assert!(!open.contains(&scope));
                        open.push(scope);
                    }
                    Change::Closed(scope, _, parent, _) => {
                        assert_eq!(parent.is_some(), scope != Scope::Run, "{from}..{to}");
                        assert!(open.contains(&scope));
                        assert!(
                            !open.iter().any(|inner| inner.parent() == Some(scope)),
                            "{from}..{to}: {scope:?}"
                        );
                        open.retain(|one| *one != scope);
                    }
                }
            }
            assert_eq!(open, [], "{from}..{to}");
        }
    }
}

#[test]
fn an_attempt_whose_end_nobody_saw_ends_when_the_run_is_continued() {
    let plan = release();
    let events = events(
        &plan,
        &[
            (0.0, "run_started", json!({ "run_id": "r1" })),
            (1.0, "attempt_started", json!({ "step": "build", "attempt": 1 })),
            (60.0, "run_resumed", json!({ "by": "ann" })),
            (
                60.0,
                "attempt_finished",
                json!({ "step": "build", "attempt": 1, "outcome": { "outcome": "lost" } }),
            ),
            (60.0, "lookup_started", json!({ "step": "build" })),
            (
                61.0,
                "lookup_finished",
                json!({ "step": "build", "found": { "found": "done", "detail": null } }),
            ),
            (61.0, "lookup_finished", json!({ "step": "build", "found": { "found": "not_done" } })),
            (61.0, "step_finished", json!({ "step": "build", "status": "succeeded" })),
            (62.0, "run_aborted", json!({ "failure": { "class": "permanent", "message": "no store" } })),
            (62.0, "run_finished", json!({ "status": "failed" })),
        ],
    );
    let expected = [
        "{ run",
        "{ build",
        "{ build#1",
        "} build#1 lost 59: the process ended while it ran",
        "{ build#0",
        "} build#0 succeeded 1",
        "} build succeeded 60",
        "} run failed 62: no store",
    ];
    assert_eq!(whole(&plan, &events), expected);
}

#[test]
fn a_run_that_is_continued_after_its_end_begins_again() {
    let plan = release();
    let events = events(
        &plan,
        &[
            (0.0, "run_started", json!({ "run_id": "r1" })),
            (
                1.0,
                "step_finished",
                json!({ "step": "build", "status": "failed", "cause":
            { "cause": "failure", "class": "invalid", "message": "when: no such thing" } }),
            ),
            (1.0, "run_finished", json!({ "status": "must_continue" })),
            (9.0, "run_resumed", json!({ "by": "ann" })),
            (9.0, "attempt_started", json!({ "step": "build", "attempt": 1 })),
        ],
    );
    let expected = [
        "{ run",
        "{ build",
        "} build failed 0: when: no such thing",
        "} run must_continue 1: when: no such thing",
        "{ run",
        "{ build",
        "{ build#1",
    ];
    assert_eq!(whole(&plan, &events), expected);
}
