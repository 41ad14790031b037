//! Processes that share a store, and their ends. They are this program again, told so by a variable.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use vwmp_core::run::{EventKind, RunStatus, Survive};
use vwmp_store::{Standing, Store, StoreError};

use crate::{begun, event, new_run};

/// This program again: one test of it, in a folder.
fn again(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("processes::{test}"), "--nocapture"])
        .env("VWMP_STORE_FOLDER", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The folder that this process is to work in, when it is such a one.
fn told() -> Option<std::path::PathBuf> {
    std::env::var_os("VWMP_STORE_FOLDER").map(Into::into)
}

async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_run_belongs_to_one_owner_and_is_interrupted_when_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let mut journal = run.journal(&[]);
    journal.append(&begun("a"), Survive::Crash).await.unwrap();
    let other = Store::open(folder.path()).unwrap();
    let refused = || other.take("a").map(drop).unwrap_err().to_string();
    let expected = format!("run a is driven by process {}", std::process::id());
    assert_eq!(refused(), expected);
    drop(run);
    assert_eq!(refused(), expected, "as long as something can be recorded");
    drop(journal);
    assert_eq!(other.find("a").unwrap().standing, Standing::Ended(RunStatus::Interrupted));
    assert_eq!(other.take("a").unwrap().id(), "a");
    let missing = store.find("b").unwrap_err();
    assert_eq!(missing.to_string(), "there is no run `b`; `runs` lists them");
}

/// Writes down whether it has the run, and keeps it until it is killed.
fn take(folder: &Path) -> ! {
    let taken = Store::open(folder).and_then(|store| store.take("a"));
    let said = match &taken {
        Ok(_) => "taken".to_owned(),
        Err(StoreError::DrivenElsewhere { .. }) => "refused".to_owned(),
        Err(error) => error.to_string(),
    };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("said")).unwrap();
    file.write_all(format!("{} {said}\n", std::process::id()).as_bytes()).unwrap();
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn of_several_processes_one_gets_a_run() {
    if let Some(folder) = told() {
        take(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.create(&new_run("a")).unwrap().journal(&[]).append(&begun("a"), Survive::Crash).await.unwrap();
    for round in 1..=3 {
        let _ = std::fs::remove_file(folder.path().join("said"));
        let mut children: Vec<Child> =
            (0..4).map(|_| again("of_several_processes_one_gets_a_run", folder.path())).collect();
        let said = || std::fs::read_to_string(folder.path().join("said")).unwrap_or_default();
        until(|| said().lines().count() == children.len()).await;
        let said = said();
        let of = |word: &str| said.lines().filter(|line| line.ends_with(word)).collect::<Vec<_>>();
        assert_eq!((of("taken").len(), of("refused").len()), (1, 3), "round {round}: {said}");
        let row = store.find("a").unwrap();
        assert_eq!(row.standing.name(), "running");
        assert_eq!(format!("{} taken", row.pid.unwrap()), of("taken")[0]);
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(store.find("a").unwrap().standing.name(), "interrupted", "at once");
    }
}

#[test]
fn many_may_open_a_new_store_at_once_and_write_to_it() {
    let write = |folder: &Path, number: u64| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Store::open(folder).unwrap();
        let id = format!("run-{number}");
        let run = store.create(&new_run(&id)).unwrap();
        let mut journal = run.journal(&[]);
        for seq in 0..20 {
            let survive = if seq % 10 == number { Survive::PowerCut } else { Survive::Crash };
            runtime.block_on(journal.append(&[event(seq, EventKind::KillRequested)], survive)).unwrap();
        }
    };
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(".vwmp");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (folder, write) = (&folder, &write);
                scope.spawn(move || write(folder, number));
            }
        });
        let store = Store::look(&folder).unwrap().unwrap();
        for number in 0..8 {
            assert_eq!(store.events(&format!("run-{number}"), 0).unwrap().0.len(), 20);
        }
    }
}

#[test]
fn programs_that_a_dead_process_left_behind_are_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("left-behind")).unwrap();
    let start = |id: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 1000 >&- & echo ready; exec sleep 1000"]).env("VWMP_RUN_ID", id);
        let mut shell = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        shell.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        shell
    };
    let (mut ours, mut other) = (start("left-behind"), start("another"));
    assert_eq!(run.end_leftovers(), 2);
    assert!(!ours.wait().unwrap().success());
    assert!(other.try_wait().unwrap().is_none());
    let others = store.create(&new_run("another")).unwrap();
    assert_eq!(others.end_leftovers(), 2);
    other.wait().unwrap();
    assert_eq!(run.end_leftovers(), 0);
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    if let Some(folder) = told() {
        write_for_ever(&folder).await;
    }
    for round in 0..20_u64 {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = again("what_was_acknowledged_survives_kill_9", folder.path());
        let acknowledged = folder.path().join("acknowledged");
        // Later ones are killed after the first checkpoints.
        let at_least = (round * round * 12 + 1) * 8;
        until(|| std::fs::metadata(&acknowledged).map_or(0, |meta| meta.len()) >= at_least).await;
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
        // And it goes on.
        let next = event(events.len() as u64, EventKind::RunResumed { by: "ann".into(), again: None });
        let run = store.take("w").unwrap();
        run.journal(&events).append(&[next], Survive::PowerCut).await.unwrap();
        assert_eq!(store.events("w", 0).unwrap().0.len(), events.len() + 1);
    }
}

async fn write_for_ever(folder: &Path) -> ! {
    let store = Store::open(folder).unwrap();
    let run = store.create(&new_run("w")).unwrap();
    let mut journal = run.journal(&[]);
    let mut acknowledged = std::fs::File::create(folder.join("acknowledged")).unwrap();
    for seq in 0.. {
        let survive = if seq % 50 == 0 { Survive::PowerCut } else { Survive::Crash };
        journal.append(&[event(seq, EventKind::KillRequested)], survive).await.unwrap();
        acknowledged.write_all(&seq.to_le_bytes()).unwrap();
    }
    unreachable!()
}
