//! Taking back what steps do to a repository: to the entry, to the ref, or not at all.

use std::fs;

use serde_json::{Value, json};
use vwmp_interfaces::{Done, ErrorClass, StepContext, StepHandler, Undo};
use vwmp_plugins::git::{
    branch::Branch, checkout::Checkout, commit::Commit, create_tag::CreateTag, push::Push, stage::Stage,
    stage_all::StageAll,
};
use vwmp_testkit::{already_done, execute, undo};

use crate::repository::{Repository, check, git_in};

/// Files, index, head, branches and tags.
#[derive(Debug, PartialEq, Eq)]
struct State {
    files: Vec<(String, Vec<u8>)>,
    index: String,
    head: String,
    refs: String,
}

fn state(repository: &Repository) -> State {
    let mut files = Vec::new();
    collect(repository.run.workspace(), &mut files);
    files.sort();
    State {
        files,
        index: repository.git(&["ls-files", "--stage", "-v"]),
        head: fs::read_to_string(repository.run.workspace().join(".git/HEAD")).unwrap(),
        refs: repository.git(&["for-each-ref"]),
    }
}

fn collect(folder: &std::path::Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with(".git") {
            collect(&path, files);
        } else if path.is_file() {
            files.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

/// A repository in which something is staged, changed, untracked, and hidden from git in several ways.
async fn busy() -> Repository {
    let repository = Repository::new().await;
    repository.run.write("a", "1").write("assumed", "1").write("skipped", "1").write("gone", "1");
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "--message=second"]);
    repository.git(&["tag", "older"]);
    repository.git(&["update-index", "--assume-unchanged", "assumed"]);
    repository.git(&["update-index", "--skip-worktree", "skipped"]);
    repository.run.write("a", "staged").write("VERSION", "2.0.0\r\n").write("new/file", "\u{feff}x");
    repository.git(&["add", "a"]);
    repository.run.write("a", "and changed again").remove("gone");
    repository
}

fn config(handler: &str) -> Value {
    match handler {
        "git.stage" => json!({ "paths": ["VERSION", "gone"] }),
        "git.commit" => json!({ "message": "release: v1\n\nAll of it.  \n" }),
        "git.create_tag" => json!({ "name": "v1", "message": "Version 1" }),
        _ => json!({}),
    }
}

async fn done<H: StepHandler>(repository: &Repository) -> Value {
    execute::<H>(config(H::NAME), &repository.run.context(H::NAME)).await.unwrap()
}

async fn back<H: Undo>(repository: &Repository, output: Option<Value>) {
    undo::<H>(config(H::NAME), output, &repository.run.context(H::NAME)).await.unwrap();
}

async fn refused<H: Undo>(repository: &Repository, message: &str) {
    let before = state(repository);
    let error = undo::<H>(config(H::NAME), None, &repository.run.context(H::NAME)).await.unwrap_err();
    check(&error, ErrorClass::Permanent, message);
    assert_eq!(state(repository), before, "{} touched something", H::NAME);
}

async fn found<H: StepHandler>(repository: &Repository) -> Done<Value> {
    already_done::<H>(config(H::NAME), &repository.run.context(H::NAME)).await.unwrap()
}

