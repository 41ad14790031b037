//! What the store keeps, and how it is found again.

use std::sync::Arc;

use serde_json::json;
use vwmp_core::run::{EventKind, Outcome, RunStatus, StepStatus, Survive};
use vwmp_interfaces::log::{LogLine, Stream};
use vwmp_interfaces::{Timestamp, Wait};
use vwmp_store::{Filter, NewRun, Order, Standing, Store, StoreError};

use crate::{begun, ended, event, new_run, step};

#[tokio::test]
async fn a_run_is_kept_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Store::look(&folder.path().join(".vwmp")).unwrap().is_none());
    let store = Store::open(&folder.path().join(".vwmp")).unwrap();
    let run = store.create(&new_run("0190-a")).unwrap();
    let mut journal = run.journal(&[]);
    journal.append(&begun("0190-a"), Survive::PowerCut).await.unwrap();
    let row = store.find("0190").unwrap();
    assert_eq!((row.standing.name(), row.pid), ("running", Some(std::process::id())));
    journal.append(&ended(2), Survive::Crash).await.unwrap();
    drop((journal, run));
    // A copy of the file is enough to read it elsewhere.
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(folder.path().join(".vwmp/store.db"), copy.join("store.db")).unwrap();
    for store in [store, Store::look(&copy).unwrap().unwrap()] {
        let row = store.find("last").unwrap();
        assert_eq!((row.id.as_str(), row.standing), ("0190-a", Standing::Ended(RunStatus::Succeeded)));
        assert_eq!((row.tally.succeeded, row.steps), (1, 2));
        let (events, damage) = store.events("0190-a", 0).unwrap();
        assert!(damage.is_none());
        assert_eq!(events, [begun("0190-a"), ended(2)].concat());
        assert_eq!(store.events("0190-a", 3).unwrap().0, ended(2)[1..]);
        assert_eq!(store.record("0190-a").unwrap(), b"made from this");
        assert_eq!(store.damage().unwrap(), None);
    }
    assert_eq!(std::fs::read_to_string(folder.path().join(".vwmp/.gitignore")).unwrap(), "*\n");
}

#[test]
fn a_key_belongs_to_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let nightly = store.create(&NewRun { key: Some("nightly"), ..new_run("a") }).unwrap();
    let refused = store.create(&NewRun { key: Some("nightly"), ..new_run("b") }).map(drop).unwrap_err();
    assert_eq!(refused.to_string(), "run a has the key `nightly` already");
    assert_eq!(store.run_with_key("nightly").unwrap().as_deref(), Some("a"));
    assert!(matches!(store.find("b"), Err(StoreError::NoSuchRun(_))));
    drop(nightly);
    store.create(&new_run("ab")).unwrap();
    let both = store.find("").unwrap_err();
    assert!(matches!(both, StoreError::Ambiguous { .. }), "{both}");
    assert_eq!(store.find("a").unwrap().id, "a", "an exact id is no beginning of another");
}

#[tokio::test]
async fn a_run_that_never_began_gives_its_key_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let keyed = |id| NewRun { key: Some("nightly"), ..new_run(id) };
    drop(store.create(&keyed("died early")).unwrap());
    assert_eq!(store.run_with_key("nightly").unwrap(), None);
    let run = store.create(&keyed("next")).unwrap();
    assert!(matches!(store.find("died early"), Err(StoreError::NoSuchRun(_))));
    run.journal(&[]).append(&begun("next"), Survive::Crash).await.unwrap();
    drop(run);
    assert_eq!(store.run_with_key("nightly").unwrap().as_deref(), Some("next"));
    assert!(matches!(store.create(&keyed("third")), Err(StoreError::KeyTaken { .. })));
}

#[tokio::test]
async fn orders_wait_for_the_process_that_drives_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let cancel = Order::Cancel { reason: "enough".into(), by: Some("ann".into()) };
    let answer = |step: &str| Order::Answer {
        step: step.into(),
        approved: true,
        by: "ann".into(),
        comment: String::new(),
    };
    let answered = |seq| {
        let (by, comment) = ("ann".into(), "".into());
        event(seq, EventKind::Answered { step: step(0), approved: true, by, comment })
    };
    let mut events = begun("a");
    run.journal(&[]).append(&events, Survive::Crash).await.unwrap();
    store.order("a", &answer("gate")).unwrap();
    let mut orders = run.orders(&events).unwrap();
    assert_eq!(orders.new_ones().unwrap(), [answer("gate")]);
    assert_eq!(orders.new_ones().unwrap(), []);
    // The next process gets them again: this one may have died before it did anything.
    assert_eq!(run.orders(&events).unwrap().new_ones().unwrap(), [answer("gate")]);
    // It did: it is not done again. What somebody said at the terminal was no order, and stands for none.
    events.extend([answered(2), answered(3)]);
    run.journal(&events[..2]).append(&events[2..], Survive::Crash).await.unwrap();
    store.order("a", &answer("second gate")).unwrap();
    store.order("a", &cancel).unwrap();
    assert_eq!(run.orders(&events).unwrap().new_ones().unwrap(), [answer("second gate"), cancel.clone()]);
    let cancelled = EventKind::CancelRequested { reason: "enough".into(), by: Some("ann".into()) };
    events.push(event(4, cancelled));
    let mut orders = run.orders(&events).unwrap();
    assert_eq!(orders.new_ones().unwrap(), [answer("second gate")]);
    store.order("a", &cancel).unwrap();
    assert_eq!(orders.new_ones().unwrap(), [cancel], "what comes now is meant");
    events.push(event(5, EventKind::RunFinished { status: RunStatus::MustContinue }));
    assert_eq!(run.orders(&events).unwrap().new_ones().unwrap(), [], "the run they were for has ended");
}

