use std::fs::{Permissions, set_permissions};

use serde_json::{Value, json};
use vwmp_testkit::TestRun;

use super::*;

async fn source(run: &TestRun, config: Value) -> Result<FileSecrets, StepError> {
    let config = serde_json::from_value(config).unwrap();
    FileSecrets::connect(config, &run.adapter_context("file_secrets")).await
}

fn mode(run: &TestRun, path: &str, mode: u32) {
    set_permissions(run.workspace().join(path), Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_directory_has_a_file_for_each_secret() {
    let run = TestRun::new();
    run.write("keys/token", "hunter2\n").write("keys/image", [0xff, 0xfe]);
    mode(&run, "keys/token", 0o600);
    mode(&run, "keys/image", 0o600);
    let keys = source(&run, json!({ "path": "keys" })).await.unwrap();
    assert_eq!(keys.secret("token").await.unwrap(), Some(Secret::new("hunter2")));
    assert_eq!(keys.secret("other").await.unwrap(), None);
    let path = run.workspace().join("keys");
    assert_eq!(keys.place("other"), format!("the file {}/other", path.display()));
    let error = keys.secret("image").await.unwrap_err();
    assert_eq!(error.message(), format!("{}/image isn't UTF-8 text", path.display()));
    assert!(error.causes().is_empty());
    assert!(keys.secret("../token").await.is_err());
}

#[tokio::test]
async fn a_file_has_a_line_for_each_secret() {
    let run = TestRun::new();
    run.write(".env", "DEPLOY_KEY=hunter2\nlower='x y'\n");
    mode(&run, ".env", 0o600);
    let file = source(&run, json!({ "path": ".env" })).await.unwrap();
    assert_eq!(file.secret("deploy-key").await.unwrap(), Some(Secret::new("hunter2")));
    assert_eq!(file.secret("lower").await.unwrap(), Some(Secret::new("x y")));
    assert_eq!(file.secret("other").await.unwrap(), None);
    run.write(".env", "DEPLOY_KEY=hunter2\nhunter3\n");
    let error = file.secret("deploy-key").await.unwrap_err().to_string();
    assert!(error.ends_with("/.env: line 2 is no `NAME=value`"), "{error}");
}

#[tokio::test]
async fn what_others_can_read_is_refused() {
    let run = TestRun::new();
    run.write("keys/token", "hunter2");
    mode(&run, "keys", 0o755);
    mode(&run, "keys/token", 0o644);
    let keys = source(&run, json!({ "path": "keys" })).await.unwrap();
    let path = run.workspace().join("keys/token").display().to_string();
    assert_eq!(
        keys.secret("token").await.unwrap_err().to_string(),
        format!("others on the machine can read {path} (mode 644); run `chmod o= {path}`")
    );
    mode(&run, "keys", 0o700);
    assert!(keys.secret("token").await.is_ok(), "others can't get there");
    mode(&run, "keys", 0o755);
    let keys = source(&run, json!({ "path": "keys", "world_readable": true })).await.unwrap();
    assert!(keys.secret("token").await.is_ok());
}

#[tokio::test]
async fn what_git_tracks_is_refused() {
    let run = TestRun::new();
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        assert!(git.args(arguments).current_dir(run.workspace()).output().unwrap().status.success());
    };
    git(&["init", "--quiet"]);
    run.write(".env", "A=hunter2\n");
    mode(&run, ".env", 0o600);
    assert!(source(&run, json!({ "path": ".env" })).await.is_ok(), "it isn't tracked yet");
    git(&["add", ".env"]);
    let path = run.workspace().join(".env").display().to_string();
    assert_eq!(
        source(&run, json!({ "path": ".env" })).await.err().unwrap().to_string(),
        format!(
            "git tracks {path}, so its secrets are in the repository; run `git rm --cached {path}`, and use other secrets"
        )
    );
}
