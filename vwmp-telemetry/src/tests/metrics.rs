//! Figures of scripted runs.

use std::sync::Arc;

use serde_json::json;

use super::{eventful, events, release};
use crate::{Metrics, Observer as _};

/// The samples that aren't nought, without the buckets of histograms.
fn samples(metrics: &Metrics) -> Vec<String> {
    let text = metrics.render();
    assert!(text.ends_with("# EOF\n"));
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.contains("_bucket{"));
    lines.filter(|line| !line.ends_with(" 0")).map(str::to_owned).collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn a_whole_run_in_figures() {
    let (plan, events) = eventful();
    let metrics = Metrics::new();
    let mut observer = metrics.of_run(plan);
    events.iter().for_each(|event| observer.observe(event));
    let expected = r#"
vwmp_attempt_duration_seconds_count{handler="test.flaky"} 3
vwmp_attempt_duration_seconds_count{handler="test.work"} 3
vwmp_attempt_duration_seconds_sum{handler="test.flaky"} 2.0
vwmp_attempt_duration_seconds_sum{handler="test.work"} 5.5
vwmp_attempts_total{handler="test.flaky",outcome="failed"} 2
vwmp_attempts_total{handler="test.flaky",outcome="waiting"} 1
vwmp_attempts_total{handler="test.work",outcome="abandoned"} 1
vwmp_attempts_total{handler="test.work",outcome="cached"} 1
vwmp_attempts_total{handler="test.work",outcome="succeeded"} 1
vwmp_cache_hits_total{handler="test.work"} 1
vwmp_items_total{handler="test.work",status="cancelled"} 1
vwmp_items_total{handler="test.work",status="succeeded"} 1
vwmp_retries_total{handler="test.flaky"} 1
vwmp_run_duration_seconds_count{workflow="eventful"} 1
vwmp_run_duration_seconds_sum{workflow="eventful"} 13.0
vwmp_run_last_end_timestamp_seconds{workflow="eventful",status="rollback_failed"} 13
vwmp_runs_total{workflow="eventful",status="rollback_failed"} 1
vwmp_step_duration_seconds_count{handler="test.flaky"} 1
vwmp_step_duration_seconds_count{handler="test.work"} 2
vwmp_step_duration_seconds_sum{handler="test.flaky"} 5.0
vwmp_step_duration_seconds_sum{handler="test.work"} 3.5
vwmp_steps_total{handler="test.flaky",status="failed"} 1
vwmp_steps_total{handler="test.flaky",status="skipped"} 1
vwmp_steps_total{handler="test.work",status="succeeded"} 1
vwmp_steps_total{handler="test.work",status="tolerated"} 1
vwmp_steps_undone_total{handler="test.flaky",result="impossible"} 1
vwmp_steps_undone_total{handler="test.work",result="undone"} 1
vwmp_undo_attempts_total{handler="test.work",outcome="succeeded"} 1
"#;
    assert_eq!(sorted(samples(&metrics)), expected.trim().lines().collect::<Vec<_>>());
}

#[test]
fn what_is_under_way_is_shown_while_it_is() {
    let (plan, events) = eventful();
    let metrics = Metrics::new();
    let mut observer = metrics.of_run(plan);
    let expected: [(usize, &[&str]); 6] = [
        (0, &[]),
        (6, &[r#"vwmp_attempts_running{handler="test.work"} 2"#]),
        (11, &[r#"vwmp_steps_waiting{for="lock"} 1"#]),
        (13, &[r#"vwmp_attempts_running{handler="test.flaky"} 1"#]),
        (14, &[r#"vwmp_steps_waiting{for="approval"} 1"#]),
        (18, &[r#"vwmp_steps_waiting{for="retry"} 1"#]),
    ];
    for (number, event) in events.iter().enumerate().take(19) {
        observer.observe(event);
        if let Some((_, expected)) = expected.iter().find(|(place, _)| *place == number) {
            let now = samples(&metrics);
            let now = now.iter().filter(|line| line.contains("_running{") || line.contains("_waiting{"));
            assert_eq!(now.collect::<Vec<_>>(), *expected, "after event {number}");
            assert!(metrics.render().contains(r#"vwmp_runs_active{workflow="eventful"} 1"#));
        }
    }
    drop(observer);
    let left = samples(&metrics);
    for gauge in ["_running{", "_waiting{", "_active{"] {
        assert!(!left.iter().any(|line| line.contains(gauge)), "{left:?}");
    }
    assert!(!left.iter().any(|line| line.starts_with("vwmp_runs_total")), "an interrupted run has not ended");
}

#[test]
fn what_another_process_counted_is_not_counted_again() {
    let (plan, events) = eventful();
    let metrics = Metrics::new();
    let mut observer = metrics.of_run(plan);
    let (past, now) = events.split_at(15);
    past.iter().for_each(|event| observer.catch_up(event));
    assert_eq!(
        samples(&metrics),
        [r#"vwmp_runs_active{workflow="eventful"} 1"#, r#"vwmp_steps_waiting{for="approval"} 1"#]
    );
    now.iter().for_each(|event| observer.observe(event));
    let all = samples(&metrics);
    for line in [
        r#"vwmp_run_duration_seconds_sum{workflow="eventful"} 13.0"#,
        r#"vwmp_step_duration_seconds_sum{handler="test.flaky"} 5.0"#,
        r#"vwmp_attempts_total{handler="test.flaky",outcome="failed"} 2"#,
    ] {
        assert!(all.iter().any(|one| one == line), "{line} in {all:#?}");
    }
    assert!(!all.iter().any(|line| line.starts_with("vwmp_cache_hits")), "{all:#?}");
}

#[test]
fn runs_side_by_side_do_not_mix() {
    let plan = release();
    let metrics = Metrics::new();
    let (mut one, mut other) = (metrics.of_run(Arc::clone(&plan)), metrics.of_run(Arc::clone(&plan)));
    let script = [
        (0.0, "run_started", json!({ "run_id": "r1" })),
        (1.0, "attempt_started", json!({ "step": "build", "attempt": 1 })),
        (5.0, "attempt_finished", json!({ "step": "build", "attempt": 1, "outcome": { "outcome": "lost" } })),
    ];
    let events = events(&plan, &script);
    one.observe(&events[0]);
    other.observe(&events[0]);
    one.observe(&events[1]);
    other.observe(&events[1]);
    assert!(metrics.render().contains(r#"vwmp_attempts_running{handler="test.work"} 2"#));
    one.observe(&events[2]);
    assert!(metrics.render().contains(r#"vwmp_attempts_running{handler="test.work"} 1"#));
    assert!(metrics.render().contains(r#"vwmp_runs_active{workflow="release"} 2"#));
    assert!(metrics.render().contains(r#"vwmp_attempts_total{handler="test.work",outcome="lost"} 1"#));
    assert!(!metrics.render().contains("vwmp_attempt_duration_seconds_count{"), "nobody saw when it ended");
}

#[test]
fn the_textfile_has_the_figures_in_the_older_format() {
    let (plan, events) = eventful();
    let metrics = Metrics::default();
    let mut observer = metrics.of_run(plan);
    events.iter().for_each(|event| observer.observe(event));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vwmp.prom");
    metrics.write_to(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("# TYPE vwmp_runs_total counter\nvwmp_runs_total{workflow=\"eventful\""), "{text}");
    assert!(
        text.contains("# TYPE vwmp_run_duration_seconds histogram\nvwmp_run_duration_seconds_sum{"),
        "{text}"
    );
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
}