#[tokio::test]
async fn of_orders_that_were_carried_out_no_word_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let mut journal = run.journal(&[]);
    journal.append(&begun("a"), Survive::Crash).await.unwrap();
    let comment = "a word that nobody should read".to_owned();
    let answer = Order::Answer { step: "gate".into(), approved: true, by: "u".into(), comment };
    store.order("a", &answer).unwrap();
    journal.append(&ended(2), Survive::PowerCut).await.unwrap();
    drop((journal, run, store));
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap().path();
        let bytes = if file.is_file() { std::fs::read(&file).unwrap() } else { Vec::new() };
        let found = bytes.windows(11).any(|window| window == b"nobody shou");
        assert!(!found, "it is still in {}", file.display());
    }
}

#[test]
fn lines_are_kept_a_file_an_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let log = run.log();
    let line = |step: &str, attempt, text: &str| LogLine {
        step: step.into(),
        attempt,
        stream: Stream::Stdout,
        text: text.into(),
    };
    let lines =
        [line("b", 1, "one  two "), line("b", 2, ""), line("b[0]", 1, "item"), line("../x", 1, "odd")];
    lines.iter().for_each(|line| log.line(line.clone()));
    assert_eq!(log.lines("b"), &lines[..2]);
    assert_eq!(store.lines("a", Some("b")).unwrap().len(), 3, "people want those of the items too");
    let texts = |step| -> Vec<String> {
        store.lines("a", step).unwrap().into_iter().map(|line| line.line.text).collect()
    };
    assert_eq!(texts(Some("../x")), ["odd"]);
    assert_eq!(texts(None).len(), 4);
    let mut seen = std::collections::HashMap::new();
    assert_eq!(store.new_lines("a", None, &mut seen).unwrap().len(), 4);
    log.line(line("b", 2, "more"));
    assert_eq!(store.new_lines("a", None, &mut seen).unwrap()[0].line.text, "more");
    let long = "x".repeat(1 << 20);
    (0..20).for_each(|_| log.line(line("loud", 1, &long)));
    let kept = log.lines("loud");
    assert_eq!(kept.last().unwrap().text, "[the rest is cut off: of one attempt, 16 MiB are kept]");
}

#[test]
fn a_line_that_was_not_written_to_its_end_spoils_no_other() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let line =
        |text: &str| LogLine { step: "s".into(), attempt: 1, stream: Stream::Stdout, text: text.into() };
    run.log().line(line("whole"));
    let file = std::fs::OpenOptions::new().append(true).open(folder.path().join("logs/a/s.1.log"));
    file.unwrap().write_all(b"1800000000000000 o ha").unwrap();
    let mut seen = std::collections::HashMap::new();
    assert_eq!(store.new_lines("a", None, &mut seen).unwrap().len(), 1, "it may still be being written");
    let log = run.log();
    log.line(line("next"));
    let texts: Vec<String> = log.lines("s").into_iter().map(|line| line.text).collect();
    assert_eq!(texts, ["whole", "ha", "next"]);
}

#[tokio::test]
async fn a_cached_result_stands_until_something_changes() {
    use vwmp_core::run::{CacheAnswer, CacheRequest};
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("work");
    std::fs::create_dir_all(workspace.join("src/deep")).unwrap();
    let write = |path: &str, text: &str| std::fs::write(workspace.join(path), text).unwrap();
    write("src/a.c", "a");
    write("src/deep/b.c", "b");
    write("src/note.txt", "not read");
    let cache = Store::open(&folder.path().join(".vwmp")).unwrap().cache();
    let request = |key: i32| CacheRequest {
        step: "w/build".into(),
        workspace: workspace.as_path().into(),
        handler: "shell.run 0.1.0".into(),
        config: json!({ "run": "make" }),
        inputs: vec!["src/**/*.c".into()],
        key: json!(key),
        outputs: vec!["out/*".into()],
    };
    let miss = |answer: CacheAnswer| match answer {
        CacheAnswer::Miss { key, why } => (key, why),
        CacheAnswer::Hit { .. } => panic!("a hit"),
    };
    let (key, why) = miss(cache.look(&request(1)).await.unwrap());
    assert_eq!(why, "it has not been done before");
    std::fs::create_dir(workspace.join("out")).unwrap();
    write("out/program", "made");
    cache.keep(&request(1), &key, &json!({ "size": 4 })).await.unwrap();
    write("out/program", "damaged");
    write("src/note.txt", "changed");
    let hit = cache.look(&request(1)).await.unwrap();
    let expected = "nothing it depends on has changed (2 files, config, key); 1 file is put back";
    assert_eq!(hit, CacheAnswer::Hit { output: json!({ "size": 4 }), why: expected.into() });
    assert_eq!(std::fs::read_to_string(workspace.join("out/program")).unwrap(), "made");
    write("src/deep/b.c", "changed");
    write("src/c.c", "new");
    std::fs::remove_file(workspace.join("src/a.c")).unwrap();
    let (_, why) = miss(cache.look(&request(1)).await.unwrap());
    assert_eq!(why, "src/deep/b.c changed, src/c.c is new, src/a.c is gone");
    let (_, why) = miss(cache.look(&request(2)).await.unwrap());
    assert!(why.starts_with("src/deep/b.c changed, the key changed"), "{why}");
}

