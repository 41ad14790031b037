//! What happens when things go wrong.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use vwmp_core::run::{Event, EventKind, RunStatus, Survive};
use vwmp_interfaces::log::{LogLine, Stream};
use vwmp_store::{Order, Store, StoreError};

use crate::{begun, ended, event, new_run};

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
        "the store {} has format 9, and this program knows formats up to 2; use a newer program",
        database.display()
    );
    assert_eq!(refused, expected);
    std::fs::write(&database, "this is no database, whatever it is called".repeat(30)).unwrap();
    let refused = Store::open(folder.path()).map(drop).unwrap_err().to_string();
    assert!(refused.contains("can't be used: it is damaged"), "{refused}");
}

#[test]
fn places_that_are_no_store_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    std::fs::write(&store, "").unwrap();
    let expected = format!(
        "the store `{}` is no folder, and a folder is expected; name another place, or move the file away",
        store.display()
    );
    assert_eq!(Store::open(&store).map(drop).unwrap_err().to_string(), expected);
    assert_eq!(Store::look(&store).map(drop).unwrap_err().to_string(), expected);
    std::fs::remove_file(&store).unwrap();
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("store.db"), "").unwrap();
    assert!(Store::look(&store).unwrap().is_none(), "no run was ever kept there");

    // Who may do everything can't be refused; a loop of links can't be followed by anybody.
    std::fs::remove_file(store.join("store.db")).unwrap();
    std::os::unix::fs::symlink("store.db", store.join("store.db")).unwrap();
    let refused = Store::look(&store).map(drop).unwrap_err().to_string();
    assert!(refused.starts_with("the store can't use "), "{refused}");
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let told = StoreError::File { path: store, source: denied }.to_string();
    assert!(told.ends_with("this user may not read or write; ask its owner for access"), "{told}");
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
    connection
        .execute("UPDATE events SET body = substr(body, 1, 40) WHERE place & 0xfffffffff = 2", [])
        .unwrap();
    let (events, damage) = store.events("a", 0).unwrap();
    assert_eq!(events, begun("a"));
    assert!(damage.unwrap().to_string().starts_with("run a is damaged at event 2: "));
}

#[tokio::test]
async fn events_of_a_later_program_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    run.journal(&[]).append(&begun("a"), Survive::Crash).await.unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    connection.execute("INSERT INTO events SELECT place + 2, 1, x'03' FROM events", []).unwrap();
    let (events, damage) = store.events("a", 0).unwrap();
    assert_eq!(events, begun("a"));
    let expected = "run a is damaged at event 2: it has format 3, and this program knows formats up to 2; what is \
                    before it can be read";
    assert_eq!(damage.unwrap().to_string(), expected);
}

/// What the first version of the program wrote. It is never changed: stores like it are out there.
#[tokio::test]
async fn stores_of_the_first_version_are_read_and_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    connection.execute_batch(include_str!("format-1.sql")).unwrap();
    drop(connection);
    let looked = Store::look(folder.path()).unwrap().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for store in [&looked, &store] {
        let ended_one = store.find("0190-a").unwrap();
        assert_eq!((ended_one.standing.name(), ended_one.tally.succeeded), ("succeeded", 1));
        assert_eq!(store.events("0190-a", 0).unwrap().0, [begun("0190-a"), ended(2)].concat());
        assert_eq!(store.record("0190-a").unwrap(), b"made from this");
        assert_eq!(store.find("0190-b").unwrap().standing.name(), "interrupted");
    }
    let run = store.take("0190-b").unwrap();
    let so_far = store.events("0190-b", 0).unwrap().0;
    let cancel = Order::Cancel { reason: "enough".into(), by: Some("ann".into()) };
    assert_eq!(run.orders(&so_far).unwrap().new_ones().unwrap(), [cancel]);
    run.journal(&so_far).append(&ended(2), Survive::PowerCut).await.unwrap();
    assert_eq!(store.find("0190-b").unwrap().standing.name(), "succeeded");
}

/// A store with two runs of three hundred events, one of which has ended.
async fn filled(folder: &Path) -> Store {
    let store = Store::open(folder).unwrap();
    for (id, ends) in [("whole", true), ("cut", false)] {
        let run = store.create(&new_run(id)).unwrap();
        let mut journal = run.journal(&[]);
        for seq in 0..300 {
            journal.append(&[padded(seq)], Survive::Crash).await.unwrap();
        }
        if ends {
            let end = event(300, EventKind::RunFinished { status: RunStatus::Cancelled });
            journal.append(&[end], Survive::Crash).await.unwrap();
        }
    }
    store
}

fn padded(seq: u64) -> Event {
    let reason = format!("{seq} {}", "x".repeat(500)).into();
    event(seq, EventKind::CancelRequested { reason, by: None })
}

/// Whether these are the first events of such a run, and nothing else.
fn is_beginning(events: &[Event]) -> bool {
    let last = event(300, EventKind::RunFinished { status: RunStatus::Cancelled });
    events.len() <= 301
        && (0..).map(padded).take(300).chain([last]).zip(events).all(|(one, other)| one == *other)
}

