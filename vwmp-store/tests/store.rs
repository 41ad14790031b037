//! The store from outside: what it keeps, who may drive a run, and what happens when things go wrong.

#![expect(clippy::unwrap_used, reason = "what these are for may fail only in a broken store")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vwmp_core::run::{Event, EventKind, Outcome, RunStatus, StepStatus, Survive, Unit};
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::log::{LogLine, Stream};
use vwmp_store::{Filter, NewRun, Order, Policy, Standing, Store, StoreError};

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

#[tokio::test]
async fn a_run_belongs_to_one_process_and_is_interrupted_when_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    run.journal(&[]).append(&begun("a"), Survive::Crash).await.unwrap();
    let other = Store::open(folder.path()).unwrap();
    let refused = other.take("a").map(drop).unwrap_err();
    assert_eq!(refused.to_string(), format!("run a is driven by process {}", std::process::id()));
    drop(run);
    assert_eq!(other.find("a").unwrap().standing, Standing::Ended(RunStatus::Interrupted));
    assert_eq!(other.take("a").unwrap().id(), "a");
    let missing = store.find("b").unwrap_err();
    assert_eq!(missing.to_string(), "there is no run `b`; `runs` lists them");
}

#[test]
fn a_key_belongs_to_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.create(&NewRun { key: Some("nightly"), ..new_run("a") }).unwrap();
    let refused = store.create(&NewRun { key: Some("nightly"), ..new_run("b") }).map(drop).unwrap_err();
    assert_eq!(refused.to_string(), "run a has the key `nightly` already");
    assert_eq!(store.run_with_key("nightly").unwrap().as_deref(), Some("a"));
    store.create(&new_run("ab")).unwrap();
    let both = store.find("").unwrap_err();
    assert!(matches!(both, StoreError::Ambiguous { .. }), "{both}");
    assert_eq!(store.find("a").unwrap().id, "a", "an exact id is no beginning of another");
}

#[test]
fn orders_wait_for_the_process_that_drives_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let cancel = Order::Cancel { reason: "enough".into(), by: "ann".into() };
    store.order("a", &cancel).unwrap();
    let mut orders = run.orders(&[]).unwrap();
    assert_eq!(orders.new_ones().unwrap(), std::slice::from_ref(&cancel));
    assert_eq!(orders.new_ones().unwrap(), []);
    // The next process gets them again: this one may have died before it did anything.
    assert_eq!(run.orders(&[]).unwrap().new_ones().unwrap(), [cancel]);
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
    assert_eq!(log.lines("b"), &lines[..3]);
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

#[tokio::test]
async fn what_is_kept_first_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let kept = run.keepsakes();
    kept.keep("bump", "docs/VERSION", b"1.2.0").await.unwrap();
    kept.keep("bump", "docs/VERSION", b"1.3.0").await.unwrap();
    assert_eq!(kept.kept("bump", "docs/VERSION").await.unwrap().as_deref(), Some(&b"1.2.0"[..]));
    assert_eq!(kept.kept("bump", "other").await.unwrap(), None);
}

#[tokio::test]
async fn a_lock_is_free_again_when_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Store::open(folder.path()).unwrap(), Store::open(folder.path()).unwrap());
    let held = one.locks().acquire("db".into()).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(100), other.locks().acquire("db".into())).await;
    assert!(waiting.is_err());
    drop(held);
    other.locks().acquire("db".into()).await.unwrap();
}

#[test]
fn programs_that_a_dead_process_left_behind_are_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("left-behind")).unwrap();
    let start = |id: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 1000 & sleep 1000"]).env("VWMP_RUN_ID", id).stdout(Stdio::null());
        shell.spawn().unwrap()
    };
    let (mut ours, mut other) = (start("left-behind"), start("another"));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(run.end_leftovers(), 3);
    assert!(!ours.wait().unwrap().success());
    assert!(other.try_wait().unwrap().is_none());
    let others = store.create(&new_run("another")).unwrap();
    assert!(others.end_leftovers() >= 2);
    other.wait().unwrap();
    assert_eq!(run.end_leftovers(), 0);
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

