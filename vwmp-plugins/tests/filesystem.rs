//! The file handlers on a real disk.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass, StepError, StepHandler};
use vwmp_plugins::filesystem::{
    adapter::LocalFiles, archive::Archive, copy::Copy, glob::Glob, hash::Hash, r#move::Move, read::Read,
    remove::Remove, template::Template, write::Write,
};
use vwmp_testkit::{TestRun, execute, preview, undo};

async fn workspace() -> TestRun {
    TestRun::new().connected::<LocalFiles>(json!({})).await.unwrap()
}

async fn done<H: StepHandler>(run: &TestRun, config: Value) -> Value {
    execute::<H>(config, &run.context("step")).await.unwrap()
}

async fn refused<H: StepHandler>(run: &TestRun, config: Value) -> String {
    let seen = preview::<H>(config.clone(), &run.context("step")).await.unwrap_err();
    let error = execute::<H>(config, &run.context("step")).await.unwrap_err();
    assert_eq!(seen.message(), error.message(), "the preview tells the same");
    error.message().to_owned()
}

/// Executes a step, and holds its preview against what happened.
async fn as_previewed<H: StepHandler>(run: &TestRun, config: Value) -> (Value, Vec<Change>) {
    let seen = preview::<H>(config.clone(), &run.context("step")).await.unwrap();
    for change in &seen.changes {
        if let Change::File { path, before, .. } = change {
            assert_eq!(fs::read_to_string(run.workspace().join(path)).ok(), *before, "{path} before");
        }
    }
    let output = execute::<H>(config, &run.context("step")).await.unwrap();
    for change in &seen.changes {
        if let Change::File { path, after, .. } = change {
            assert_eq!(fs::read_to_string(run.workspace().join(path)).ok(), *after, "{path} after");
        }
    }
    assert_eq!(seen.output.as_ref(), Some(&output));
    (output, seen.changes)
}

#[tokio::test]
async fn files_are_read_as_text_lines_and_json() {
    let run = workspace().await;
    run.write("a.json", "\u{feff}{ \"b\": [1, 2] }\r\n").write("lines", "one\r\ntwo\n").write("bad", [0xff]);
    let json = done::<Read>(&run, json!({ "file": "a.json", "format": "json" })).await;
    assert_eq!(json["content"], json!({ "b": [1, 2] }));
    let lines = done::<Read>(&run, json!({ "file": "lines", "format": "lines" })).await;
    assert_eq!(lines, json!({ "exists": true, "content": ["one", "two"], "size": 9 }));
    let none = done::<Read>(&run, json!({ "file": "none", "optional": true })).await;
    assert_eq!(none, json!({ "exists": false, "content": null, "size": 0 }));
    assert_eq!(refused::<Read>(&run, json!({ "file": "none" })).await, "there is no `none` in the workspace");
    let lines = json!({ "file": "lines", "format": "json" });
    assert_eq!(refused::<Read>(&run, lines).await, "`lines` isn't valid JSON");
    assert_eq!(refused::<Read>(&run, json!({ "file": "bad" })).await, "`bad` isn't UTF-8 text (byte 0)");
    let planned = Change::File { path: "new".into(), before: None, after: Some("later".into()) };
    let run = run.planned([planned]);
    let seen = preview::<Read>(json!({ "file": "new" }), &run.context("read")).await.unwrap();
    assert_eq!(seen.output.unwrap()["content"], "later");
}

#[tokio::test]
async fn a_file_is_written_once_and_can_be_taken_back() {
    let run = workspace().await;
    let config = json!({ "file": "out/a.txt", "text": "one" });
    let (first, changes) = as_previewed::<Write>(&run, config.clone()).await;
    assert_eq!(first, json!({ "path": "out/a.txt", "changed": true, "size": 3 }));
    assert_eq!(changes.len(), 1);
    let (again, changes) = as_previewed::<Write>(&run, config.clone()).await;
    assert_eq!((&again["changed"], changes.len()), (&json!(false), 0));
    let other = json!({ "file": "out/a.txt", "text": "two" });
    let ctx = run.context("other");
    let second = execute::<Write>(other.clone(), &ctx).await.unwrap();
    undo::<Write>(other, second, &ctx).await.unwrap();
    assert_eq!(run.read("out/a.txt"), "one");
    undo::<Write>(config, first, &run.context("step")).await.unwrap();
    assert!(!run.exists("out"), "the folder was made for the file");
    run.write("kept", "x");
    let keep = json!({ "file": "kept", "text": "y", "replace": false });
    assert_eq!(refused::<Write>(&run, keep).await, "`kept` exists already, with other content");
    run.write("locked", "x");
    fs::set_permissions(run.workspace().join("locked"), fs::Permissions::from_mode(0o444)).unwrap();
    let locked = execute::<Write>(json!({ "file": "locked", "text": "y" }), &run.context("write")).await;
    let message = "`locked` is read-only; allow writing it, for example with `chmod u+w locked`";
    assert_eq!(locked.unwrap_err().message(), message);
}