#[tokio::test]
async fn stage_commit_and_tag_are_taken_back_to_the_entry() {
    for (known, lightweight) in [(true, false), (false, false), (true, true)] {
        let repository = busy().await;
        let began = state(&repository);
        let chosen = done::<Stage>(&repository).await;
        let first = state(&repository);
        let staged = done::<StageAll>(&repository).await;
        let second = state(&repository);
        let made = done::<Commit>(&repository).await;
        let third = state(&repository);
        assert_eq!(found::<Commit>(&repository).await, Done::Yes(made.clone()));
        let tag = if lightweight { json!({ "name": "v1" }) } else { config("git.create_tag") };
        let ctx = repository.run.context("git.create_tag");
        assert_eq!(already_done::<CreateTag>(tag.clone(), &ctx).await.unwrap(), Done::No);
        let tagged = execute::<CreateTag>(tag.clone(), &ctx).await.unwrap();
        assert_eq!(already_done::<CreateTag>(tag.clone(), &ctx).await.unwrap(), Done::Yes(tagged.clone()));

        let output = |output: &Value| known.then(|| output.clone());
        for _ in 0..2 {
            undo::<CreateTag>(tag.clone(), output(&tagged), &ctx).await.unwrap();
            assert_eq!(state(&repository), third);
        }
        for _ in 0..2 {
            back::<Commit>(&repository, output(&made)).await;
            assert_eq!(state(&repository), second);
        }
        assert_eq!(found::<Commit>(&repository).await, Done::No);
        for _ in 0..2 {
            back::<StageAll>(&repository, output(&staged)).await;
            assert_eq!(state(&repository), first);
        }
        for _ in 0..2 {
            back::<Stage>(&repository, output(&chosen)).await;
            assert_eq!(state(&repository), began);
        }
        assert!(!repository.run.exists(".git/index.lock"));
        repository.git(&["fsck", "--strict"]);
    }
}

#[tokio::test]
async fn attempts_that_only_kept_something_leave_nothing() {
    let repository = busy().await;
    let began = state(&repository);
    async fn check_one<H: Undo>(repository: &Repository, ctx: StepContext) {
        let before = state(repository);
        undo::<H>(config(H::NAME), None, &ctx).await.unwrap();
        repository.run.end_after_keeping(if H::NAME.starts_with("git.stage") { 2 } else { 1 });
        execute::<H>(config(H::NAME), &ctx).await.unwrap_err();
        assert_eq!(state(repository), before, "{} acts before it keeps", H::NAME);
        undo::<H>(config(H::NAME), None, &ctx).await.unwrap();
        assert_eq!(state(repository), before, "{}", H::NAME);
        execute::<H>(config(H::NAME), &ctx).await.unwrap();
    }
    check_one::<Stage>(&repository, repository.run.context("git.stage")).await;
    check_one::<StageAll>(&repository, repository.run.context("git.stage_all")).await;
    check_one::<Commit>(&repository, repository.run.context("git.commit")).await;
    check_one::<CreateTag>(&repository, repository.run.context("git.create_tag")).await;
    back::<CreateTag>(&repository, None).await;
    back::<Commit>(&repository, None).await;
    back::<StageAll>(&repository, None).await;
    back::<Stage>(&repository, None).await;
    assert_eq!(state(&repository), began);
}

/// The process died when git had staged, and before the step could note what.
#[tokio::test]
async fn what_was_staged_at_the_end_is_worked_out_where_it_is_not_known() {
    let repository = busy().await;
    let began = state(&repository);
    repository.run.end_after_keeping(3);
    let error = execute::<StageAll>(json!({}), &repository.run.context("git.stage_all")).await.unwrap_err();
    assert_eq!(error.message(), "the test ends the attempt: `staged.1.result` is kept");
    back::<StageAll>(&repository, None).await;
    assert_eq!(state(&repository), began);

    repository.run.forget();
    repository.run.end_after_keeping(2);
    execute::<StageAll>(json!({}), &repository.run.context("git.stage_all")).await.unwrap_err();
    repository.git(&["add", "--all"]);
    back::<StageAll>(&repository, None).await;
    assert_eq!(state(&repository), began);
    repository.git(&["add", "new"]);
    refused::<StageAll>(&repository, "can't restore what was staged: it has been changed since").await;
}

