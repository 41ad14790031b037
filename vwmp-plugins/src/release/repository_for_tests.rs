//! A real repository in the workspace of a test.

use std::process::Command;

use serde_json::json;
use vwmp_testkit::TestRun;

use crate::filesystem::adapter::LocalFiles;
use crate::git::adapter::Git;

/// A run in an empty repository, untouched by what the user of this machine has set up.
pub(super) async fn repository() -> TestRun {
    let run = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"]
        .into_iter()
        .fold(TestRun::new(), |run, name| run.environment(name, "A"))
        .environment("GIT_AUTHOR_EMAIL", "a@example.com")
        .environment("GIT_COMMITTER_EMAIL", "a@example.com")
        .environment("GIT_CONFIG_GLOBAL", "/dev/null")
        .environment("GIT_CONFIG_NOSYSTEM", "1");
    git(&run, &["init", "--quiet", "--initial-branch=main", "."]);
    connected(run).await
}

/// The run with the adapters that a release needs.
pub(super) async fn connected(run: TestRun) -> TestRun {
    let run = run.connected::<LocalFiles>(json!({})).await.unwrap();
    run.connected::<Git>(json!({})).await.unwrap()
}

/// What git says.
pub(super) fn git(run: &TestRun, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(args).current_dir(run.workspace()).env_clear().envs(run.context("git").environment());
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Commits everything, also where nothing changed.
pub(super) fn commit(run: &TestRun, message: &str) {
    git(run, &["add", "--all"]);
    git(run, &["commit", "--quiet", "--allow-empty", "--message", message]);
}
