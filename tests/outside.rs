//! docs/plugins.md and the README, followed to the letter by somebody outside of the workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::docs::{ROOT, blocks};

const PAGES: [&str; 2] = ["docs/plugins.md", "README.md"];

/// Where the pages say that this repository is.
const CHECKOUT: &str = "../vwmp/";

#[test]
fn a_crate_that_follows_the_pages_builds_tests_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside");
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--quiet", "--target-dir"])
        .arg(&target)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    let programs = target.join("debug");
    for (page, console) in consoles() {
        check(&page, &console, folder.path(), &programs);
    }
    let listed = Command::new(programs.join("by_hand")).arg("handlers").output().unwrap();
    assert!(shown(&listed).contains("clock.now  read only  Tells the time"), "{}", shown(&listed));
}

/// The files of the pages, with this workspace in place of the checkout, and its locked dependencies.
fn write_files(folder: &Path) {
    for block in PAGES.into_iter().flat_map(blocks) {
        let Some(file) = block.file() else { continue };
        let path = folder.join(file);
        assert!(!path.exists(), "two blocks are {file}");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, block.text.replace(CHECKOUT, &format!("{ROOT}/"))).unwrap();
    }
    fs::copy(Path::new(ROOT).join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

fn consoles() -> Vec<(String, String)> {
    let of = |page: &str| blocks(page).into_iter().map(|block| (page.to_owned(), block));
    let all = PAGES.into_iter().flat_map(|page| of(page).collect::<Vec<_>>());
    all.filter(|(_, block)| block.language() == "console").map(|(page, block)| (page, block.text)).collect()
}

/// Types in every line that begins with `$`, and compares what comes out.
fn check(page: &str, console: &str, folder: &Path, programs: &Path) {
    for part in console.split("$ ").skip(1) {
        let (command, expected) = part.split_once('\n').unwrap();
        let path = std::env::join_paths(
            std::iter::once(PathBuf::from(programs))
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {command}; }} 2>&1; [ $? = 0 ] || echo \"exit code $?\"")])
            .env("PATH", path.unwrap())
            .env_remove("VWMP_USER_CONFIG")
            .current_dir(folder)
            .output()
            .unwrap();
        let got = String::from_utf8(output.stdout).unwrap();
        assert_eq!(steady(&got), steady(expected), "{page}: {command}\n{got}");
    }
}

/// Text without what differs from run to run: numbers, and the width of columns.
fn steady(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.trim().lines() {
        let words = line.split_whitespace().map(|word| {
            let digits = word.replace(|c: char| c.is_ascii_digit(), "0");
            digits.split('0').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("0")
        });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}

fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
