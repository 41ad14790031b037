//! The git handlers on real repositories with a bare remote.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

mod faults;
mod looking;
mod moving;
mod repository;
mod signing;
mod undoing;

use serde_json::{Value, json};
use vwmp_interfaces::capability::VersionControl;
use vwmp_interfaces::{Change, ErrorClass, StepError};
use vwmp_plugins::git::{
    adapter::Git, commit::Commit, create_tag::CreateTag, push::Push, stage_all::StageAll,
};
use vwmp_testkit::{TestRun, execute, preview, undo};

use repository::{Repository, check, git_in, identified, isolated};

#[tokio::test]
async fn a_release_is_staged_committed_tagged_and_pushed() {
    let repository = Repository::new().await;
    repository.run.write("VERSION", "1.0.1\n").write("docs/ü \"1\".md", "notes");
    let staged = repository.stage().await;
    assert_eq!(staged["files"], json!(["VERSION", "docs/ü \"1\".md"]));
    let made = repository.commit("release: v1.0.1\n\n# kept").await.unwrap();
    assert_eq!(made["files"], staged["files"]);
    assert_eq!(repository.git(&["log", "-1", "--format=%B"]), "release: v1.0.1\n\n# kept");

    let tagged = repository.tag("v1.0.1").await.unwrap();
    assert_eq!(tagged, json!({ "name": "v1.0.1", "commit": made["commit"], "created": true }));
    assert_eq!(
        repository.git(&["for-each-ref", "--format=%(objecttype) %(contents)", "refs/tags"]),
        "tag # one\ntwo"
    );
    let again = repository.tag("v1.0.1").await.unwrap();
    assert_eq!(again["created"], false);

    let config = json!({ "tags": ["v1.0.1"] });
    let pushed = repository.push(config.clone()).await.unwrap();
    let refs = json!(["refs/heads/main", "refs/tags/v1.0.1"]);
    assert_eq!(pushed, json!({ "remote": "origin", "refs": refs }));
    assert_eq!(repository.push(config).await.unwrap(), pushed);
    assert_eq!(git_in(&repository.remote, &["rev-parse", "v1.0.1^{commit}"]), made["commit"]);
    assert_eq!(git_in(&repository.remote, &["rev-parse", "main"]), made["commit"]);
}

#[tokio::test]
async fn previews_look_at_the_plan_and_touch_nothing() {
    let repository = Repository::new().await;
    repository.run.write("other", "x");
    let index = fs::read(repository.run.workspace().join(".git/index")).unwrap();
    let file = Change::File { path: "VERSION".into(), before: None, after: Some("1.0.1\n".into()) };
    let plan = |actions: &[&str]| {
        let actions = actions.iter().map(|text| Change::Action { description: (*text).to_owned() });
        std::iter::once(file.clone()).chain(actions).collect::<Vec<_>>()
    };

    let run = repository.run.planned(plan(&[]));
    let stage = preview::<StageAll>(json!({}), &run.context("stage")).await.unwrap();
    let stages = "stage every change: 2 files: VERSION, other";
    assert_eq!(stage.changes, [Change::Action { description: stages.into() }]);
    let commit = preview::<Commit>(json!({ "message": "m" }), &run.context("commit")).await.unwrap();
    assert_eq!(commit.changes, [Change::Action { description: "commit `m` with no file".into() }]);

    let run = run.planned(plan(&[stages]));
    let commit = preview::<Commit>(json!({ "message": "m" }), &run.context("commit")).await.unwrap();
    let commits = "commit `m` with 2 files: VERSION, other";
    assert_eq!(commit.changes, [Change::Action { description: commits.into() }]);
    assert!(commit.output.is_none());

    let run = run.planned(plan(&[stages, commits]));
    let tag =
        preview::<CreateTag>(json!({ "name": "v1", "message": "m" }), &run.context("tag")).await.unwrap();
    let creates = "create the annotated tag v1 at the new commit";
    assert_eq!(tag.changes, [Change::Action { description: creates.into() }]);
    let push = preview::<Push>(json!({ "tags": ["v1"] }), &run.context("push")).await.unwrap();
    let pushes = "push refs/heads/main and refs/tags/v1 to origin";
    assert_eq!(push.changes, [Change::Action { description: pushes.into() }]);
    assert_eq!(fs::read(run.workspace().join(".git/index")).unwrap(), index);
    assert_eq!(git_in(&run, &["tag"]), "");
}