#[tokio::test]
async fn of_a_torn_last_write_everything_before_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let (database, ahead) = (read("store.db"), read("store.db-wal"));
    drop(store);
    let mut lengths = Vec::new();
    for tear in 0..40 {
        let copy = tempfile::tempdir().unwrap();
        std::fs::write(copy.path().join("store.db"), &database).unwrap();
        let mut torn = ahead.clone();
        let kept = torn.len() - tear * 1777;
        match tear % 3 {
            0 => torn.truncate(kept),
            1 => torn[kept..].fill(0),
            _ => torn[kept - 4096..kept].fill(0x5a),
        }
        std::fs::write(copy.path().join("store.db-wal"), torn).unwrap();
        let store = Store::open(copy.path()).unwrap();
        let (events, damage) = store.events("cut", 0).unwrap();
        assert!(
            is_beginning(&events) && damage.is_none(),
            "tear {tear}: {} events, {damage:?}",
            events.len()
        );
        assert_eq!(store.damage().unwrap(), None);
        // The run goes on from there.
        let run = store.take("cut").unwrap();
        let next = event(events.len() as u64, EventKind::RunResumed { by: "ann".into(), again: None });
        run.journal(&events).append(std::slice::from_ref(&next), Survive::Crash).await.unwrap();
        assert_eq!(store.events("cut", 0).unwrap().0, [events.as_slice(), &[next]].concat());
        lengths.push(events.len());
    }
    assert_eq!(lengths[0], 300, "nothing is torn off");
    assert!(lengths[39] < 300, "something is: {lengths:?}");
}

#[tokio::test]
async fn of_a_truncated_or_overwritten_file_is_told_what_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(folder.path()).await;
    let everything = store.events("whole", 0).unwrap().0;
    drop(store);
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    connection.pragma(None, "wal_checkpoint", "TRUNCATE", |_| Ok(())).unwrap();
    drop(connection);
    let database = std::fs::read(folder.path().join("store.db")).unwrap();
    let (mut saved_some, mut refused) = (0, 0);
    for page in 1..database.len() / 4096 {
        for overwrite in [false, true] {
            let copy = tempfile::tempdir().unwrap();
            let mut damaged = database.clone();
            match overwrite {
                true => damaged[page * 4096..][..4096].fill(0x5a),
                false => damaged.truncate(page * 4096 + 100),
            }
            std::fs::write(copy.path().join("store.db"), damaged).unwrap();
            let read = Store::look(copy.path()).and_then(|store| store.unwrap().events("whole", 0));
            match read {
                Ok((events, damage)) => {
                    assert!(is_beginning(&events), "page {page}: what is read is what was written");
                    assert!(events == everything || damage.is_some(), "page {page}: what is missing is told");
                    saved_some += usize::from(!events.is_empty() && damage.is_some());
                }
                Err(error) => {
                    let told = error.to_string();
                    let words = told.contains("it is damaged") || told.contains("there is no run");
                    assert!(words, "page {page}: {told}");
                    refused += 1;
                }
            }
        }
    }
    assert!(saved_some > 20 && refused > 0, "{saved_some} saved in part, {refused} refused");
}

#[tokio::test]
async fn a_store_that_is_removed_meanwhile_is_told_before_anything_more_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("s");
    let store = Store::open(&folder).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    let mut journal = run.journal(&[]);
    journal.append(&begun("a"), Survive::PowerCut).await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let told = journal.append(&ended(2), Survive::Crash).await.unwrap_err().to_string();
    assert!(told.contains("was removed while the run went on"), "{told}");
}

/// A small disk of its own, which only root can have; nothing where this process is not root.
struct Disk(TempDir);

impl Disk {
    #[expect(clippy::print_stderr, reason = "who runs the tests should know what was left out")]
    fn new() -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        if disk.mount(&["-t", "tmpfs", "-o", "size=600k", "tmpfs"]) {
            return Some(disk);
        }
        eprintln!("SKIPPED: only root can mount a small disk");
        None
    }

    fn mount(&self, how: &[&str]) -> bool {
        let mut mount = Command::new("mount");
        mount.args(how).arg(self.0.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["--lazy"]).arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_and_what_was_kept_stays() {
    let Some(disk) = Disk::new() else { return };
    let store = Store::open(&disk.0.path().join("s")).unwrap();
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
    // What comes later must not be kept when what was before it is not.
    let late = runtime.block_on(journal.append(&[event(seq + 1, EventKind::KillRequested)], Survive::Crash));
    assert!(late.unwrap_err().to_string().contains("could not be kept"));
    drop((journal, run));
    // With more room it goes on.
    assert!(disk.mount(&["-o", "remount,size=2m"]));
    let run = store.take("a").unwrap();
    let next = event(seq, EventKind::RunResumed { by: "ann".into(), again: None });
    runtime.block_on(run.journal(&events).append(&[next], Survive::PowerCut)).unwrap();
    assert_eq!(store.events("a", 0).unwrap().0.len() as u64, seq + 1);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_to_can_be_read() {
    let Some(disk) = Disk::new() else { return };
    let folder = disk.0.path().join("s");
    let store = Store::open(&folder).unwrap();
    let run = store.create(&new_run("a")).unwrap();
    run.journal(&[]).append(&begun("a"), Survive::Crash).await.unwrap();
    run.log().line(LogLine { step: "s".into(), attempt: 1, stream: Stream::Info, text: "x".into() });
    // As a copy from a machine that died: there is more in the file that is written first than in the other.
    let ahead = std::fs::read(folder.join("store.db-wal")).unwrap();
    let database = std::fs::read(folder.join("store.db")).unwrap();
    drop((run, store));
    std::fs::write(folder.join("store.db"), database).unwrap();
    std::fs::write(folder.join("store.db-wal"), ahead).unwrap();
    let _ = std::fs::remove_file(folder.join("store.db-shm"));
    assert!(disk.mount(&["-o", "remount,ro"]));
    let store = Store::look(&folder).unwrap().unwrap();
    assert_eq!(store.find("last").unwrap().standing.name(), "interrupted");
    assert_eq!(store.events("a", 0).unwrap().0, begun("a"));
    assert_eq!(store.lines("a", None).unwrap().len(), 1);
    assert_eq!(store.folder(), folder);
    let told = Store::open(&folder).map(drop).unwrap_err().to_string();
    assert!(told.contains("can't be"), "{told}");
}
