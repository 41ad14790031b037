//! Raising versions in real files.

use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass};
use vwmp_testkit::{TestRun, execute, preview, undo};

use super::*;
use crate::filesystem::adapter::LocalFiles;

async fn run() -> TestRun {
    TestRun::new().connected::<LocalFiles>(json!({})).await.unwrap()
}

/// Previews, executes, and checks that the preview was exact.
async fn bump(run: &TestRun, config: Value) -> Result<Value, StepError> {
    let ctx = run.context("bump");
    let seen = preview::<VersionBump>(config.clone(), &ctx).await?;
    let before: Vec<_> = seen.changes.iter().map(|change| run.read(file(change).0)).collect();
    let output = execute::<VersionBump>(config, &ctx).await?;
    for (change, before) in seen.changes.iter().zip(before) {
        let (path, planned_before, planned_after) = file(change);
        assert_eq!((planned_before, planned_after), (Some(before.as_str()), Some(run.read(path).as_str())));
    }
    assert_eq!(seen.output.as_ref(), Some(&output));
    Ok(output)
}

fn file(change: &Change) -> (&str, Option<&str>, Option<&str>) {
    match change {
        Change::File { path, before, after } => (path, before.as_deref(), after.as_deref()),
        Change::Action { description } => panic!("unexpected action: {description}"),
    }
}

#[tokio::test]
async fn a_plain_file_and_back() {
    let run = run().await;
    run.write("VERSION", "\u{feff}1.2.3\r\n\r\n");
    let output = bump(&run, json!({})).await.unwrap();
    assert_eq!(output, json!({ "old_version": "1.2.3", "new_version": "1.2.4", "files": ["VERSION"] }));
    assert_eq!(run.read("VERSION"), "\u{feff}1.2.4\r\n\r\n");
    assert_eq!(run.log(), ["info: wrote VERSION", "info: raised 1.2.3 to 1.2.4"]);
    undo::<VersionBump>(json!({}), output.clone(), &run.context("bump")).await.unwrap();
    assert_eq!(run.read("VERSION"), "\u{feff}1.2.3\r\n\r\n");
    run.write("VERSION", "9.9.9");
    let error = undo::<VersionBump>(json!({}), output, &run.context("bump")).await.unwrap_err();
    assert_eq!(
        error.message(),
        "`VERSION` says 9.9.9, not 1.2.4: it has been changed since, and is left alone"
    );
}

#[tokio::test]
async fn a_workspace_with_its_lock_file() {
    let run = run().await;
    let root = "[workspace]\nmembers = [\"crates/*\", \"tool-*\"]\n[workspace.package]\nversion = \"0.1.0\" # ours\n\
                [workspace.dependencies]\nb = { path = \"crates/b\", version = \"0.1.0\" }\n";
    let lock = "[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n\n\
                [[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"t\"\nversion = \"0.1.0\"\n";
    run.write("Cargo.toml", root)
        .write("Cargo.lock", lock)
        .write("crates/README.md", "not a package")
        .write("crates/a/Cargo.toml", "[package]\nname = \"a\"\nversion.workspace = true\n[dependencies]\nb = { path = \"../b\", version = \"^0.1.0\" }\n")
        .write("crates/b/Cargo.toml", "[package]\nname = \"b\"\nversion = { workspace = true }\n")
        .write("crates/own/Cargo.toml", "[package]\nname = \"own\"\nversion = \"0.1.0\"\n")
        .write("tool-t/Cargo.toml", "[package]\nname = \"t\"\nversion.workspace = true\n");
    let config = json!({ "version_file": "Cargo.toml", "increment_type": "minor" });
    let output = bump(&run, config.clone()).await.unwrap();
    assert_eq!(output["files"], json!(["Cargo.toml", "crates/a/Cargo.toml", "Cargo.lock"]));
    assert_eq!(run.read("Cargo.toml"), root.replace("0.1.0", "0.2.0"));
    assert!(run.read("crates/a/Cargo.toml").contains("version = \"^0.2.0\""));
    assert_eq!(run.read("crates/own/Cargo.toml"), "[package]\nname = \"own\"\nversion = \"0.1.0\"\n");
    let raised = lock
        .replace("0.1.0", "0.2.0")
        .replace("\"own\"\nversion = \"0.2.0\"", "\"own\"\nversion = \"0.1.0\"");
    assert_eq!(run.read("Cargo.lock"), raised);
    undo::<VersionBump>(config, output, &run.context("bump")).await.unwrap();
    assert_eq!((run.read("Cargo.toml").as_str(), run.read("Cargo.lock").as_str()), (root, lock));
}

#[tokio::test]
async fn a_member_finds_the_lock_file_above() {
    let run = run().await;
    run.write("crates/a/Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.0.0\"\n");
    run.write("Cargo.lock", "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n");
    let output = bump(&run, json!({ "version_file": "crates/a/Cargo.toml" })).await.unwrap();
    assert_eq!(output["files"], json!(["crates/a/Cargo.toml", "Cargo.lock"]));
}

#[tokio::test]
async fn an_exact_version_only_goes_up() {
    let run = run().await;
    run.write("VERSION", "1.2.3\n");
    assert_eq!(bump(&run, json!({ "version": "1.2.3" })).await.unwrap()["files"], json!([]));
    let error = bump(&run, json!({ "version": "1.2.3-rc.1" })).await.unwrap_err();
    assert_eq!(error.message(), "`VERSION` says 1.2.3 already, and 1.2.3-rc.1 is lower; versions only go up");
    let output = bump(&run, json!({ "version": "2.0.0-rc.1", "increment_type": "patch" })).await.unwrap();
    assert_eq!(output["new_version"], "2.0.0-rc.1");
    let error = bump(&run, json!({ "version": "two" })).await.unwrap_err();
    assert_eq!(error.message(), "config of release.version_bump: `two` isn't a version such as 1.2.3");
}

#[tokio::test]
async fn what_is_wrong_with_the_file_is_said() {
    let run = run().await;
    run.write("EMPTY", "\n")
        .write("TWO", "1.0.0\n2.0.0\n")
        .write("NOT", "one\n")
        .write("Cargo.toml", "[package]\n");
    for (file, message) in [
        ("VERSION", "there is no version file `VERSION`; create it, or set `version_file`"),
        ("EMPTY", "`EMPTY` is empty; it should hold a version such as 1.2.3"),
        ("TWO", "`TWO` holds two versions, 1.0.0 and 2.0.0; keep one"),
        ("NOT", "`NOT` says `one`, which isn't a version such as 1.2.3"),
        ("Cargo.toml", "`Cargo.toml` has no version, neither in [package] nor in [workspace.package]"),
    ] {
        let error = bump(&run, json!({ "version_file": file })).await.unwrap_err();
        assert_eq!((error.class(), error.message()), (ErrorClass::Permanent, message));
    }
}

#[tokio::test]
async fn a_plan_of_two_bumps_counts_twice() {
    let first = Change::File { path: "VERSION".into(), before: None, after: Some("1.0.1\n".into()) };
    let run = run().await.planned([first]);
    run.write("VERSION", "1.0.0\n");
    let seen = preview::<VersionBump>(json!({}), &run.context("again")).await.unwrap();
    assert_eq!(file(&seen.changes[0]), ("VERSION", Some("1.0.1\n"), Some("1.0.2\n")));
}