#[tokio::test]
async fn nothing_to_commit() {
    let repository = Repository::new().await;
    assert_eq!(repository.stage().await["files"], json!([]));
    let error = repository.commit("empty").await.unwrap_err();
    check(
        &error,
        ErrorClass::Permanent,
        "nothing to commit: no change is staged; put a `git.stage_all` step before, or set `allow_empty: true`",
    );
    let config = json!({ "message": "empty", "allow_empty": true });
    let made = execute::<Commit>(config, &repository.ctx()).await.unwrap();
    assert_eq!(made["files"], json!([]));
}

#[tokio::test]
async fn no_identity() {
    let nobody = isolated(TestRun::new())
        .environment("GIT_CONFIG_COUNT", "1")
        .environment("GIT_CONFIG_KEY_0", "user.useConfigOnly")
        .environment("GIT_CONFIG_VALUE_0", "true");
    let repository = Repository::with(nobody).await;
    repository.run.write("VERSION", "1.0.1\n");
    repository.stage().await;
    let help = "without knowing who you are; run `git config user.name \"Your Name\"` and \
                `git config user.email you@example.com`";
    let commit = repository.commit("x").await.unwrap_err();
    check(&commit, ErrorClass::Invalid, &format!("git can't commit {help}"));
    let tag = repository.tag("v1").await.unwrap_err();
    check(&tag, ErrorClass::Invalid, &format!("git can't create the tag `v1` {help}"));
}

#[tokio::test]
async fn no_repository_no_program_no_folder() {
    let run = isolated(TestRun::new());
    let ceiling = run.workspace().parent().unwrap().to_str().unwrap().to_owned();
    let run = run.environment("GIT_CEILING_DIRECTORIES", ceiling);
    let at = run.workspace().display().to_string();
    let open = async |config| run.adapter_context("git").open(config).await.unwrap_err();
    check(
        &open(json!({})).await,
        ErrorClass::Invalid,
        &format!(
            "there is no git repository at {at}; run `git init` there, or set `path` in the adapter's config"
        ),
    );
    check(
        &open(json!({ "program": "no-such-git" })).await,
        ErrorClass::Invalid,
        "can't find the program `no-such-git`; install git, or set `program` in the adapter's config",
    );
    check(&open(json!({ "path": "sub" })).await, ErrorClass::Invalid, "`sub` is no folder of the workspace");
    check(&open(json!({ "path": "../x" })).await, ErrorClass::Invalid, "`../x` leads out of the workspace");
    git_in(&run, &["init", "--quiet", "--bare", "bare"]);
    check(
        &open(json!({ "path": "bare" })).await,
        ErrorClass::Invalid,
        &format!("the repository at {at}/bare is bare; a step needs one with files"),
    );
}

/// Opens the adapter as the engine does.
trait Open {
    async fn open(&self, config: Value) -> Result<(), StepError>;
}

impl Open for vwmp_interfaces::AdapterContext {
    async fn open(&self, config: Value) -> Result<(), StepError> {
        use vwmp_interfaces::erased::{DynAdapter, TypedAdapter};
        TypedAdapter::<Git>::new().connect(config, self).await.map(drop)
    }
}

#[tokio::test]
async fn a_detached_head_has_no_branch_to_push() {
    let repository = Repository::new().await;
    repository.git(&["checkout", "--quiet", "--detach"]);
    let message = "there is no branch to push: the head is detached; run `git switch BRANCH`, or set \
                   `branch: false`";
    check(&repository.push(json!({})).await.unwrap_err(), ErrorClass::Invalid, message);
    let plan = preview::<Push>(json!({}), &repository.ctx()).await.unwrap_err();
    check(&plan, ErrorClass::Invalid, message);
    repository.tag("v1").await.unwrap();
    repository.push(json!({ "branch": false, "tags": ["v1"] })).await.unwrap();
    let missing = repository.push(json!({ "branch": false, "tags": ["v2"] })).await.unwrap_err();
    check(&missing, ErrorClass::Invalid, "there is no tag `v2` to push");
}

