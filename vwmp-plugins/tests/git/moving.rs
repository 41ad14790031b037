//! Handlers that switch, fetch and clone.

use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass};
use vwmp_plugins::git::{branch::Branch, checkout::Checkout, clone::Clone, fetch::Fetch, source::GitSource};
use vwmp_testkit::{TestRun, execute, preview, undo};

use crate::repository::{Repository, check, git_in, identified};

fn action(text: impl Into<String>) -> Change {
    Change::Action { description: text.into() }
}

#[tokio::test]
async fn a_branch_is_created_once_and_can_be_taken_back() {
    let repository = Repository::new().await;
    let head = repository.git(&["rev-parse", "HEAD"]);
    let config = json!({ "name": "release/1" });
    let seen = preview::<Branch>(config.clone(), &repository.ctx()).await.unwrap();
    assert_eq!(
        seen.changes,
        [action(format!("create the branch release/1 at {head}")), action("switch to the branch release/1")]
    );
    let made = execute::<Branch>(config.clone(), &repository.ctx()).await.unwrap();
    assert_eq!(made, json!({ "name": "release/1", "commit": head, "created": true, "before": "main" }));
    assert_eq!(seen.output, Some(made.clone()));
    let again = execute::<Branch>(config.clone(), &repository.ctx()).await.unwrap();
    assert_eq!((&again["created"], &again["before"]), (&json!(false), &Value::Null));
    assert_eq!(repository.git(&["branch", "--show-current"]), "release/1");
    undo::<Branch>(config.clone(), made.clone(), &repository.ctx()).await.unwrap();
    assert_eq!(repository.git(&["branch", "--format=%(refname:short)"]), "main");

    let made = execute::<Branch>(config.clone(), &repository.ctx()).await.unwrap();
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=work"]);
    let work = repository.git(&["rev-parse", "HEAD"]);
    let error = undo::<Branch>(config, made, &repository.ctx()).await.unwrap_err();
    check(
        &error,
        ErrorClass::Permanent,
        "can't delete the branch `release/1`: something has been committed to it since",
    );
    assert_eq!(repository.git(&["rev-parse", "release/1"]), work);

    let elsewhere = json!({ "name": "release/1", "from": "main" });
    check(
        &execute::<Branch>(elsewhere, &repository.ctx()).await.unwrap_err(),
        ErrorClass::Permanent,
        &format!(
            "the branch `release/1` is already at {work}, not at {head}; choose another name, or leave `from` out"
        ),
    );
}

#[tokio::test]
async fn switching_never_overwrites_changes() {
    let repository = Repository::new().await;
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "v1"]);
    repository.run.write("VERSION", "2.0.0\n");
    repository.git(&["commit", "--quiet", "--all", "--message=second"]);
    repository.run.write("VERSION", "mine\n");
    let class = ErrorClass::Permanent;
    check(
        &execute::<Checkout>(json!({ "revision": "v1" }), &repository.ctx()).await.unwrap_err(),
        class,
        &format!(
            "git can't check out `{first}`: changes that aren't committed would be lost; commit or stash them first"
        ),
    );
    let paths = json!({ "revision": "v1", "paths": ["VERSION"] });
    check(
        &execute::<Checkout>(paths.clone(), &repository.ctx()).await.unwrap_err(),
        class,
        "changes that aren't committed would be lost in 1 file: VERSION; commit or stash them first",
    );
    assert_eq!(repository.run.read("VERSION"), "mine\n");
    repository.git(&["restore", "VERSION"]);
    let restored = execute::<Checkout>(paths, &repository.ctx()).await.unwrap();
    assert_eq!(restored, json!({ "commit": first, "branch": "main", "before": "main" }));
    assert_eq!(repository.run.read("VERSION"), "1.0.0\n");
    repository.git(&["reset", "--quiet", "--hard"]);

    let seen = preview::<Checkout>(json!({ "revision": "v1" }), &repository.ctx()).await.unwrap();
    assert_eq!(seen.changes, [action(format!("check out {first}"))]);
    let out = execute::<Checkout>(json!({ "revision": "v1" }), &repository.ctx()).await.unwrap();
    assert_eq!(out, json!({ "commit": first, "branch": null, "before": "main" }));
    assert_eq!(seen.output, Some(out));
    let back = execute::<Checkout>(json!({ "revision": "main" }), &repository.ctx()).await.unwrap();
    assert_eq!((&back["branch"], &back["before"]), (&json!("main"), &Value::Null));
    let missing = execute::<Checkout>(json!({ "revision": "v9" }), &repository.ctx()).await.unwrap_err();
    check(&missing, class, "there is no tag, branch or commit `v9` in this repository");
}