/// A file that was changed in the same moment in which git looked at it, to another content of the same size: git tells by
/// the time of the index that it has to look again.
#[tokio::test]
async fn a_change_in_the_same_moment_is_still_seen() {
    let repository = Repository::new().await;
    let path = repository.run.workspace().join("VERSION");
    let moment = std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 5);
    let touch =
        |file: &std::path::Path| fs::File::options().write(true).open(file).unwrap().set_modified(moment);
    touch(&path).unwrap();
    repository.git(&["update-index", "--refresh"]);
    touch(&repository.run.workspace().join(".git/index")).unwrap();
    repository.run.write("VERSION", "1.0.9\n");
    touch(&path).unwrap();
    assert_eq!(repository.git(&["--no-optional-locks", "diff", "--name-only"]), "VERSION");
    done::<StageAll>(&repository).await;
    back::<StageAll>(&repository, None).await;
    assert_eq!(repository.git(&["--no-optional-locks", "diff", "--name-only"]), "VERSION");
    assert_eq!(repository.git(&["diff", "--cached", "--name-only"]), "");
}

#[tokio::test]
async fn an_index_that_was_not_there_goes_again() {
    let run = crate::repository::identified(vwmp_testkit::TestRun::new());
    git_in(&run, &["init", "--quiet", "--initial-branch=main", "."]);
    run.write("a", "1");
    let run = run.connected::<vwmp_plugins::git::adapter::Git>(json!({})).await.unwrap();
    let ctx = run.context("step");
    execute::<StageAll>(json!({}), &ctx).await.unwrap();
    let made = execute::<Commit>(json!({ "message": "first" }), &ctx).await.unwrap();
    for output in [Some(made), None] {
        undo::<Commit>(json!({ "message": "first" }), output, &ctx).await.unwrap();
    }
    undo::<StageAll>(json!({}), None, &ctx).await.unwrap();
    assert!(!run.exists(".git/index") && !run.exists(".git/index.lock"));
    assert_eq!(git_in(&run, &["status", "--porcelain"]), "?? a");
}

#[tokio::test]
async fn another_git_process_is_waited_for() {
    let repository = busy().await;
    done::<StageAll>(&repository).await;
    repository.run.write(".git/index.lock", "");
    let error =
        undo::<StageAll>(json!({}), None, &repository.run.context("git.stage_all")).await.unwrap_err();
    let message = "can't restore what was staged: another git process works in the repository";
    check(&error, ErrorClass::Transient, message);
    assert!(repository.run.exists(".git/index.lock"), "it isn't ours");
}

#[tokio::test]
async fn commits_that_others_build_on_stay() {
    let repository = busy().await;
    done::<StageAll>(&repository).await;
    let made = done::<Commit>(&repository).await;
    let id = made["commit"].as_str().unwrap();

    repository.git(&["switch", "--quiet", "--create=other"]);
    let elsewhere = format!("can't take back the commit {id}: main isn't checked out any more");
    refused::<Commit>(&repository, &elsewhere).await;
    repository.git(&["switch", "--quiet", "main"]);
    repository.git(&["branch", "--quiet", "--delete", "--force", "other"]);

    repository.git(&["push", "--quiet", "origin", "main"]);
    let pushed = format!("can't take back the commit {id}: it has been pushed, and origin/main has it");
    refused::<Commit>(&repository, &pushed).await;
    repository.git(&["update-ref", "-d", "refs/remotes/origin/main"]);

    repository.git(&["commit", "--quiet", "--allow-empty", "--message=theirs"]);
    assert_eq!(found::<Commit>(&repository).await, Done::Unknown);
    let ctx = repository.run.context("git.commit");
    let error = undo::<Commit>(config("git.commit"), made.clone(), &ctx).await.unwrap_err();
    let said = format!("can't take back the commit {id}: it isn't the last one any more");
    check(&error, ErrorClass::Permanent, &said);
    let unknown = "can't tell whether the last commit is this step's; look at it, and take it back by hand";
    refused::<Commit>(&repository, unknown).await;
}

/// Somebody removed what was kept: nothing is, and nothing is said to be, taken back.
#[tokio::test]
async fn what_was_kept_is_gone() {
    let repository = busy().await;
    let staged = done::<StageAll>(&repository).await;
    let made = done::<Commit>(&repository).await;
    let tagged = done::<CreateTag>(&repository).await;
    repository.run.forget();
    gone::<CreateTag>(&repository, tagged).await;
    gone::<Commit>(&repository, made).await;
    gone::<StageAll>(&repository, staged).await;
}

