//! Scratch repositories, each with a bare remote.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};
use vwmp_interfaces::{ErrorClass, StepContext, StepError};
use vwmp_plugins::git::{
    adapter::Git, commit::Commit, create_tag::CreateTag, push::Push, stage_all::StageAll,
};
use vwmp_testkit::{TestRun, execute};

/// A workspace with a repository on `main`, one commit, and a bare remote beside it.
pub(crate) struct Repository {
    pub(crate) run: TestRun,
    pub(crate) remote: TestRun,
}

impl Repository {
    pub(crate) async fn new() -> Self {
        Self::with(identified(TestRun::new())).await
    }

    pub(crate) async fn with(run: TestRun) -> Self {
        let remote = TestRun::new();
        git_in(&remote, &["init", "--quiet", "--bare", "--initial-branch=main", "."]);
        git_in(&run, &["init", "--quiet", "--initial-branch=main", "."]);
        git_in(&run, &["remote", "add", "origin", remote.workspace().to_str().unwrap()]);
        run.write("VERSION", "1.0.0\n");
        git_in(&run, &["add", "."]);
        git_in(&run, &["commit", "--quiet", "--message=first"]);
        git_in(&run, &["push", "--quiet", "origin", "main"]);
        Self { run: run.connected::<Git>(json!({})).await.unwrap(), remote }
    }

    pub(crate) fn ctx(&self) -> StepContext {
        self.run.context("step")
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git_in(&self.run, args)
    }

    pub(crate) fn hook(&self, name: &str, script: &str) {
        let path = format!(".git/hooks/{name}");
        self.run.write(&path, format!("#!/bin/sh\n{script}\n"));
        let full = self.run.workspace().join(path);
        fs::set_permissions(full, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) async fn stage(&self) -> Value {
        execute::<StageAll>(json!({}), &self.ctx()).await.unwrap()
    }

    pub(crate) async fn commit(&self, message: &str) -> Result<Value, StepError> {
        execute::<Commit>(json!({ "message": message }), &self.ctx()).await
    }

    pub(crate) async fn tag(&self, name: &str) -> Result<Value, StepError> {
        execute::<CreateTag>(json!({ "name": name, "message": "# one\ntwo" }), &self.ctx()).await
    }

    pub(crate) async fn push(&self, config: Value) -> Result<Value, StepError> {
        execute::<Push>(config, &self.ctx()).await
    }
}

pub(crate) fn identified(run: TestRun) -> TestRun {
    isolated(run)
        .environment("GIT_AUTHOR_NAME", "A")
        .environment("GIT_AUTHOR_EMAIL", "a@example.com")
        .environment("GIT_COMMITTER_NAME", "A")
        .environment("GIT_COMMITTER_EMAIL", "a@example.com")
}

pub(crate) fn isolated(run: TestRun) -> TestRun {
    run.environment("GIT_CONFIG_GLOBAL", "/dev/null").environment("GIT_CONFIG_NOSYSTEM", "1")
}

/// Git as a person would use it beside the steps, always with an identity.
pub(crate) fn git_in(run: &TestRun, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=P", "-c", "user.email=p@example.com"]).args(args);
    command.current_dir(run.workspace()).env_clear().envs(run.context("git").environment());
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(crate) fn check(error: &StepError, class: ErrorClass, message: &str) {
    assert_eq!((error.class(), error.message()), (class, message), "{:?}", error.causes());
}
