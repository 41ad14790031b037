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
    assert_eq!(
        output,
        json!({
            "old_version": "1.2.3",
            "new_version": "1.2.4",
            "files": ["VERSION"],
            "released": true,
            "tag": "v1.2.4",
            "previous_tag": null,
            "prerelease": false,
            "reason": "as `increment_type` says",
        })
    );
    assert_eq!(run.read("VERSION"), "\u{feff}1.2.4\r\n\r\n");
    assert_eq!(run.log(), ["info: wrote VERSION", "info: raised 1.2.3 to 1.2.4: as `increment_type` says"]);
    undo::<VersionBump>(json!({}), output.clone(), &run.context("bump")).await.unwrap();
    assert_eq!(run.read("VERSION"), "\u{feff}1.2.3\r\n\r\n");
    run.write("VERSION", "9.9.9");
    let error = undo::<VersionBump>(json!({}), output, &run.context("bump")).await.unwrap_err();
    assert_eq!(error.message(), "can't restore `VERSION`: it has been changed since");
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

/// Paths, texts before and after.
const FILES: [(&str, &str, &str); 8] = [
    ("VERSION", "v1.2.3\n", "v1.3.0-rc.1\n"),
    (
        "web/package.json",
        "{\r\n  \"version\": \"1.2.3\"\r\n}\r\n",
        "{\r\n  \"version\": \"1.3.0-rc.1\"\r\n}\r\n",
    ),
    (
        "web/package-lock.json",
        "{\"version\":\"1.2.3\",\"packages\":{\"\":{\"version\":\"1.2.3\"},\"node_modules/x\":{\"version\":\"1.2.3\"}}}",
        "{\"version\":\"1.3.0-rc.1\",\"packages\":{\"\":{\"version\":\"1.3.0-rc.1\"},\"node_modules/x\":{\"version\":\"1.2.3\"}}}",
    ),
    (
        "py/pyproject.toml",
        "[project]\nname = 'p'\nversion = '1.2.3'\n",
        "[project]\nname = 'p'\nversion = '1.3.0rc1'\n",
    ),
    (
        "py/uv.lock",
        "[[package]]\nname = \"p\"\nversion = \"1.2.3\"\nsource = { editable = \".\" }\n",
        "[[package]]\nname = \"p\"\nversion = \"1.3.0rc1\"\nsource = { editable = \".\" }\n",
    ),
    ("chart.yaml", "app: # x\n  version: 'v1.2.3' # y\n", "app: # x\n  version: 'v1.3.0-rc.1' # y\n"),
    (
        "install.md",
        "get app@1.2.3, not app@1.2.30, or app@1.2.3.\n",
        "get app@1.3.0-rc.1, not app@1.2.30, or app@1.3.0-rc.1.\n",
    ),
    (
        "a.h",
        "#define V \"1.2.3\"\n#define N 1.2.3\n",
        "#define V \"1.3.0-rc.1\"\n#define N 1.3.0-rc.1 // new\n",
    ),
];

#[tokio::test]
async fn many_files_of_many_kinds_are_raised_together() {
    let run = run().await;
    for (path, before, _) in FILES {
        run.write(path, before);
    }
    let config = json!({
        "increment_type": "minor",
        "channel": "rc",
        "files": [
            { "file": "web/package.json" },
            { "file": "py/pyproject.toml" },
            { "file": "chart.yaml", "key": "app.version" },
            { "file": "install.md", "search": "app@{version}", "matches": 2 },
            { "file": "a.h", "search": "V \"{version}\"" },
            { "file": "a.h", "search": "N {version}\n", "replace": "N {version} // new\n" },
        ],
    });
    let output = bump(&run, config.clone()).await.unwrap();
    let paths = FILES.map(|(path, ..)| path);
    assert_eq!(output["files"], json!(paths));
    assert_eq!((output["prerelease"].as_bool(), output["tag"].as_str()), (Some(true), Some("v1.3.0-rc.1")));
    for (path, _, after) in FILES {
        assert_eq!(run.read(path), after, "{path}");
    }
    undo::<VersionBump>(config, output, &run.context("bump")).await.unwrap();
    for (path, before, _) in FILES {
        assert_eq!(run.read(path), before, "{path}");
    }
}