#[test]
fn stores_of_later_versions_and_damaged_ones_are_told() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let database = folder.path().join("store.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 9).unwrap();
    drop(connection);
    let refused = Store::open(folder.path()).map(drop).unwrap_err().to_string();
    let expected = format!(
        "the store {} has format 9, and this program knows formats up to 1; use a newer program",
        database.display()
    );
    assert_eq!(refused, expected);
    std::fs::write(&database, "this is no database, whatever it is called".repeat(30)).unwrap();
    let refused = Store::open(folder.path()).map(drop).unwrap_err().to_string();
    assert!(refused.contains("can't be used: it is damaged"), "{refused}");
}

#[tokio::test]
async fn what_is_before_the_damage_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let mut journal = run.journal(&[]);
    journal.append(&begun("a"), Survive::Crash).await.unwrap();
    journal.append(&ended(2), Survive::Crash).await.unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    connection.execute("UPDATE events SET body = substr(body, 1, 40) WHERE first = 2", []).unwrap();
    let (events, damage) = store.events("a", 0).unwrap();
    assert_eq!(events, begun("a"));
    assert!(damage.unwrap().to_string().starts_with("run a is damaged at event 2: "));
}

#[test]
fn a_full_disk_is_told_and_what_was_kept_stays() {
    // A small disk of its own can only be made by root.
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=600k", "tmpfs"])
        .arg(folder.path())
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        return;
    }
    let store = Store::open(&folder.path().join("s")).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let mut journal = run.journal(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut seq = 0;
    let told = loop {
        let reason = "x".repeat(4000).into();
        let event = event(seq, EventKind::CancelRequested { reason, by: None });
        match runtime.block_on(journal.append(&[event], Survive::Crash)) {
            Ok(()) => seq += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!(told.contains("the disk is full; free some room, then resume the run"), "{told}");
    let (events, damage) = store.events("a", 0).unwrap();
    assert_eq!((events.len() as u64, damage.is_none()), (seq, true));
    drop((journal, run, store));
    Command::new("umount").arg(folder.path()).status().unwrap();
}

/// The writer is a process of its own: this program again, told so by a variable.
#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    if let Some(folder) = std::env::var_os("VWMP_STORE_WRITER") {
        write_for_ever(Path::new(&folder)).await;
    }
    let this = std::env::current_exe().unwrap();
    for round in 0..20_u64 {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Command::new(&this)
            .args(["--exact", "what_was_acknowledged_survives_kill_9", "--nocapture"])
            .env("VWMP_STORE_WRITER", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let acknowledged = folder.path().join("acknowledged");
        while std::fs::metadata(&acknowledged).map_or(0, |meta| meta.len()) < round * 8 + 8 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let said = std::fs::read(&acknowledged).unwrap();
        let last =
            said.chunks_exact(8).next_back().map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.find("w").unwrap().standing, Standing::Ended(RunStatus::Interrupted));
        let (events, damage) = store.events("w", 0).unwrap();
        assert!(damage.is_none());
        assert!(events.len() as u64 > last.unwrap(), "{} events, {last:?} acknowledged", events.len());
        assert!(events.iter().enumerate().all(|(at, event)| event.seq == at as u64));
        assert_eq!(store.damage().unwrap(), None);
    }
}

async fn write_for_ever(folder: &Path) -> ! {
    use std::io::Write as _;
    let store = Store::open(folder).unwrap();
    let run = store.create(&new_run("w")).unwrap();
    let mut journal = run.journal(&[]);
    let mut acknowledged = std::fs::File::create(folder.join("acknowledged")).unwrap();
    for seq in 0.. {
        let survive = if seq % 7 == 0 { Survive::PowerCut } else { Survive::Crash };
        journal.append(&[event(seq, EventKind::KillRequested)], survive).await.unwrap();
        acknowledged.write_all(&seq.to_le_bytes()).unwrap();
    }
    unreachable!()
}
