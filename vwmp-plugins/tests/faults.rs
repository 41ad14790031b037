//! Kills and full disks in the middle of writes: a file is as before or as it was to be, never half of it.
//!
//! The test starts itself again as the process that writes. `tests/faults/atomic_writes.sh` does it 200 times.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use vwmp_plugins::filesystem::{
    adapter::LocalFiles, archive::Archive, copy::Copy, r#move::Move, template::Template, write::Write,
};
use vwmp_testkit::{TestRun, execute};

/// Where the process that is to be killed works; set only in it.
const VICTIM: &str = "VWMP_FAULT_VICTIM";

/// What it writes to.
const FILES: [&str; 4] = ["written", "copied", "rendered", "moved"];

/// So large that a write takes a while.
const SIZE: usize = 400_000;

/// The process that writes, for ever; nothing when it isn't asked for.
#[tokio::test]
async fn victim() {
    let Ok(folder) = env::var(VICTIM) else { return };
    env::set_current_dir(&folder).unwrap();
    let run = TestRun::new();
    fs::remove_dir(run.workspace()).unwrap();
    std::os::unix::fs::symlink(&folder, run.workspace()).unwrap();
    let run = run.connected::<LocalFiles>(json!({})).await.unwrap();
    let ctx = run.context("write");
    for round in 0.. {
        let text = char::from(b'a' + round % 26).to_string().repeat(SIZE);
        let write = |file: &str| json!({ "file": file, "text": text });
        execute::<Write>(write("written"), &ctx).await.unwrap();
        execute::<Copy>(json!({ "from": "written", "to": "copied", "replace": true }), &ctx).await.unwrap();
        let fill = json!({ "template": "template", "to": "rendered", "values": { "text": text } });
        execute::<Template>(fill, &ctx).await.unwrap();
        execute::<Write>(write("moving"), &ctx).await.unwrap();
        execute::<Move>(json!({ "from": "moving", "to": "moved", "replace": true }), &ctx).await.unwrap();
        execute::<Archive>(json!({ "files": ["written"], "to": "packed.tar.gz" }), &ctx).await.unwrap();
    }
}

fn start(folder: &Path, before: &str) -> Child {
    let program = env::current_exe().unwrap();
    let line = format!("{before} exec \"$0\" victim --exact --nocapture");
    let mut command = Command::new("sh");
    command.args(["-c", &line]).arg(program).env(VICTIM, folder);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether a file is whole: one letter, all the way. A file that isn't there yet is fine.
fn check(folder: &Path, file: &str) -> bool {
    let Ok(bytes) = fs::read(folder.join(file)) else { return false };
    let whole = bytes.len() == SIZE && bytes.iter().all(|byte| *byte == bytes[0]);
    assert!(whole, "{file} is half-written: {} bytes", bytes.len());
    true
}

#[test]
fn a_kill_between_two_writes_never_leaves_half_a_file() {
    let kills: u64 = env::var("VWMP_KILLS").map_or(12, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("template"), "{{ text }}").unwrap();
    let mut seen = 0;
    for kill in 0..kills {
        let mut victim = start(folder.path(), "");
        // Different moments each time, spread over several rounds of writes.
        sleep(Duration::from_micros(15_000 + kill * 7_919 % 60_000));
        victim.kill().unwrap();
        victim.wait().unwrap();
        seen += FILES.iter().filter(|file| check(folder.path(), file)).count();
        if folder.path().join("packed.tar.gz").exists() {
            let test = Command::new("gzip").args(["-t", "packed.tar.gz"]).current_dir(folder.path()).status();
            assert!(test.unwrap().success(), "packed.tar.gz is half-written");
        }
    }
    println!("{kills} kills, {seen} whole files, no half-written one");
    assert!(seen > 0, "nothing was written at all");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("template"), "{{ text }}").unwrap();
    fs::write(folder.path().join("written"), "before").unwrap();
    // No file may be larger than 200 blocks of 512 bytes, a quarter of what is to be written.
    let victim = start(folder.path(), "trap '' XFSZ; ulimit -f 200;");
    let output = victim.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("can't write `written`: the file would be larger than the system allows"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(folder.path().join("written")).unwrap(), "before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something is left over");
}
