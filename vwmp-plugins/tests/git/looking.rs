//! Handlers that only look.

use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass};
use vwmp_plugins::git::{
    adapter::Git, diff::Diff, log::Log, require_branch::RequireBranch, require_clean::RequireClean,
    stage::Stage, status::Status,
};
use vwmp_testkit::{TestRun, execute, preview, undo};

use crate::repository::{Repository, check, git_in, identified};

#[tokio::test]
async fn status_tells_all_kinds_of_changes() {
    let repository = Repository::new().await;
    let clean = execute::<Status>(json!({}), &repository.ctx()).await.unwrap();
    let head = repository.git(&["rev-parse", "HEAD"]);
    let expected = json!({
        "branch": "main", "commit": head, "upstream": null, "ahead": null, "behind": null, "shallow": false,
        "unfinished": null, "clean": true, "staged": [], "changed": [], "untracked": [], "conflicted": [],
        "submodules": [],
    });
    assert_eq!(clean, expected);

    repository.git(&["branch", "--quiet", "--set-upstream-to=origin/main"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=ahead"]);
    repository.run.write("staged", "1").write("new file", "2");
    repository.git(&["add", "staged"]);
    repository.run.write("VERSION", "2.0.0\n");
    let seen = preview::<Status>(json!({}), &repository.ctx()).await.unwrap().output.unwrap();
    let now = execute::<Status>(json!({}), &repository.ctx()).await.unwrap();
    assert_eq!(seen, now);
    assert_eq!(
        (&now["upstream"], &now["ahead"], &now["behind"]),
        (&json!("origin/main"), &json!(1), &json!(0))
    );
    assert_eq!(now["staged"], json!(["staged"]));
    assert_eq!(now["changed"], json!(["VERSION"]));
    assert_eq!(now["untracked"], json!(["new file"]));
    assert_eq!(now["clean"], false);
    repository.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(execute::<Status>(json!({}), &repository.ctx()).await.unwrap()["branch"], Value::Null);
}

#[tokio::test]
async fn a_dirty_tree_is_refused_where_it_has_to_be_clean() {
    let repository = Repository::new().await;
    let head = repository.git(&["rev-parse", "HEAD"]);
    let clean = async |config| execute::<RequireClean>(config, &repository.ctx()).await;
    assert_eq!(clean(json!({})).await.unwrap(), json!({ "commit": head }));
    repository.run.write("new", "1");
    let message =
        "the working tree isn't clean: 1 file (new) differs from the last commit; commit or stash first";
    check(&clean(json!({})).await.unwrap_err(), ErrorClass::Permanent, message);
    let seen = preview::<RequireClean>(json!({}), &repository.ctx()).await.unwrap_err();
    check(&seen, ErrorClass::Permanent, message);
    clean(json!({ "allow_untracked": true })).await.unwrap();
    repository.run.write("VERSION", "2\n");
    check(
        &clean(json!({ "allow_untracked": true })).await.unwrap_err(),
        ErrorClass::Permanent,
        "the working tree isn't clean: 1 file (VERSION) differs from the last commit; commit or stash first",
    );
    check(
        &clean(json!({})).await.unwrap_err(),
        ErrorClass::Permanent,
        "the working tree isn't clean: 2 files (VERSION, new) differ from the last commit; commit or stash first",
    );
}

#[tokio::test]
async fn a_preview_follows_the_plan() {
    let repository = Repository::new().await;
    let file = Change::File { path: "docs/a".into(), before: None, after: Some("1".into()) };
    let run = repository.run.planned([file]);
    let seen = preview::<RequireClean>(json!({}), &run.context("clean")).await.unwrap_err();
    check(
        &seen,
        ErrorClass::Permanent,
        "the working tree isn't clean: 1 file (docs/a) differs from the last commit; commit or stash first",
    );
    let action = |text: &str| Change::Action { description: text.into() };
    let file = Change::File { path: "docs/a".into(), before: None, after: Some("1".into()) };
    let run =
        run.planned([file, action("stage `docs`: 1 file: docs/a"), action("commit `m` with 1 file: docs/a")]);
    preview::<RequireClean>(json!({}), &run.context("clean")).await.unwrap();
    let on = json!({ "branches": ["main"] });
    preview::<RequireBranch>(on.clone(), &run.context("branch")).await.unwrap();
    let run = run.planned([action("switch to the branch other")]);
    let seen = preview::<RequireBranch>(on, &run.context("branch")).await.unwrap_err();
    check(&seen, ErrorClass::Permanent, "the branch is other, and has to be one of main");
}

#[tokio::test]
async fn branches_are_required_by_pattern() {
    let repository = Repository::new().await;
    let on = async |config| execute::<RequireBranch>(config, &repository.ctx()).await;
    let config = json!({ "branches": ["main", "release/*"] });
    assert_eq!(on(config.clone()).await.unwrap(), json!({ "branch": "main" }));
    repository.git(&["switch", "--quiet", "--create", "release/1.x"]);
    assert_eq!(on(config.clone()).await.unwrap(), json!({ "branch": "release/1.x" }));
    repository.git(&["switch", "--quiet", "--create", "release/1/x"]);
    check(
        &on(config.clone()).await.unwrap_err(),
        ErrorClass::Permanent,
        "the branch is release/1/x, and has to be one of main, release/*",
    );
    repository.git(&["checkout", "--quiet", "--detach"]);
    check(
        &on(config).await.unwrap_err(),
        ErrorClass::Permanent,
        "the head is detached, and the branch has to be one of main, release/*; run `git switch BRANCH`",
    );
    check(
        &on(json!({ "branches": ["a[b"] })).await.unwrap_err(),
        ErrorClass::Invalid,
        "config of git.require_branch: `a[b` is no pattern: unclosed character class; missing ']'",
    );
}

#[tokio::test]
async fn a_branch_behind_its_remote_is_told_before_the_push() {
    let repository = Repository::new().await;
    let config = json!({ "branches": ["main"], "up_to_date": true });
    execute::<RequireBranch>(config.clone(), &repository.ctx()).await.unwrap();
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=ours"]);
    execute::<RequireBranch>(config.clone(), &repository.ctx()).await.unwrap();
    let other = identified(TestRun::new());
    git_in(&other, &["clone", "--quiet", repository.remote.workspace().to_str().unwrap(), "."]);
    git_in(&other, &["commit", "--quiet", "--allow-empty", "--message=theirs"]);
    git_in(&other, &["push", "--quiet", "origin", "main"]);
    let error = execute::<RequireBranch>(config, &repository.ctx()).await.unwrap_err();
    let message = "the branch main of origin has commits that are missing here; pull or rebase first";
    check(&error, ErrorClass::Permanent, message);
}

#[tokio::test]
async fn commits_are_listed_in_utf8_whatever_they_were_written_in() {
    let repository = Repository::new().await;
    repository.git(&["tag", "v1"]);
    repository.run.write("src/a", "1").write("message", b"gr\xfc\xdfe\n\nmehr\n");
    repository.git(&["add", "src"]);
    repository.git(&["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "--quiet", "--file=message"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=empty"]);
    let log = execute::<Log>(json!({ "from": "v1" }), &repository.ctx()).await.unwrap();
    let subjects: Vec<&str> =
        log["commits"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["empty", "grüße"]);
    assert_eq!(log["commits"][1]["body"], "mehr");
    assert_eq!(log["commits"][1]["author"], "A");
    assert_eq!((&log["more"], &log["shallow"]), (&json!(false), &json!(false)));
    let one = execute::<Log>(json!({ "paths": ["src"], "limit": 1 }), &repository.ctx()).await.unwrap();
    assert_eq!((one["commits"].as_array().unwrap().len(), &one["more"]), (1, &json!(false)));
    let all = execute::<Log>(json!({ "limit": 1 }), &repository.ctx()).await.unwrap();
    assert_eq!(all["more"], true);
    let missing = execute::<Log>(json!({ "from": "v0" }), &repository.ctx()).await.unwrap_err();
    check(&missing, ErrorClass::Permanent, "there is no tag, branch or commit `v0` in this repository");
    let range = execute::<Log>(json!({ "from": "v0..v1" }), &repository.ctx()).await.unwrap_err();
    check(
        &range,
        ErrorClass::Invalid,
        "config of git.log: `v0..v1` can't be a revision: it is a range; use `from` and `to`",
    );
}

#[tokio::test]
async fn a_shallow_clone_says_so() {
    let repository = Repository::new().await;
    repository.git(&["commit", "--quiet", "--allow-empty", "--message=second"]);
    repository.git(&["push", "--quiet", "origin", "main"]);
    let run = identified(TestRun::new());
    let url = format!("file://{}", repository.remote.workspace().display());
    git_in(&run, &["clone", "--quiet", "--depth=1", &url, "."]);
    let run = run.connected::<Git>(json!({})).await.unwrap();
    let log = execute::<Log>(json!({}), &run.context("log")).await.unwrap();
    assert_eq!((log["commits"].as_array().unwrap().len(), &log["shallow"]), (1, &json!(true)));
    assert_eq!(
        run.log(),
        ["info: 1 commit", "warning: the clone is shallow: commits of the past are missing"]
    );
    assert_eq!(execute::<Status>(json!({}), &run.context("status")).await.unwrap()["shallow"], true);
}

#[tokio::test]
async fn differences_are_counted_and_shown() {
    let repository = Repository::new().await;
    repository.git(&["tag", "v1"]);
    repository.git(&["config", "diff.external", "false"]);
    repository.git(&["config", "color.ui", "always"]);
    let none = execute::<Diff>(json!({}), &repository.ctx()).await.unwrap();
    assert_eq!(none, json!({ "any": false, "files": [], "added": 0, "removed": 0, "patch": null }));
    repository.run.write("VERSION", "1.0.0\n2\n").write("bin", [0, 1, 2]).write("ä b", "1\n");
    repository.git(&["add", "bin", "ä b"]);
    let all =
        execute::<Diff>(json!({ "patch": true, "paths": ["VERSION"] }), &repository.ctx()).await.unwrap();
    assert_eq!((&all["added"], &all["removed"]), (&json!(1), &json!(0)));
    assert!(all["patch"].as_str().unwrap().ends_with("@@ -1 +1,2 @@\n 1.0.0\n+2\n"), "{all}");
    let staged = execute::<Diff>(json!({ "staged": true }), &repository.ctx()).await.unwrap();
    let expected = json!([
        { "path": "bin", "added": null, "removed": null },
        { "path": "ä b", "added": 1, "removed": 0 },
    ]);
    assert_eq!(staged["files"], expected);
    repository.git(&["commit", "--quiet", "--all", "--message=next"]);
    let between = execute::<Diff>(json!({ "from": "v1", "to": "HEAD" }), &repository.ctx()).await.unwrap();
    assert_eq!((between["files"].as_array().unwrap().len(), &between["added"]), (3, &json!(2)));
}

#[tokio::test]
async fn chosen_paths_are_staged_as_previewed() {
    let repository = Repository::new().await;
    repository
        .run
        .write("docs/a", "1")
        .write("docs/b", "2")
        .write("other", "3")
        .write(".gitignore", "ignored\n");
    repository.run.write("ignored", "4").write("docs*", "5");
    let config = json!({ "paths": ["docs", "VERSION"] });
    let seen = preview::<Stage>(config.clone(), &repository.ctx()).await.unwrap();
    assert_eq!(
        seen.changes,
        [Change::Action { description: "stage `docs`, `VERSION`: 2 files: docs/a, docs/b".into() }]
    );
    let staged = execute::<Stage>(config.clone(), &repository.ctx()).await.unwrap();
    assert_eq!(staged["files"], json!(["docs/a", "docs/b"]));
    assert_eq!(seen.known["files"], staged["files"]);
    undo::<Stage>(config, staged, &repository.ctx()).await.unwrap();
    assert_eq!(repository.git(&["diff", "--cached", "--name-only"]), "");
    let stage = async |path: &str| execute::<Stage>(json!({ "paths": [path] }), &repository.ctx()).await;
    let class = ErrorClass::Permanent;
    check(&stage("nothing").await.unwrap_err(), class, "git can't stage: there is no such path");
    check(
        &stage("ignored").await.unwrap_err(),
        class,
        "git can't stage: a path is ignored by a `.gitignore`",
    );
}