async fn gone<H: Undo>(repository: &Repository, output: Value) {
    let before = state(repository);
    let error = undo::<H>(config(H::NAME), output, &repository.run.context(H::NAME)).await.unwrap_err();
    assert!(error.message().starts_with("what was kept to take it back is gone"), "{}: {error}", H::NAME);
    assert_eq!(state(repository), before, "{} touched something", H::NAME);
}

/// Hooks may add lines to a message, and others may commit what this step was about to.
#[tokio::test]
async fn a_lost_commit_is_recognised() {
    let repository = busy().await;
    repository.hook("commit-msg", "echo 'Change-Id: I1' >> \"$1\"");
    done::<StageAll>(&repository).await;
    let made = done::<Commit>(&repository).await;
    assert_eq!(found::<Commit>(&repository).await, Done::Yes(made.clone()));
    repository.git(&["commit", "--quiet", "--amend", "--message=another"]);
    assert_eq!(found::<Commit>(&repository).await, Done::Unknown);
    repository.git(&["reset", "--quiet", "--hard", made["commit"].as_str().unwrap()]);
    back::<Commit>(&repository, None).await;
    assert_eq!(repository.git(&["log", "-1", "--format=%s"]), "second");
}

#[tokio::test]
async fn tags_of_others_stay() {
    let repository = busy().await;
    let tagged = done::<CreateTag>(&repository).await;
    let id = tagged["commit"].as_str().unwrap();
    repository.git(&["tag", "--force", "--annotate", "--message=Version 1\n\nmine", "v1"]);
    assert_eq!(found::<CreateTag>(&repository).await, Done::Unknown);
    let anew = format!("can't delete the tag `v1`: it has been made anew since, and is at {id}");
    refused::<CreateTag>(&repository, &anew).await;
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    repository.git(&["tag", "--force", "v1"]);
    let head = repository.git(&["rev-parse", "HEAD"]);
    let moved = format!("can't delete the tag `v1`: it has been moved since, and is at {head}");
    refused::<CreateTag>(&repository, &moved).await;

    repository.run.forget();
    let there = execute::<CreateTag>(json!({ "name": "v1" }), &repository.run.context("tag")).await.unwrap();
    assert_eq!(there["created"], false);
    undo::<CreateTag>(json!({ "name": "v1" }), there, &repository.run.context("tag")).await.unwrap();
    assert_eq!(repository.git(&["tag", "--list", "v1"]), "v1", "it was there before");
}

/// Its commit could not go any more, so the release would be half gone.
#[tokio::test]
async fn the_tag_of_an_older_release_stays() {
    let repository = busy().await;
    let tagged = done::<CreateTag>(&repository).await;
    let id = tagged["commit"].as_str().unwrap();
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=later"]);
    let older = format!(
        "can't delete the tag `v1`: {id}, which it is at, isn't the last commit any more; `git tag --delete v1` \
         deletes it all the same"
    );
    refused::<CreateTag>(&repository, &older).await;
    repository.git(&["reset", "--quiet", "--soft", id]);
    back::<CreateTag>(&repository, Some(tagged)).await;
    assert_eq!(repository.git(&["tag", "--list", "v1"]), "");
}