#[tokio::test]
async fn files_and_folders_are_copied_whole() {
    let run = workspace().await;
    run.write("from/run.sh", "#!/bin/sh\n").write("from/deep/x", "1");
    fs::set_permissions(run.workspace().join("from/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("run.sh", run.workspace().join("from/link")).unwrap();
    let one = json!({ "from": "from/run.sh", "to": "to/run.sh" });
    let (made, changes) = as_previewed::<Copy>(&run, one.clone()).await;
    assert_eq!((made, changes.len()), (json!({ "path": "to/run.sh", "changed": true }), 1));
    assert_eq!(fs::metadata(run.workspace().join("to/run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(as_previewed::<Copy>(&run, one.clone()).await.0["changed"], false);
    run.write("to/run.sh", "other");
    let message = "`to/run.sh` exists already, with other content; set `replace: true` to replace it";
    assert_eq!(refused::<Copy>(&run, one).await, message);
    let replace = json!({ "from": "from/run.sh", "to": "to/run.sh", "replace": true });
    assert_eq!(as_previewed::<Copy>(&run, replace).await.0["changed"], true);

    let (_, changes) = as_previewed::<Copy>(&run, json!({ "from": "from", "to": "all/of/it" })).await;
    assert_eq!(changes, [Change::Action { description: "copy from to all/of/it".into() }]);
    assert_eq!(run.read("all/of/it/deep/x"), "1");
    assert_eq!(fs::read_link(run.workspace().join("all/of/it/link")).unwrap().to_str(), Some("run.sh"));
    let taken = refused::<Copy>(&run, json!({ "from": "from", "to": "to" })).await;
    assert_eq!(taken, "`to` exists already; remove it first");
    let none = refused::<Copy>(&run, json!({ "from": "none", "to": "x" })).await;
    assert_eq!(none, "there is no `none` in the workspace");
    let into = execute::<Copy>(json!({ "from": "from", "to": "from/deep/in" }), &run.context("copy")).await;
    assert_eq!(into.unwrap_err().message(), "can't copy `from` into itself, to `from/deep/in`");
}

#[tokio::test]
async fn moves_go_there_and_back() {
    let run = workspace().await;
    run.write("a/x", "1").write("b", "2");
    let config = json!({ "from": "a", "to": "c/d" });
    let (made, _) = as_previewed::<Move>(&run, config.clone()).await;
    assert_eq!(
        (made.clone(), run.read("c/d/x")),
        (json!({ "path": "c/d", "replaced": false }), "1".to_owned())
    );
    assert!(!run.exists("a"));
    undo::<Move>(config, made, &run.context("step")).await.unwrap();
    assert_eq!(run.read("a/x"), "1");
    let over = refused::<Move>(&run, json!({ "from": "b", "to": "a/x" })).await;
    assert_eq!(over, "`a/x` exists already; set `replace: true` to replace it");
    assert_eq!(
        refused::<Move>(&run, json!({ "from": "b", "to": "a" })).await,
        "`a` exists already; remove it first"
    );
    let (made, _) = as_previewed::<Move>(&run, json!({ "from": "b", "to": "a/x", "replace": true })).await;
    assert_eq!((&made["replaced"], run.read("a/x")), (&json!(true), "2".to_owned()));
    let into = execute::<Move>(json!({ "from": "a", "to": "a/b" }), &run.context("move")).await.unwrap_err();
    assert_eq!(into.message(), "can't move `a` into itself, to `a/b`");
}

#[tokio::test]
async fn removing_stops_at_folders_and_links() {
    let run = workspace().await;
    run.write("a/x", "1").write("b", "2").write("kept/x", "3");
    symlink("kept", run.workspace().join("link")).unwrap();
    symlink("/nowhere", run.workspace().join("broken")).unwrap();
    let message = "`a` is a folder; set `recursive: true` to remove it with all in it";
    assert_eq!(refused::<Remove>(&run, json!({ "paths": ["b", "a"] })).await, message);
    assert!(run.exists("b"), "all or nothing");
    let all = json!({ "paths": ["b", "a", "none", "link", "broken"], "recursive": true });
    let (removed, changes) = as_previewed::<Remove>(&run, all).await;
    assert_eq!(removed, json!({ "paths": ["b", "a", "link", "broken"] }));
    assert_eq!(changes[1], Change::Action { description: "remove a".into() });
    assert_eq!(run.read("kept/x"), "3");
    assert!(!run.exists("a"));
    assert!(fs::symlink_metadata(run.workspace().join("link")).is_err());
}

#[tokio::test]
async fn patterns_find_files() {
    let run = workspace().await;
    run.write("src/a.rs", "").write("src/deep/b.rs", "").write("src/c.txt", "").write(".git/x.rs", "");
    symlink("/etc", run.workspace().join("src/etc")).unwrap();
    let find = async |config| as_previewed::<Glob>(&run, config).await.0["paths"].clone();
    assert_eq!(find(json!({ "patterns": ["**/*.rs"] })).await, json!(["src/a.rs", "src/deep/b.rs"]));
    assert_eq!(find(json!({ "patterns": ["src/*.rs"] })).await, json!(["src/a.rs"]));
    let rest = json!({ "patterns": ["src/**"], "exclude": ["**/*.rs"] });
    assert_eq!(find(rest).await, json!(["src/c.txt", "src/etc"]));
    assert_eq!(find(json!({ "patterns": ["src/**"], "kind": "folders" })).await, json!(["src/deep"]));
    assert_eq!(find(json!({ "patterns": [".git/*"] })).await, json!([".git/x.rs"]));
    let link = refused::<Glob>(&run, json!({ "patterns": ["src/etc/*"] })).await;
    assert_eq!(link, "`src/etc` leads out of the workspace through a symbolic link, to /etc");
    let none = refused::<Glob>(&run, json!({ "patterns": ["*.md"], "required": true })).await;
    assert_eq!(none, "nothing matches *.md");
    let outside = refused::<Glob>(&run, json!({ "patterns": ["../*"] })).await;
    assert_eq!(outside, "config of filesystem.glob: `../*` leads out of the workspace");
}

#[tokio::test]
async fn hashes_are_those_of_the_usual_programs() {
    let run = workspace().await;
    run.write("dist/a", "abc").write("dist/b", "");
    let (hashes, _) = as_previewed::<Hash>(&run, json!({ "files": ["dist/*"] })).await;
    let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hashes["files"][0], json!({ "path": "dist/a", "hash": sha }));
    run.write("sums", hashes["lines"].as_str().unwrap());
    let check =
        Command::new("sha256sum").args(["--check", "sums"]).current_dir(run.workspace()).output().unwrap();
    assert!(check.status.success(), "{check:?}");
    let blake = done::<Hash>(&run, json!({ "files": ["dist/a"], "algorithm": "blake3" })).await;
    assert_eq!(blake["files"][0]["hash"], "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    done::<Hash>(&run, json!({ "files": ["dist/a"], "expected": sha.to_uppercase() })).await;
    let wrong = refused::<Hash>(&run, json!({ "files": ["dist/a"], "expected": "0".repeat(64) })).await;
    assert_eq!(wrong, format!("`dist/a` has the hash {sha}, not {}", "0".repeat(64)));
    let two = refused::<Hash>(&run, json!({ "files": ["dist/*"], "expected": sha })).await;
    assert_eq!(two, "`expected` is for one file, and 2 files match");
    let none = refused::<Hash>(&run, json!({ "files": ["dist/*", "none"] })).await;
    assert_eq!(none, "no file matches `none`");
}

#[tokio::test]
async fn archives_are_the_same_whenever_their_files_are() {
    let run = workspace().await;
    run.write("dist/b.txt", "two").write("dist/a.sh", "one").write("dist/skip.tmp", "");
    fs::set_permissions(run.workspace().join("dist/a.sh"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink("a.sh", run.workspace().join("dist/link")).unwrap();
    for (name, list) in [("app.tar.gz", "tar -tzf app.tar.gz"), ("app.zip", "unzip -Z1 app.zip")] {
        let config = json!({
            "files": ["dist/**"], "exclude": ["**/*.tmp"], "base": "dist", "prefix": "app-1", "to": name,
        });
        let (made, changes) = as_previewed::<Archive>(&run, config.clone()).await;
        assert_eq!(made["files"], json!(["app-1/a.sh", "app-1/b.txt"]));
        let action = format!("pack 2 files into {name}: app-1/a.sh, app-1/b.txt");
        assert_eq!(changes, [Change::Action { description: action }]);
        assert_eq!(as_previewed::<Archive>(&run, config.clone()).await.0["changed"], false);
        run.remove(name);
        run.write("dist/b.txt", "two").write("dist/a.sh", "one");
        assert_eq!(done::<Archive>(&run, config).await["sha256"], made["sha256"]);
        let Ok(listed) = Command::new("sh").args(["-c", list]).current_dir(run.workspace()).output() else {
            continue;
        };
        if listed.status.success() {
            assert_eq!(String::from_utf8(listed.stdout).unwrap(), "app-1/a.sh\napp-1/b.txt\n");
        }
    }
    let tar = "tar -xzf app.tar.gz && stat -c '%a %Y' app-1/a.sh && cat app-1/b.txt";
    let unpacked = Command::new("sh").args(["-c", tar]).current_dir(run.workspace()).output().unwrap();
    assert_eq!(String::from_utf8(unpacked.stdout).unwrap(), "755 0\ntwo");
    let message = "config of filesystem.archive: `app.rar` doesn't end with .tar.gz, .tgz or .zip";
    assert_eq!(refused::<Archive>(&run, json!({ "files": ["dist/*"], "to": "app.rar" })).await, message);
    let outside = json!({ "files": ["*/*"], "base": "other", "to": "x.zip" });
    assert_eq!(refused::<Archive>(&run, outside).await, "`app-1/a.sh` isn't in the folder `other`");
    let none = json!({ "files": ["none/*"], "to": "x.zip" });
    assert_eq!(refused::<Archive>(&run, none).await, "nothing matches none/*");
}

#[tokio::test]
async fn values_in_templates_are_never_evaluated() {
    let run = workspace().await;
    run.write("page.html", "v{{ version }} $<x>\n{% for one in list %}- {{ one }}\n{% endfor %}");
    let hostile = "{{ 7 * 7 }} <b>&\"$(id)";
    let config = json!({
        "template": "page.html", "to": "out/page", "values": { "version": hostile, "list": ["a", 2] },
    });
    let (made, _) = as_previewed::<Template>(&run, config.clone()).await;
    assert_eq!((&made["path"], &made["changed"]), (&json!("out/page"), &json!(true)));
    assert_eq!(run.read("out/page"), format!("v{hostile} $<x>\n- a\n- 2\n"));
    assert_eq!(as_previewed::<Template>(&run, config).await.0["changed"], false);
    let empty = json!({ "template": "page.html", "to": "out/page" });
    let message = "the template page.html:1 fails: undefined value";
    assert!(refused::<Template>(&run, empty.clone()).await.starts_with(message));
    run.write("page.html", "ok\n{% if %}");
    assert!(
        refused::<Template>(&run, empty.clone())
            .await
            .starts_with("the template page.html:2 fails: syntax error")
    );
    run.write(
        "page.html",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    );
    let endless = refused::<Template>(&run, empty.clone()).await;
    assert!(endless.starts_with("the template page.html:1 fails: "), "{endless}");
    run.write("page.html", "{% include 'secret' %}");
    assert!(refused::<Template>(&run, empty).await.starts_with("the template page.html:1 fails: "));
}

#[tokio::test]
async fn nothing_leaves_the_workspace_through_links() {
    let outside = TestRun::new();
    outside.write("secret", "s");
    let run = workspace().await;
    run.write("mine", "m");
    symlink(outside.workspace(), run.workspace().join("out")).unwrap();
    symlink(outside.workspace().join("secret"), run.workspace().join("file")).unwrap();
    let ctx = run.context("step");
    let results: [(Result<Value, StepError>, &str); 9] = [
        (execute::<Read>(json!({ "file": "out/secret" }), &ctx).await, "out/secret"),
        (execute::<Read>(json!({ "file": "file" }), &ctx).await, "file"),
        (execute::<Write>(json!({ "file": "out/new", "text": "x" }), &ctx).await, "out/new"),
        (execute::<Copy>(json!({ "from": "out/secret", "to": "x" }), &ctx).await, "out"),
        (execute::<Copy>(json!({ "from": "mine", "to": "out/x" }), &ctx).await, "out"),
        (execute::<Move>(json!({ "from": "out/secret", "to": "x" }), &ctx).await, "out"),
        (execute::<Move>(json!({ "from": "mine", "to": "out/x" }), &ctx).await, "out"),
        (execute::<Remove>(json!({ "paths": ["out/secret"] }), &ctx).await, "out"),
        (execute::<Hash>(json!({ "files": ["out/secret"] }), &ctx).await, "out"),
    ];
    for (result, path) in results {
        let error = result.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Denied, "{path}: {}", error.message());
        let beginning = format!("`{path}` leads out of the workspace through a symbolic link, to ");
        assert!(error.message().starts_with(&beginning), "{}", error.message());
    }
    let copied = execute::<Copy>(json!({ "from": "file", "to": "x" }), &ctx).await.unwrap_err();
    assert_eq!(copied.class(), ErrorClass::Denied);
    assert_eq!(fs::read_dir(outside.workspace()).unwrap().count(), 1);
    assert_eq!(outside.read("secret"), "s");
}
