//! The adapter on a real disk.

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;
use vwmp_interfaces::ErrorClass;
use vwmp_testkit::TestRun;

use super::*;

async fn files(run: TestRun) -> (TestRun, Arc<dyn Files>) {
    let run = run.connected::<LocalFiles>(json!({})).await.unwrap();
    let files = run.context("files").require::<dyn Files>().unwrap();
    (run, files)
}

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

#[tokio::test]
async fn text_keeps_every_byte() {
    let (run, files) = files(TestRun::new()).await;
    let text = "\u{feff}1.2.3\r\n\r\n";
    files.write_text(&path("deep/er/VERSION"), text).await.unwrap();
    assert_eq!(run.read("deep/er/VERSION"), text);
    assert_eq!(files.read_text(&path("deep/er/VERSION")).await.unwrap().as_deref(), Some(text));
    assert_eq!(files.names_in(Some(&path("deep/er"))).await.unwrap(), ["VERSION"]);
    assert_eq!(files.names_in(None).await.unwrap(), ["deep"]);
    assert_eq!(files.read_text(&path("deep/er/VERSION/x")).await.unwrap(), None);
    assert!(files.names_in(Some(&path("shallow"))).await.unwrap().is_empty());
    files.remove(&path("deep/er/VERSION")).await.unwrap();
    files.remove(&path("deep/er/VERSION")).await.unwrap();
    assert_eq!(files.read_text(&path("deep/er/VERSION")).await.unwrap(), None);
}

#[tokio::test]
async fn permissions_stay_and_nothing_is_left_beside() {
    let (run, files) = files(TestRun::new()).await;
    run.write("run.sh", "old");
    let full = run.workspace().join("run.sh");
    fs::set_permissions(&full, fs::Permissions::from_mode(0o750)).unwrap();
    files.write_text(&path("run.sh"), "new").await.unwrap();
    assert_eq!(fs::metadata(&full).unwrap().permissions().mode() & 0o777, 0o750);
    assert_eq!(fs::read_dir(run.workspace()).unwrap().count(), 1);
}

#[tokio::test]
async fn links_are_followed_inside_and_refused_outside() {
    let outside = TestRun::new();
    outside.write("secret", "x");
    let (run, files) = files(TestRun::new()).await;
    run.write("real/VERSION", "1.0.0");
    symlink("real", run.workspace().join("linked")).unwrap();
    symlink(outside.workspace(), run.workspace().join("out")).unwrap();
    symlink("nowhere", run.workspace().join("broken")).unwrap();
    files.write_text(&path("linked/VERSION"), "2.0.0").await.unwrap();
    assert_eq!(run.read("real/VERSION"), "2.0.0");

    let target = fs::canonicalize(outside.workspace()).unwrap();
    for name in ["out/secret", "out/new/file"] {
        let error = files.write_text(&path(name), "y").await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Denied);
        let end = target.join(name.trim_start_matches("out/"));
        assert_eq!(
            error.message(),
            format!("`{name}` leads out of the workspace through a symbolic link, to {}", end.display())
        );
    }
    assert!(files.read_text(&path("out/secret")).await.is_err());
    assert!(files.remove(&path("out/secret")).await.is_err());
    assert_eq!(outside.read("secret"), "x");
    let broken = files.write_text(&path("broken"), "y").await.unwrap_err();
    assert_eq!(broken.message(), "`broken` leads through a broken symbolic link");
}

#[tokio::test]
async fn refusals_say_why() {
    let (run, files) = files(TestRun::new()).await;
    run.write("dir/file", [0x66, 0xff]);
    run.write("locked", "old");
    let full = run.workspace().join("locked");
    fs::set_permissions(&full, fs::Permissions::from_mode(0o444)).unwrap();
    let locked = files.write_text(&path("locked"), "new").await.unwrap_err();
    assert_eq!(
        locked.message(),
        "`locked` is read-only; allow writing it, for example with `chmod u+w locked`"
    );
    assert_eq!(run.read("locked"), "old");
    let pipe = run.workspace().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    for (result, message) in [
        (files.write_text(&path("pipe"), "x").await, "`pipe` is a device or a pipe, not a file"),
        (files.write_text(&path("dir"), "x").await, "`dir` is a folder, not a file"),
        (files.read_text(&path("dir")).await.map(drop), "`dir` is a folder, not a file"),
        (files.read_text(&path("dir/file")).await.map(drop), "`dir/file` isn't UTF-8 text (byte 1)"),
        (
            files.write_text(&path("dir/file/x"), "x").await,
            "can't write `dir/file/x`: a part of the path is a file, not a folder",
        ),
    ] {
        assert_eq!(result.unwrap_err().message(), message);
    }
}
