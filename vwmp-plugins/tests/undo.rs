//! What steps do is taken back to the byte, or not at all: after an end, without one, twice, and when somebody has
//! changed it since.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};
use vwmp_interfaces::{Done, Undo};
use vwmp_plugins::filesystem::adapter::LocalFiles;
use vwmp_plugins::filesystem::{
    archive::Archive, copy::Copy, r#move::Move, remove::Remove, template::Template, write::Write,
};
use vwmp_plugins::git::adapter::Git;
use vwmp_plugins::release::{
    changelog_create::ChangelogCreate, changelog_update::ChangelogUpdate, readme_update::ReadmeUpdate,
    version_bump::VersionBump,
};
use vwmp_testkit::{TestRun, already_done, execute, undo};

const CARGO: &str = "\u{feff}[package]\r\nname = \"a\"\r\nversion = \"1.2.3\" # ours\r\n";
const LOCK: &str = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n";
const README: &str = "Use `app = \"1.2.3\"`.\r\n\r\nNo newline at the end";

/// A workspace with files of all kinds.
async fn workspace() -> TestRun {
    let run = TestRun::new();
    run.write("Cargo.toml", CARGO).write("Cargo.lock", LOCK).write("README.md", README);
    run.write("CHANGELOG.md", "\u{feff}# Log\r\n\r\n## [Unreleased]\r\n\r\n- speed\r\n");
    run.write("bin/run.sh", "#!/bin/sh\n").write("bin/deep/data", [0, 255, 13, 10, 0]).write("empty", "");
    run.write("page.jinja", "v{{ v }}\n").write("page", "old \u{e9}\r\n").write("sealed/x", "1");
    symlink("run.sh", run.workspace().join("bin/link")).unwrap();
    symlink("bin/deep/data", run.workspace().join("far")).unwrap();
    symlink("nowhere", run.workspace().join("bin/broken")).unwrap();
    fs::create_dir(run.workspace().join("bin/hollow")).unwrap();
    for (path, mode) in [
        ("bin/run.sh", 0o751),
        ("page", 0o600),
        ("sealed/x", 0o440),
        ("bin/hollow", 0o711),
        ("README.md", 0o664),
    ] {
        fs::set_permissions(run.workspace().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let run = run.connected::<LocalFiles>(json!({})).await.unwrap();
    git(&run, &["init", "--quiet"]);
    run.connected::<Git>(json!({})).await.unwrap()
}

fn git(run: &TestRun, args: &[&str]) {
    let status = std::process::Command::new("git").args(args).current_dir(run.workspace()).status().unwrap();
    assert!(status.success());
}

/// All there is: kinds, modes, contents.
fn everything(run: &TestRun) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    collect(run.workspace(), run.workspace(), &mut found);
    found
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git") {
            continue;
        }
        let metadata = fs::symlink_metadata(&path).unwrap();
        let content = if metadata.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else if metadata.is_dir() {
            collect(root, &path, found);
            Vec::new()
        } else {
            fs::read(&path).unwrap()
        };
        found.insert(path.strip_prefix(root).unwrap().display().to_string(), (metadata.mode(), content));
    }
}