#[tokio::test]
async fn a_push_is_looked_up_on_the_remote() {
    let repository = busy().await;
    let tags = json!({ "tags": ["v1"] });
    let looked = async |config: &Value| {
        already_done::<Push>(config.clone(), &repository.run.context("push")).await.unwrap()
    };
    assert_eq!(looked(&tags).await, Done::No, "there is no tag");
    repository.tag("v1").await.unwrap();
    assert_eq!(looked(&tags).await, Done::No);
    assert_eq!(looked(&json!({})).await, Done::No, "the remote is behind");
    let pushed = repository.push(tags.clone()).await.unwrap();
    assert_eq!(looked(&tags).await, Done::Yes(pushed.clone()));

    // Somebody pushes on top.
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=theirs"]);
    let theirs = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["push", "--quiet", "origin", "main"]);
    repository.git(&["reset", "--quiet", "--soft", "HEAD^"]);
    repository.git(&["reflog", "expire", "--expire=now", "--all"]);
    repository.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    assert_eq!(looked(&tags).await, Done::Yes(pushed));
    assert_eq!(looked(&json!({})).await, Done::Unknown);
    assert_eq!(git_in(&repository.remote, &["rev-parse", "main"]), theirs);

    // A push that the remote would reject has not happened.
    repository.git(&["tag", "--force", "--annotate", "--message=again", "v1"]);
    assert_eq!(looked(&tags).await, Done::No);
}

#[tokio::test]
async fn branches_and_checkouts_go_back() {
    let repository = Repository::new().await;
    repository.run.write("sub/b", "1");
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "--message=second"]);
    repository.git(&["tag", "later"]);
    repository.git(&["rm", "--quiet", "-r", "sub"]);
    repository.run.write("VERSION", "3.0.0\n");
    repository.git(&["commit", "--quiet", "--all", "--message=third"]);
    repository.git(&["branch", "old", "later^"]);
    for detached in [false, true] {
        if detached {
            repository.git(&["switch", "--quiet", "--detach"]);
        }
        let began = state(&repository);
        let cases = [
            ("branch", json!({ "name": "fresh" })),
            ("branch", json!({ "name": "fresh", "from": "later" })),
            ("branch", json!({ "name": "old" })),
            ("checkout", json!({ "revision": "old" })),
            ("checkout", json!({ "revision": "later" })),
            ("checkout", json!({ "revision": "later", "paths": ["sub", "VERSION"] })),
        ];
        for (kind, config) in cases {
            repository.run.forget();
            let ctx = repository.run.context("step");
            for known in [true, false] {
                let (config, is_branch) = (config.clone(), kind == "branch");
                let output = if is_branch {
                    execute::<Branch>(config.clone(), &ctx).await.unwrap()
                } else {
                    execute::<Checkout>(config.clone(), &ctx).await.unwrap()
                };
                assert_ne!(state(&repository), began, "{config} did nothing");
                let output = known.then_some(output);
                for _ in 0..2 {
                    if is_branch {
                        undo::<Branch>(config.clone(), output.clone(), &ctx).await.unwrap();
                    } else {
                        undo::<Checkout>(config.clone(), output.clone(), &ctx).await.unwrap();
                    }
                    assert_eq!(state(&repository), began, "{config}");
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_moved_from_where_they_went_since() {
    let repository = Repository::new().await;
    repository.git(&["branch", "one"]);
    repository.git(&["branch", "two"]);
    let ctx = repository.run.context("checkout");
    let config = json!({ "revision": "one" });
    execute::<Checkout>(config.clone(), &ctx).await.unwrap();
    repository.git(&["switch", "--quiet", "two"]);
    let error = undo::<Checkout>(config, None, &ctx).await.unwrap_err();
    let message = "can't go back to main: somebody has checked out two since";
    check(&error, ErrorClass::Permanent, message);

    repository.git(&["switch", "--quiet", "main"]);
    repository.run.write("VERSION", "2.0.0\n");
    repository.git(&["commit", "--quiet", "--all", "--message=second"]);
    let ctx = repository.run.context("paths");
    let config = json!({ "revision": "one", "paths": ["VERSION"] });
    execute::<Checkout>(config.clone(), &ctx).await.unwrap();
    repository.run.write("VERSION", "mine\n");
    let error = undo::<Checkout>(config, None, &ctx).await.unwrap_err();
    check(&error, ErrorClass::Permanent, "can't restore 1 file: VERSION: changed since");
    assert_eq!(repository.run.read("VERSION"), "mine\n");
}
