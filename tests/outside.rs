//! docs/plugins.md and the README, followed to the letter by somebody outside of the workspace.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::docs::{ROOT, blocks};

const PAGES: [&str; 2] = ["docs/plugins.md", "README.md"];

/// Where the pages say that this repository is.
const CHECKOUT: &str = "../vwmp/";

#[test]
fn a_crate_that_follows_the_pages_builds_tests_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    // What both need is compiled once: same folder, same lock file, same profile.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--quiet", "--target-dir"])
        .arg(target)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    for (page, console) in consoles() {
        check(page, &console, folder.path(), &target.join("debug"));
    }
    let listed = Command::new(target.join("debug/by_hand")).arg("handlers").output().unwrap();
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
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text + &profile()).unwrap();
    fs::copy(Path::new(ROOT).join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// How this workspace compiles for tests; its own crates are dependencies now, which it would optimise.
fn profile() -> String {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let profile = &manifest[manifest.find("[profile.dev]").unwrap()..];
    let own = ["interfaces", "core", "plugins", "cli", "testkit"];
    let own = own.map(|name| format!("\n[profile.dev.package.vwmp-{name}]\nopt-level = 0\n"));
    format!("\n{profile}{}", own.concat())
}

/// The blocks that show a terminal, each with its page.
fn consoles() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for page in PAGES {
        let blocks = blocks(page).into_iter().filter(|block| block.language() == "console");
        found.extend(blocks.map(|block| (page, block.text)));
    }
    found
}

/// Types in every line that begins with `$`, and compares what comes out.
fn check(page: &str, console: &str, folder: &Path, programs: &Path) {
    for part in console.split("$ ").skip(1) {
        let (command, expected) = part.split_once('\n').unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh")
            .args([
                "-c",
                &format!("{{ {command}; }} 2>&1; code=$?; [ $code = 0 ] || echo \"exit code $code\""),
            ])
            .env("PATH", path)
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