/// The names of what differs.
fn difference(
    before: &BTreeMap<String, (u32, Vec<u8>)>,
    after: &BTreeMap<String, (u32, Vec<u8>)>,
) -> Vec<String> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// Everything that undoing owes, for one step. `touched` is a file that the step leaves with another content.
async fn check<H: Undo>(config: Value, touched: &str, refused: &str) {
    let run = workspace().await;
    let before = everything(&run);
    let again = async |output: Option<Value>| undo::<H>(config.clone(), output, &run.context("step")).await;

    again(None).await.unwrap();
    assert!(difference(&before, &everything(&run)).is_empty(), "{}: nothing was done yet", H::NAME);

    // After an end, and twice.
    let output = execute::<H>(config.clone(), &run.context("step")).await.unwrap();
    let after = everything(&run);
    assert!(difference(&before, &after).contains(&touched.to_owned()), "{}: it did nothing", H::NAME);
    let found = already_done::<H>(config.clone(), &run.context("step")).await.unwrap();
    assert_eq!(found, Done::Yes(output.clone()), "{}", H::NAME);
    for _ in 0..2 {
        again(Some(output.clone())).await.unwrap();
        assert_eq!(difference(&before, &everything(&run)), [""; 0], "{}", H::NAME);
    }
    assert_eq!(
        already_done::<H>(config.clone(), &run.context("step")).await.unwrap(),
        Done::No,
        "{}",
        H::NAME
    );

    // After an attempt whose end nobody knows, which did all its work.
    run.forget();
    execute::<H>(config.clone(), &run.context("step")).await.unwrap();
    again(None).await.unwrap();
    assert_eq!(difference(&before, &everything(&run)), [""; 0], "{} without output", H::NAME);

    // After one that had only kept what it needs, however much of that.
    for more in 1..=run.kept("step").len() {
        run.forget();
        run.end_after_keeping(more);
        execute::<H>(config.clone(), &run.context("step")).await.unwrap_err();
        assert_eq!(difference(&before, &everything(&run)), [""; 0], "{} acts before it keeps", H::NAME);
        assert_eq!(already_done::<H>(config.clone(), &run.context("step")).await.unwrap(), Done::No);
        again(None).await.unwrap();
        assert_eq!(difference(&before, &everything(&run)), [""; 0], "{} after keeping", H::NAME);
    }

    // Another attempt in the same run, after that.
    let output = execute::<H>(config.clone(), &run.context("step")).await.unwrap();
    assert_eq!(difference(&after, &everything(&run)), [""; 0], "{}: the second attempt differs", H::NAME);

    // Somebody changes one of the files: nothing is touched.
    if !refused.is_empty() {
        let full = run.workspace().join(touched);
        if full.exists() {
            fs::write(&full, "somebody else's\n").unwrap();
        } else {
            run.write(touched, "somebody else's\n");
        }
        let changed = everything(&run);
        let error = again(Some(output)).await.unwrap_err();
        assert_eq!(error.message(), refused, "{}", H::NAME);
        assert!(!error.is_transient());
        assert_eq!(difference(&changed, &everything(&run)), [""; 0], "{} touched something", H::NAME);
    }
}

#[tokio::test]
async fn release_files() {
    let bump = json!({ "version_file": "Cargo.toml", "increment_type": "minor" });
    check::<VersionBump>(bump, "Cargo.lock", "can't restore `Cargo.lock`: it has been changed since").await;
    let notes = json!({ "version": "1.3.0", "summary": "Faster." });
    let path = "docs/changelog/1.3.0.md";
    check::<ChangelogCreate>(
        notes.clone(),
        path,
        &format!("can't restore `{path}`: it has been changed since"),
    )
    .await;
    check::<ChangelogUpdate>(
        notes,
        "CHANGELOG.md",
        "can't restore `CHANGELOG.md`: it has been changed since",
    )
    .await;
    let updates = json!([
        { "pattern": "app = \"[0-9.]+\"", "text": "app = \"{version}\"" },
        { "file": "Cargo.toml", "pattern": "# .*", "text": "# {version}" },
    ]);
    let readme = json!({ "version": "1.3.0", "updates": updates });
    check::<ReadmeUpdate>(readme, "README.md", "can't restore `README.md`: it has been changed since").await;
}

#[tokio::test]
async fn files_written() {
    for file in ["page", "new/deep/page"] {
        let refused = format!("can't restore `{file}`: it has been changed since");
        check::<Write>(json!({ "file": file, "text": "new\n" }), file, &refused).await;
    }
    let template = json!({ "template": "page.jinja", "to": "page", "values": { "v": 1 } });
    check::<Template>(template, "page", "can't restore `page`: it has been changed since").await;
    let archive = json!({ "files": ["bin/**"], "to": "dist/bin.tar.gz" });
    let refused = "can't restore `dist/bin.tar.gz`: it has been changed since";
    check::<Archive>(archive, "dist/bin.tar.gz", refused).await;
}