#[tokio::test]
async fn cached_files_stay_in_the_workspace() {
    use vwmp_core::run::{CacheAnswer, CacheRequest};
    let folder = tempfile::tempdir().unwrap();
    let (workspace, outside) = (folder.path().join("work"), folder.path().join("outside"));
    std::fs::create_dir_all(workspace.join("out")).unwrap();
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(workspace.join("out/made"), "made").unwrap();
    let cache = Store::open(&folder.path().join(".vwmp")).unwrap().cache();
    let request = CacheRequest {
        step: "w/build".into(),
        workspace: workspace.as_path().into(),
        handler: "shell.run 0.1.0".into(),
        config: json!({}),
        inputs: Vec::new(),
        key: json!(1),
        outputs: vec!["out/*".into()],
    };
    let CacheAnswer::Miss { key, .. } = cache.look(&request).await.unwrap() else { panic!("a hit") };
    cache.keep(&request, &key, &json!(1)).await.unwrap();

    std::fs::remove_dir_all(workspace.join("out")).unwrap();
    std::os::unix::fs::symlink(&outside, workspace.join("out")).unwrap();
    let CacheAnswer::Miss { why, .. } = cache.look(&request).await.unwrap() else { panic!("a hit") };
    assert!(why.contains("`out/made`: a symbolic link leads out of the workspace"), "{why}");
    assert!(std::fs::read_dir(&outside).unwrap().next().is_none(), "it was written outside");

    std::fs::remove_file(workspace.join("out")).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    std::fs::create_dir(workspace.join("out")).unwrap();
    std::os::unix::fs::symlink(outside.join("secret"), workspace.join("out/link")).unwrap();
    let error = cache.keep(&request, &key, &json!(1)).await.unwrap_err();
    assert!(error.message().contains("out/link"), "{error}");
}

#[tokio::test]
async fn a_long_run_stands_as_all_its_events_say() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&NewRun { steps: 1000, ..new_run("a") }).unwrap();
    let mut journal = run.journal(&[]);
    let mut events = vec![event(0, EventKind::RunStarted { run_id: "a".into() })];
    let mut next = |kind| {
        let added = event(events.len() as u64, kind);
        events.push(added.clone());
        added
    };
    let succeeded = || Outcome::Succeeded(Arc::new(serde_json::Value::Null));
    let finished = |step, outcome| EventKind::AttemptFinished { step, attempt: 1, outcome, masked: false };
    for number in 0..700 {
        let step = step(number);
        let started = next(EventKind::AttemptStarted { step, attempt: 1 });
        let ended = next(finished(step, succeeded()));
        let status = next(EventKind::StepFinished { step, status: StepStatus::Succeeded, cause: None });
        let first =
            if number == 0 { vec![event(0, EventKind::RunStarted { run_id: "a".into() })] } else { vec![] };
        journal.append(&[first, vec![started, ended, status]].concat(), Survive::Crash).await.unwrap();
        let row = store.find("a").unwrap();
        assert_eq!((row.tally.succeeded as u64, row.standing.name()), (number + 1, "running"));
    }
    let waiting = Outcome::Waiting(Box::new(Wait::Until { at: Timestamp::default() }));
    let gate = step(900);
    let asked = [next(EventKind::AttemptStarted { step: gate, attempt: 1 }), next(finished(gate, waiting))];
    journal.append(&asked, Survive::Crash).await.unwrap();
    assert_eq!(store.find("a").unwrap().standing.name(), "waiting");
    let waiting_ones = Filter { standing: Standing::named("waiting"), ..Filter::default() };
    assert_eq!(store.runs(&waiting_ones).unwrap().len(), 1);
    let again = next(EventKind::AttemptStarted { step: gate, attempt: 2 });
    journal.append(&[again], Survive::Crash).await.unwrap();
    assert_eq!(store.find("a").unwrap().standing.name(), "running");
    for from in [0, 1, 999, 2102] {
        assert_eq!(store.events("a", from).unwrap().0, events[from as usize..], "from event {from} on");
    }
    assert_eq!(store.events("a", 5000).unwrap().0, []);
}