#[tokio::test]
async fn a_tag_that_is_named_like_the_branch_is_not_mistaken_for_it() {
    let repository = Repository::new().await;
    repository.git(&["tag", "main", "HEAD"]);
    let pushed = repository.push(json!({})).await.unwrap();
    assert_eq!(pushed, json!({ "remote": "origin", "refs": ["refs/heads/main"] }));
}

#[tokio::test]
async fn a_remote_that_is_ahead_rejects_everything() {
    let repository = Repository::new().await;
    let other = identified(TestRun::new());
    git_in(&other, &["clone", "--quiet", repository.remote.workspace().to_str().unwrap(), "."]);
    git_in(&other, &["commit", "--quiet", "--allow-empty", "--message=theirs"]);
    git_in(&other, &["push", "--quiet", "origin", "main"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=ours"]);
    repository.tag("v1").await.unwrap();
    check(
        &repository.push(json!({ "tags": ["v1"] })).await.unwrap_err(),
        ErrorClass::Permanent,
        "can't push to origin: rejected refs/heads/main (fetch first); it has commits that are missing here: \
         pull or rebase first",
    );
    assert_eq!(git_in(&repository.remote, &["tag"]), "");
}

#[tokio::test]
async fn another_tag_of_the_name() {
    let repository = Repository::new().await;
    repository.tag("v1").await.unwrap();
    let old = repository.git(&["rev-parse", "HEAD"]);
    repository.push(json!({ "tags": ["v1"] })).await.unwrap();
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=next"]);
    let new = repository.git(&["rev-parse", "HEAD"]);
    let message = format!(
        "the tag `v1` is already at {old}, not at {new}; choose another name, or delete it if it was a mistake"
    );
    check(&repository.tag("v1").await.unwrap_err(), ErrorClass::Permanent, &message);
    let plan = preview::<CreateTag>(json!({ "name": "v1" }), &repository.ctx()).await.unwrap_err();
    check(&plan, ErrorClass::Permanent, &message);
    repository.git(&["tag", "--delete", "v1"]);
    repository.tag("v1").await.unwrap();
    check(
        &repository.push(json!({ "tags": ["v1"] })).await.unwrap_err(),
        ErrorClass::Permanent,
        "can't push to origin: rejected refs/tags/v1 (already exists); it has another tag of that name",
    );
}

#[tokio::test]
async fn hooks_are_honoured() {
    let repository = Repository::new().await;
    repository.hook("pre-commit", "echo 'no lint, no commit' >&2; exit 1");
    repository.run.write("VERSION", "1.0.1\n");
    repository.stage().await;
    let refused = repository.commit("x").await.unwrap_err();
    check(&refused, ErrorClass::Permanent, "the hook pre-commit refused the commit");
    assert_eq!(refused.causes(), ["no lint, no commit"]);
    repository.hook("pre-commit", "exit 0");
    repository.commit("x").await.unwrap();

    repository.hook("pre-push", "echo 'not on Fridays' >&2; exit 1");
    let refused = repository.push(json!({})).await.unwrap_err();
    check(&refused, ErrorClass::Permanent, "the hook pre-push refused the push to origin");
    assert!(refused.causes()[0].starts_with("not on Fridays\n"), "{:?}", refused.causes());
    fs::remove_file(repository.run.workspace().join(".git/hooks/pre-push")).unwrap();

    repository.remote.write("hooks/pre-receive", "#!/bin/sh\nexit 1\n");
    let hook = repository.remote.workspace().join("hooks/pre-receive");
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
    check(
        &repository.push(json!({})).await.unwrap_err(),
        ErrorClass::Permanent,
        "can't push to origin: rejected refs/heads/main (pre-receive hook declined)",
    );
}

#[tokio::test]
async fn a_remote_that_is_gone_or_silent() {
    let repository = Repository::new().await;
    repository.git(&["remote", "add", "gone", "/no/such/repository.git"]);
    // Port 1 of the loopback refuses connections.
    repository.git(&["remote", "add", "silent", "git://127.0.0.1:1/r.git"]);
    check(
        &repository.push(json!({ "remote": "gone" })).await.unwrap_err(),
        ErrorClass::Invalid,
        "can't push to gone: there is no such repository",
    );
    check(
        &repository.push(json!({ "remote": "silent" })).await.unwrap_err(),
        ErrorClass::Transient,
        "can't push to silent: the remote can't be reached",
    );
    let git = repository.ctx().require::<dyn VersionControl>().unwrap();
    let error = git.remote_refs("silent", &[]).await.unwrap_err();
    check(&error, ErrorClass::Transient, "can't read refs of silent: the remote can't be reached");
    let refs = git.remote_refs("origin", &["refs/heads/main".to_owned()]).await.unwrap();
    assert_eq!(refs[0].id, repository.git(&["rev-parse", "main"]));
}

#[tokio::test]
async fn undo_takes_back_what_is_still_ours() {
    let repository = Repository::new().await;
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.run.write("VERSION", "1.0.1\n");
    let staged = repository.stage().await;
    let made = repository.commit("x").await.unwrap();
    let tagged = repository.tag("v1").await.unwrap();
    let (ctx, message) = (repository.ctx(), json!({ "message": "x" }));

    undo::<CreateTag>(json!({ "name": "v1" }), tagged, &ctx).await.unwrap();
    assert_eq!(repository.git(&["tag"]), "");
    undo::<Commit>(message.clone(), made.clone(), &ctx).await.unwrap();
    assert_eq!(repository.git(&["rev-parse", "HEAD"]), first);
    undo::<Commit>(message, made.clone(), &ctx).await.unwrap();
    undo::<StageAll>(json!({}), staged.clone(), &ctx).await.unwrap();
    assert_eq!(repository.git(&["status", "--porcelain"]), "M VERSION");
}

#[tokio::test]
async fn the_first_commit_of_all() {
    let run = identified(TestRun::new());
    git_in(&run, &["init", "--quiet", "--initial-branch=main", "."]);
    let run = run.connected::<Git>(json!({})).await.unwrap();
    let ctx = run.context("step");
    let tag = execute::<CreateTag>(json!({ "name": "v1" }), &ctx).await.unwrap_err();
    check(&tag, ErrorClass::Permanent, "there is no commit to tag yet");
    run.write("a", "1");
    execute::<StageAll>(json!({}), &ctx).await.unwrap();
    let made = execute::<Commit>(json!({ "message": "x" }), &ctx).await.unwrap();
    assert_eq!(made["files"], json!(["a"]));
    undo::<Commit>(json!({ "message": "x" }), made, &ctx).await.unwrap();
    assert_eq!(git_in(&run, &["status", "--porcelain"]), "A  a");
}

#[tokio::test]
async fn cancelling_ends_git_and_all_it_started() {
    let repository = Repository::new().await;
    repository.hook("pre-commit", "sleep 600 & echo $! > sleeping; wait");
    repository.run.write("VERSION", "1.0.1\n");
    repository.stage().await;
    let started = Instant::now();
    let (result, ()) = tokio::join!(repository.commit("x"), async {
        while !repository.run.exists("sleeping") || repository.run.read("sleeping").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        repository.run.cancel();
    });
    check(&result.unwrap_err(), ErrorClass::Transient, "the step was cancelled");
    let sleeping = repository.run.read("sleeping");
    let status = format!("/proc/{}/status", sleeping.trim());
    let alive = || fs::read_to_string(&status).is_ok_and(|text| !text.contains("State:\tZ"));
    while alive() {
        assert!(started.elapsed() < Duration::from_secs(10), "the hook's child lives on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!repository.run.exists(".git/index.lock"));
}

#[tokio::test]
async fn names_are_checked_before_anything_runs() {
    let ctx = TestRun::new().context("step");
    for (error, message) in [
        (
            execute::<CreateTag>(json!({ "name": "--delete" }), &ctx).await,
            "config of git.create_tag: `--delete` can't be a tag: it begins with `-`",
        ),
        (
            execute::<CreateTag>(json!({ "name": "v1", "sign": true }), &ctx).await,
            "config of git.create_tag: a signed tag needs a `message`",
        ),
        (
            execute::<Push>(json!({ "remote": "--receive-pack=x" }), &ctx).await,
            "config of git.push: `--receive-pack=x` can't be a remote: it begins with `-`",
        ),
        (
            execute::<Push>(json!({ "branch": false }), &ctx).await,
            "config of git.push: there is nothing to push: `branch` is false and `tags` is empty",
        ),
        (
            execute::<Commit>(json!({ "message": " " }), &ctx).await,
            "config of git.commit: the message is empty",
        ),
    ] {
        check(&error.unwrap_err(), ErrorClass::Invalid, message);
    }
}