#[tokio::test]
async fn all_files_change_or_none() {
    let run = run().await;
    let long = "1.2.3 1.2.3";
    run.write("VERSION", "1.2.3\n").write("b.json", "{\"version\": \"1.2.4\"}").write("c.md", long);
    for (place, message) in [
        (
            json!({ "file": "b.json", "key": "version" }),
            "`b.json` says 1.2.4, where 1.2.3 is expected; make all places agree first",
        ),
        (json!({ "file": "b.json", "key": "name" }), "`b.json` has no `name`"),
        (
            json!({ "file": "c.md", "search": "{version}" }),
            "`c.md` has `1.2.3` 2 times, not once as `matches` says",
        ),
        (json!({ "file": "none" }), "there is no file `none`"),
        (
            json!({ "file": "c.md", "key": "a" }),
            "config of release.version_bump: `key` needs a file in TOML, JSON or YAML, by its name; use `search` instead",
        ),
        (
            json!({ "file": "c.md", "search": "1.2.3" }),
            "config of release.version_bump: `search` needs `{version}` where the version stands",
        ),
    ] {
        let error = bump(&run, json!({ "files": [place] })).await.unwrap_err();
        assert_eq!(error.message(), message);
        assert_eq!((run.read("VERSION").as_str(), run.read("c.md").as_str()), ("1.2.3\n", long));
    }
}

#[tokio::test]
async fn a_read_only_file_leaves_all_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let run = run().await;
    run.write("VERSION", "1.2.3\n").write("b", "1.2.3\n");
    let read_only = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(run.workspace().join("b"), read_only).unwrap();
    let config = json!({ "files": [{ "file": "b" }] });
    let error = execute::<VersionBump>(config, &run.context("bump")).await.unwrap_err();
    assert_eq!(error.message(), "`b` is read-only; allow writing it, for example with `chmod u+w b`");
    assert_eq!(run.read("VERSION"), "1.2.3\n");
    assert_eq!(run.log(), ["info: wrote VERSION", "warning: put VERSION back as it was"]);
}

#[tokio::test]
async fn a_version_is_found_by_the_text_around_it() {
    let run = run().await;
    run.write("app/__init__.py", "__version__ = \"1.2.3.dev0\"\n");
    let config = json!({
        "version_file": "app/__init__.py",
        "search": "__version__ = \"{version}\"",
        "scheme": "pep440",
        "increment_type": "release",
    });
    assert_eq!(bump(&run, config).await.unwrap()["new_version"], "1.2.3");
    assert_eq!(run.read("app/__init__.py"), "__version__ = \"1.2.3\"\n");
}

#[tokio::test]
async fn what_a_config_asks_for_makes_sense() {
    let run = run().await;
    run.write("VERSION", "1.2.4-rc.1\n").write("FOUR", "1.2.3.4\n");
    for (config, message) in [
        (
            json!({ "increment_type": "feature" }),
            "config of release.version_bump: the scheme has three parts; `feature_set` and `feature` need `scheme: four-part`",
        ),
        (
            json!({ "channel": "r c" }),
            "config of release.version_bump: `r c` can't be a channel; write letters, digits and hyphens, such as `rc`",
        ),
        (
            json!({ "build": "a b" }),
            "config of release.version_bump: `a b` can't be build metadata; write letters, digits, dots and hyphens",
        ),
        (
            json!({ "increment_type": "prerelease", "channel": "alpha" }),
            "`VERSION` says 1.2.4-rc.1 already, and 1.2.4-alpha.1 is lower; versions only go up",
        ),
        (
            json!({ "scheme": "four-part" }),
            "`VERSION` says `1.2.4-rc.1`, which isn't a version such as 1.2.3.4",
        ),
    ] {
        assert_eq!(bump(&run, config).await.unwrap_err().message(), message);
    }
    let config =
        json!({ "version_file": "FOUR", "scheme": "four-part", "increment_type": "feature", "build": "b7" });
    assert_eq!(bump(&run, config).await.unwrap()["new_version"], "1.2.4.0+b7");
}