#[tokio::test]
async fn fetching_tells_what_changed() {
    let repository = Repository::new().await;
    let first = repository.git(&["rev-parse", "HEAD"]);
    let other = identified(TestRun::new());
    git_in(&other, &["clone", "--quiet", repository.remote.workspace().to_str().unwrap(), "."]);
    git_in(&other, &["commit", "--quiet", "--allow-empty", "--message=theirs"]);
    git_in(&other, &["tag", "v2"]);
    git_in(&other, &["push", "--quiet", "origin", "main", "v2"]);
    let theirs = git_in(&other, &["rev-parse", "HEAD"]);
    let seen = preview::<Fetch>(json!({}), &repository.ctx()).await.unwrap();
    assert_eq!(seen.changes, [action("fetch from origin")]);
    let fetched =
        execute::<Fetch>(json!({ "prune": true, "unshallow": true }), &repository.ctx()).await.unwrap();
    let refs = json!([
        { "name": "refs/remotes/origin/main", "before": first, "after": theirs },
        { "name": "refs/tags/v2", "before": null, "after": theirs },
    ]);
    assert_eq!(fetched, json!({ "remote": "origin", "refs": refs }));
    assert_eq!(execute::<Fetch>(json!({}), &repository.ctx()).await.unwrap()["refs"], json!([]));
    repository.git(&["remote", "add", "gone", "/no/such/repository.git"]);
    check(
        &execute::<Fetch>(json!({ "remote": "gone" }), &repository.ctx()).await.unwrap_err(),
        ErrorClass::Invalid,
        "can't fetch from gone: there is no such repository",
    );
}

#[tokio::test]
async fn a_repository_is_cloned_once_and_whole() {
    let repository = Repository::new().await;
    repository.git(&["tag", "v1"]);
    repository.git(&["push", "--quiet", "origin", "v1"]);
    let head = repository.git(&["rev-parse", "HEAD"]);
    let url = repository.remote.workspace().to_str().unwrap();
    let run = identified(TestRun::new()).connected::<GitSource>(json!({})).await.unwrap();
    let ctx = run.context("clone");
    let config = json!({ "url": url, "into": "deps/app" });
    let seen = preview::<Clone>(config.clone(), &ctx).await.unwrap();
    assert_eq!(seen.changes, [action(format!("clone {url} into deps/app"))]);
    assert!(!run.exists("deps"));
    let made = execute::<Clone>(config.clone(), &ctx).await.unwrap();
    assert_eq!(made, json!({ "path": "deps/app", "commit": head, "branch": "main", "created": true }));
    assert_eq!(execute::<Clone>(config.clone(), &ctx).await.unwrap()["created"], false);
    assert!(preview::<Clone>(config, &ctx).await.unwrap().changes.is_empty());
    let tag = json!({ "url": url, "into": "tagged", "revision": "v1" });
    assert_eq!(execute::<Clone>(tag, &ctx).await.unwrap()["branch"], Value::Null);

    run.write("full/file", "x");
    for (config, class, message) in [
        (
            json!({ "url": url, "into": "full" }),
            ErrorClass::Permanent,
            "`full` has something else in it; choose another folder, or empty it".to_owned(),
        ),
        (
            json!({ "url": "/other", "into": "deps/app" }),
            ErrorClass::Permanent,
            format!("`deps/app` is a copy of another repository, {url}"),
        ),
        (
            json!({ "url": url, "into": "new", "revision": "v9" }),
            ErrorClass::Permanent,
            format!("can't clone {url}: it has no branch or tag `v9`"),
        ),
        (
            json!({ "url": "/no/such.git", "into": "new" }),
            ErrorClass::Invalid,
            "can't clone /no/such.git: there is no such repository".to_owned(),
        ),
        (
            json!({ "url": "git://127.0.0.1:1/x", "into": "new" }),
            ErrorClass::Transient,
            "can't clone git://127.0.0.1:1/x: the remote can't be reached".to_owned(),
        ),
        (
            json!({ "url": "https://me:secret@example.com/x", "into": "new" }),
            ErrorClass::Invalid,
            "config of git.clone: the URL has a password in it, which other programs could see".to_owned(),
        ),
    ] {
        check(&execute::<Clone>(config, &ctx).await.unwrap_err(), class, &message);
    }
    assert!(!run.exists("new"));
    let left: Vec<_> =
        std::fs::read_dir(run.workspace()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}
