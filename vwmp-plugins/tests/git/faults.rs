//! Repositories and remotes in trouble.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;
use vwmp_interfaces::ErrorClass;
use vwmp_plugins::git::{branch::Branch, fetch::Fetch, require_clean::RequireClean, status::Status};
use vwmp_testkit::execute;

use crate::repository::{Repository, check, git_in, identified};

/// A repository in the middle of a merge with a conflict in `VERSION`.
async fn merging() -> Repository {
    let repository = Repository::new().await;
    repository.git(&["switch", "--quiet", "--create", "other"]);
    repository.run.write("VERSION", "theirs\n");
    repository.git(&["commit", "--quiet", "--all", "--message=theirs"]);
    repository.git(&["switch", "--quiet", "main"]);
    repository.run.write("VERSION", "ours\n");
    repository.git(&["commit", "--quiet", "--all", "--message=ours"]);
    // The merge itself ends with a failure: that is what is wanted.
    repository.git(&["-c", "alias.m=!git merge --quiet other || true", "m"]);
    repository
}

#[tokio::test]
async fn a_merge_in_progress_has_to_be_finished_first() {
    let repository = merging().await;
    let status = execute::<Status>(json!({}), &repository.ctx()).await.unwrap();
    assert_eq!((&status["unfinished"], &status["conflicted"]), (&json!("merge"), &json!(["VERSION"])));
    let class = ErrorClass::Permanent;
    let clean = execute::<RequireClean>(json!({}), &repository.ctx()).await.unwrap_err();
    check(&clean, class, "a merge is in progress; finish it, or give it up with `git merge --abort`");
    let refused = |what: &str| {
        format!(
            "won't {what} while a merge is in progress; finish it, or give it up with `git merge --abort`"
        )
    };
    check(&repository.commit("x").await.unwrap_err(), class, &refused("commit"));
    repository.run.write("VERSION", "both\n");
    repository.git(&["add", "VERSION"]);
    check(&repository.commit("x").await.unwrap_err(), class, &refused("commit"));
    let switch = execute::<Branch>(json!({ "name": "other" }), &repository.ctx()).await.unwrap_err();
    check(&switch, class, &refused("switch to the branch `other`"));
    assert_eq!(repository.git(&["log", "-1", "--format=%s"]), "ours");
}

#[tokio::test]
async fn a_submodule_is_staged_by_its_commit_alone() {
    let repository = Repository::new().await;
    let library = Repository::new().await;
    let url = library.remote.workspace().to_str().unwrap();
    repository.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "lib"]);
    repository.git(&["commit", "--quiet", "--message=submodule"]);
    repository.run.write("lib/VERSION", "dirty\n");
    let status = execute::<Status>(json!({}), &repository.ctx()).await.unwrap();
    assert_eq!((&status["changed"], &status["submodules"]), (&json!(["lib"]), &json!(["lib"])));
    let message =
        "the working tree isn't clean: 1 file (lib) differs from the last commit; commit or stash first";
    let clean = execute::<RequireClean>(json!({}), &repository.ctx()).await.unwrap_err();
    check(&clean, ErrorClass::Permanent, message);
    assert_eq!(repository.stage().await["files"], json!([]));
    repository.git(&["-C", "lib", "commit", "--quiet", "--all", "--message=inside"]);
    assert_eq!(repository.stage().await["files"], json!(["lib"]));
    assert_eq!(repository.commit("lib").await.unwrap()["files"], json!(["lib"]));
}

/// A port of the loopback on which something listens and never answers.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git://{}/r.git", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn a_remote_that_hangs_is_given_up_on_cancellation() {
    let repository = Repository::new().await;
    let (listener, url) = silent();
    repository.git(&["remote", "add", "hangs", &url]);
    for push in [true, false] {
        let started = Instant::now();
        let run = async {
            let config = json!({ "remote": "hangs" });
            if push {
                repository.push(config).await
            } else {
                execute::<Fetch>(config, &repository.ctx()).await
            }
        };
        let stopped = tokio::time::timeout(Duration::from_millis(300), run).await;
        assert!(stopped.is_err(), "the remote never answers");
        assert!(started.elapsed() < Duration::from_secs(3));
    }
    let (ended, ()) = tokio::join!(repository.push(json!({ "remote": "hangs" })), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        repository.run.cancel();
    });
    check(&ended.unwrap_err(), ErrorClass::Transient, "the step was cancelled");
    drop(listener);
}

#[tokio::test]
async fn a_remote_that_disappears_may_be_tried_again() {
    let repository = Repository::new().await;
    let (listener, url) = silent();
    repository.git(&["remote", "add", "drops", &url]);
    let server = std::thread::spawn(move || drop(listener.accept().unwrap()));
    check(
        &repository.push(json!({ "remote": "drops" })).await.unwrap_err(),
        ErrorClass::Transient,
        "can't push to drops: the remote can't be reached",
    );
    server.join().unwrap();
}

#[tokio::test]
async fn another_git_at_work_may_be_waited_for() {
    let repository = Repository::new().await;
    repository.run.write("VERSION", "1.0.1\n");
    repository.stage().await;
    repository.run.write(".git/index.lock", "");
    check(
        &repository.commit("x").await.unwrap_err(),
        ErrorClass::Transient,
        "git can't commit while another git process works in this repository; if there is none, remove the lock \
         file it names",
    );
}

#[tokio::test]
async fn a_tag_that_is_only_on_the_remote() {
    let repository = Repository::new().await;
    let other = identified(vwmp_testkit::TestRun::new());
    git_in(&other, &["clone", "--quiet", repository.remote.workspace().to_str().unwrap(), "."]);
    git_in(&other, &["commit", "--quiet", "--allow-empty", "--message=theirs"]);
    git_in(&other, &["tag", "v1"]);
    git_in(&other, &["push", "--quiet", "origin", "v1"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=ours"]);
    repository.tag("v1").await.unwrap();
    check(
        &repository.push(json!({ "tags": ["v1"] })).await.unwrap_err(),
        ErrorClass::Permanent,
        "can't push to origin: rejected refs/tags/v1 (already exists); it has another tag of that name",
    );
    assert_eq!(git_in(&repository.remote, &["log", "-1", "--format=%s", "main"]), "first");
}
