//! Old runs make room.

use serde_json::json;
use vwmp_core::run::{CacheAnswer, CacheRequest, EventKind, RunStatus, Survive};
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::log::{LogLine, Stream};
use vwmp_store::{Filter, NewRun, Policy, Store};

use crate::{begun, ended, event, new_run};

#[tokio::test]
async fn old_runs_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for id in ["a", "b", "c"] {
        let run = store.create(&new_run(id)).unwrap();
        run.log().line(LogLine { step: "s".into(), attempt: 1, stream: Stream::Info, text: "x".into() });
        let mut journal = run.journal(&[]);
        journal.append(&begun(id), Survive::Crash).await.unwrap();
        if id != "a" {
            journal.append(&ended(2), Survive::Crash).await.unwrap();
        }
    }
    let policy = Policy { keep: Some(1), ..Policy::default() };
    let gone: Vec<String> = store.prune(&policy).unwrap().into_iter().map(|one| one.run.id).collect();
    assert_eq!(gone, ["b"], "the latest stays, and so does the one that has not ended");
    assert!(!folder.path().join("logs/b").exists());
    assert_eq!(store.runs(&Filter::default()).unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_run_called_stays_and_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let record = |id: &'static str, parent, whole: bool| {
        let run = store.create(&NewRun { parent, ..new_run(id) }).unwrap();
        async move {
            let mut journal = run.journal(&[]);
            journal.append(&begun(id), Survive::Crash).await.unwrap();
            if whole {
                journal.append(&ended(2), Survive::Crash).await.unwrap();
            }
        }
    };
    record("old", None, true).await;
    record("called by old", Some("old"), true).await;
    record("called by that", Some("called by old"), true).await;
    record("interrupted", None, false).await;
    record("called by interrupted", Some("interrupted"), true).await;
    let policy = Policy { keep: Some(0), ..Policy::default() };
    assert_eq!(store.to_prune(&policy).unwrap().len(), 1);
    let gone: Vec<String> = store.prune(&policy).unwrap().into_iter().map(|one| one.run.id).collect();
    assert_eq!(gone, ["old"]);
    let all = Filter { called: true, ..Filter::default() };
    let left: Vec<String> = store.runs(&all).unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(
        left,
        ["called by interrupted", "interrupted"],
        "a step that is repeated finds what it called"
    );
    store.prune(&Policy { unfinished: true, ..policy }).unwrap();
    assert_eq!(store.runs(&all).unwrap(), []);
    let locks = std::fs::read_dir(folder.path().join("runs")).unwrap().count();
    assert_eq!(locks, 0);
}

#[tokio::test]
async fn the_file_becomes_smaller() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("large")).unwrap();
    let mut journal = run.journal(&[]);
    let reason: std::sync::Arc<str> = "x".repeat(1 << 20).into();
    for seq in 0..8 {
        let event = event(seq, EventKind::CancelRequested { reason: reason.clone(), by: None });
        journal.append(&[event], Survive::Crash).await.unwrap();
    }
    let end = event(8, EventKind::RunFinished { status: RunStatus::Cancelled });
    journal.append(&[end], Survive::Crash).await.unwrap();
    drop((journal, run));
    let size = || std::fs::metadata(folder.path().join("store.db")).unwrap().len();
    assert!(size() > 8 << 20);
    let gone = store.prune(&Policy { bytes: Some(1 << 20), ..Policy::default() }).unwrap();
    assert!(gone[0].bytes > 8 << 20, "{}", gone[0].bytes);
    assert!(size() < 1 << 20, "{}", size());
    assert_eq!(store.damage().unwrap(), None);
}

#[tokio::test]
async fn results_that_nobody_used_since_then_go() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("made"), "made").unwrap();
    let store = Store::open(&folder.path().join(".vwmp")).unwrap();
    let cache = store.cache();
    let request = CacheRequest {
        step: "w/build".into(),
        workspace: folder.path().into(),
        handler: "shell.run 0.1.0".into(),
        config: json!(null),
        inputs: Vec::new(),
        key: json!(1),
        outputs: vec!["made".into()],
    };
    let CacheAnswer::Miss { key, .. } = cache.look(&request).await.unwrap() else { panic!("a hit") };
    cache.keep(&request, &key, &json!(1)).await.unwrap();
    let prune = |since| store.prune(&Policy { since: Some(since), ..Policy::default() }).map(drop).unwrap();
    prune(Timestamp::from_micros(0));
    assert!(matches!(cache.look(&request).await.unwrap(), CacheAnswer::Hit { .. }));
    prune(Timestamp::from_micros(4_000_000_000_000_000));
    assert!(matches!(cache.look(&request).await.unwrap(), CacheAnswer::Miss { .. }));
    assert_eq!(std::fs::read_dir(folder.path().join(".vwmp/cache/contents")).unwrap().count(), 0);
}
