//! Spans of real runs and of scripted ones.

use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use vwmp_core::plan::Plan;
use vwmp_core::run::memory::MemoryJournal;
use vwmp_core::run::{Engine, LocalExecutor, Resume, Run, RunStatus};

use super::recorder::Recorder;
use super::{eventful, registry, release};
use crate::{Observer as _, Spans};

const FIELDS: [&str; 7] = ["message", "step", "work", "attempt", "handler", "status", "error"];

fn engine(spans: &Spans, journal: &MemoryJournal) -> Engine {
    let journal = journal.clone();
    Engine::builder(registry())
        .executor(spans.executor(LocalExecutor))
        .listen(Arc::new(spans.clone()))
        .journal(move |_| Box::new(journal.clone()))
        .build()
}

async fn follow(spans: &Spans, plan: &Arc<Plan>, mut run: Run) -> RunStatus {
    let mut observer = spans.of_run(Arc::clone(plan), run.id());
    let mut events = run.events().unwrap();
    while let Some(batch) = events.next().await {
        batch.iter().for_each(|event| observer.observe(event));
    }
    run.finish().await.unwrap().status()
}

#[tokio::test(start_paused = true)]
async fn what_handlers_trace_is_found_in_their_attempts() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
    let (spans, journal, plan) = (Spans::default(), MemoryJournal::default(), release());
    let engine = engine(&spans, &journal);

    let above = tracing::info_span!("the embedder's own").entered();
    let run = engine.start(Arc::clone(&plan));
    assert_eq!(follow(&spans, &plan, run).await, RunStatus::Succeeded);
    drop(above);
    let expected = [
        "the embedder's own",
        "  run succeeded",
        "    step build test.work succeeded",
        "      attempt build execute 1 test.work succeeded",
        "        * about to work build 1",
        "        inner work",
        "    step publish test.flaky succeeded",
        "      attempt publish execute 1 test.flaky failed 503",
        "      attempt publish execute 2 test.flaky succeeded",
    ];
    assert_eq!(recorder.tree(&FIELDS), expected);
    assert_eq!(recorder.open(), 0);

    let back = Resume { by: "ann".into(), roll_back: Some("not wanted".into()), ..Resume::default() };
    let run = engine.resume(Arc::clone(&plan), &journal.events(), back).unwrap();
    assert_eq!(follow(&spans, &plan, run).await, RunStatus::RolledBack);
    let expected_then = [
        "run rolled_back",
        "  undo build test.work undone",
        "    attempt build undo 1 test.work succeeded",
        "      inner undo",
    ];
    assert_eq!(recorder.tree(&FIELDS)[expected.len()..], expected_then);
    assert_eq!(recorder.open(), 0);
}

#[test]
fn spans_close_wherever_the_events_end() {
    let (plan, events) = eventful();
    for end in 0..=events.len() {
        let recorder = Recorder::default();
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
        let mut observer = Spans::default().of_run(Arc::clone(&plan), "r1");
        events[..end].iter().for_each(|event| observer.observe(event));
        drop(observer);
        let tree = recorder.tree(&["step", "status"]);
        assert_eq!(recorder.open(), 0, "{end}: {tree:?}");
        let status = if end == events.len() { "run rollback_failed" } else { "run interrupted" };
        assert_eq!(tree.first().map(String::as_str), (end > 0).then_some(status));
    }
}

#[test]
fn what_was_open_is_opened_again_in_the_process_that_continues() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
    let (plan, events) = eventful();
    let mut observer = Spans::default().of_run(Arc::clone(&plan), "r1");
    let (past, now) = events.split_at(15);
    past.iter().for_each(|event| observer.catch_up(event));
    assert_eq!(recorder.tree(&[]), [""; 0]);
    now.iter().take(4).for_each(|event| observer.observe(event));
    drop(observer);
    let expected = ["run interrupted", "  step publish interrupted", "    attempt publish 2 failed"];
    assert_eq!(recorder.tree(&["step", "attempt", "status"]), expected);
}