#[tokio::test]
async fn files_copied_moved_and_removed() {
    let changed = |path: &str| format!("can't restore `{path}`: it has been changed since");
    let one = json!({ "from": "bin/run.sh", "to": "page", "replace": true });
    check::<Copy>(one, "page", &changed("page")).await;
    let tree = json!({ "from": "bin", "to": "a/b/bin" });
    check::<Copy>(tree, "a/b/bin/deep/data", &changed("a/b/bin/deep/data")).await;

    let folder = json!({ "from": "bin", "to": "a/b" });
    check::<Move>(folder, "a/b/deep/data", "").await;
    let over = json!({ "from": "bin/run.sh", "to": "page", "replace": true });
    check::<Move>(over, "page", "can't move `page` back: it has been changed since").await;

    let paths = json!({ "paths": ["page", "bin", "far", "empty", "sealed", "none"], "recursive": true });
    check::<Remove>(paths.clone(), "page", &changed("page")).await;
    check::<Remove>(paths, "bin/deep/data", &changed("bin/deep/data")).await;
}

#[tokio::test]
async fn what_is_behind_a_link_is_restored_where_it_is() {
    let run = workspace().await;
    run.write("bin/deep/data", "text\r\n");
    let before = everything(&run);
    let config = json!({ "file": "far", "text": "new" });
    execute::<Write>(config.clone(), &run.context("step")).await.unwrap();
    assert_eq!(difference(&before, &everything(&run)), ["bin/deep/data"]);
    undo::<Write>(config, None, &run.context("step")).await.unwrap();
    assert_eq!(difference(&before, &everything(&run)), [""; 0]);
}

/// A folder in which somebody has put something else is not said to be gone.
#[tokio::test]
async fn a_folder_that_others_use_stays() {
    let run = workspace().await;
    let config = json!({ "file": "new/page", "text": "new" });
    execute::<Write>(config.clone(), &run.context("step")).await.unwrap();
    run.write("new/theirs", "x");
    undo::<Write>(config, None, &run.context("step")).await.unwrap();
    assert!(run.exists("new/theirs") && !run.exists("new/page"));
    let log = run.log();
    let said =
        ["info: removed new/page", "info: left the folder new where it is: there is something else in it"];
    assert_eq!(log[log.len() - 2..], said);
}

/// Somebody removed what was kept: nothing is, and nothing is said to be, taken back.
#[tokio::test]
async fn what_was_kept_is_gone() {
    check_gone::<Write>(json!({ "file": "page", "text": "new\n" })).await;
    check_gone::<Move>(json!({ "from": "bin", "to": "a/b" })).await;
    check_gone::<Remove>(json!({ "paths": ["page"] })).await;
    check_gone::<VersionBump>(json!({ "version_file": "Cargo.toml", "increment_type": "minor" })).await;
    check_gone::<ChangelogCreate>(json!({ "version": "1.3.0", "summary": "Faster." })).await;
}

async fn check_gone<H: Undo>(config: Value) {
    let run = workspace().await;
    let output = execute::<H>(config.clone(), &run.context("step")).await.unwrap();
    let done = everything(&run);
    run.forget();
    let error = undo::<H>(config, Some(output), &run.context("step")).await.unwrap_err();
    assert!(error.message().starts_with("what was kept to take it back is gone"), "{}: {error}", H::NAME);
    assert_eq!(difference(&done, &everything(&run)), [""; 0], "{} touched something", H::NAME);
}

/// The process died between two files.
#[tokio::test]
async fn half_of_several_files() {
    let run = workspace().await;
    let before = everything(&run);
    let (ctx, config) =
        (run.context("step"), json!({ "version_file": "Cargo.toml", "increment_type": "minor" }));
    let output = execute::<VersionBump>(config.clone(), &ctx).await.unwrap();
    let after = everything(&run);
    run.write("Cargo.lock", LOCK);
    assert_eq!(already_done::<VersionBump>(config.clone(), &ctx).await.unwrap(), Done::No);
    let again = execute::<VersionBump>(config.clone(), &ctx).await.unwrap();
    assert_eq!(
        (again, difference(&after, &everything(&run))),
        (output, vec![]),
        "the version is raised once"
    );

    run.write("Cargo.toml", CARGO);
    undo::<VersionBump>(config.clone(), None, &ctx).await.unwrap();
    assert_eq!(difference(&before, &everything(&run)), [""; 0]);

    execute::<VersionBump>(config.clone(), &ctx).await.unwrap();
    run.write("Cargo.toml", "mine").write("Cargo.lock", "mine too");
    assert_eq!(already_done::<VersionBump>(config.clone(), &ctx).await.unwrap(), Done::Unknown);
    let error = undo::<VersionBump>(config, None, &ctx).await.unwrap_err();
    assert_eq!(error.message(), "can't restore `Cargo.lock`, `Cargo.toml`: they have been changed since");
}

/// Two attempts of one step, and somebody between them.
#[tokio::test]
async fn what_somebody_wrote_between_two_attempts_stays() {
    let run = workspace().await;
    let (ctx, config) = (run.context("step"), json!({ "file": "page", "text": "new" }));
    execute::<Write>(config.clone(), &ctx).await.unwrap();
    run.write("page", "somebody else's");
    execute::<Write>(config.clone(), &ctx).await.unwrap();
    for _ in 0..2 {
        undo::<Write>(config.clone(), None, &ctx).await.unwrap();
        assert_eq!(run.read("page"), "somebody else's");
    }
}

#[tokio::test]
async fn permissions_count_as_a_change() {
    let run = workspace().await;
    let (ctx, config) = (run.context("step"), json!({ "file": "page", "text": "new" }));
    execute::<Write>(config.clone(), &ctx).await.unwrap();
    fs::set_permissions(run.workspace().join("page"), fs::Permissions::from_mode(0o644)).unwrap();
    let error = undo::<Write>(config, None, &ctx).await.unwrap_err();
    assert_eq!(error.message(), "can't restore `page`: it has been changed since");
}

#[tokio::test]
async fn what_is_too_large_is_not_kept() {
    let run = workspace().await;
    run.write("large/file", vec![b'x'; (32 << 20) + 1]).write("small", "1");
    let ctx = run.context("step");
    let config = json!({ "paths": ["small", "large"], "recursive": true });
    execute::<Remove>(config.clone(), &ctx).await.unwrap();
    let error = undo::<Remove>(config, None, &ctx).await.unwrap_err();
    assert_eq!(error.message(), "can't restore `large`: it was larger than the 32 MiB that are kept");
    assert!(!run.exists("small"), "all or nothing");

    run.write("large", vec![b'x'; (32 << 20) + 1]);
    let (ctx, config) = (run.context("other"), json!({ "from": "empty", "to": "large", "replace": true }));
    execute::<Copy>(config.clone(), &ctx).await.unwrap();
    let error = undo::<Copy>(config, None, &ctx).await.unwrap_err();
    assert_eq!(error.message(), "can't restore `large`: it was larger than the 32 MiB that are kept");
}

#[tokio::test]
async fn a_move_is_not_taken_back_over_something() {
    let run = workspace().await;
    let (ctx, config) = (run.context("step"), json!({ "from": "page", "to": "moved" }));
    execute::<Move>(config.clone(), &ctx).await.unwrap();
    run.write("page", "new");
    assert_eq!(already_done::<Move>(config.clone(), &ctx).await.unwrap(), Done::Unknown);
    let error = undo::<Move>(config, None, &ctx).await.unwrap_err();
    assert_eq!(error.message(), "can't move `moved` back: `page` exists again");
}
