//! Versions that the commits decide.

use serde_json::{Value, json};
use vwmp_interfaces::StepError;
use vwmp_testkit::{TestRun, execute, preview};

use super::repository_for_tests::{commit, connected, git, repository};
use super::version_bump::VersionBump;

/// Previews and executes `auto`, and commits and tags a release.
async fn release(run: &TestRun, extra: Value) -> Result<(String, String), StepError> {
    let mut config = json!({ "increment_type": "auto" });
    config.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
    run.forget();
    let ctx = run.context("bump");
    let seen = preview::<VersionBump>(config.clone(), &ctx).await?;
    let output = execute::<VersionBump>(config, &ctx).await?;
    assert_eq!(seen.output.as_ref(), Some(&output));
    if output["released"] == true {
        commit(run, "release");
        git(run, &["tag", output["tag"].as_str().unwrap()]);
    }
    Ok((output["new_version"].as_str().unwrap().to_owned(), output["reason"].as_str().unwrap().to_owned()))
}

async fn next(run: &TestRun, message: &str, extra: Value) -> String {
    commit(run, message);
    release(run, extra).await.unwrap().0
}

#[tokio::test]
async fn commits_decide_from_release_to_release() {
    let run = repository().await;
    run.write("VERSION", "0.1.0\n");
    commit(&run, "first");
    let said = |version: &str, reason: &str| (version.to_owned(), reason.to_owned());
    let none = json!({});
    let first = said("0.1.0", "0.1.0 was never tagged with the prefix `v`");
    assert_eq!(release(&run, none.clone()).await.unwrap(), first);
    assert_eq!(
        release(&run, none.clone()).await.unwrap(),
        said("0.1.0", "no commit since v0.1.0 asks for a version")
    );
    assert_eq!(run.read("VERSION"), "0.1.0\n");
    assert_eq!(next(&run, "typo", none.clone()).await, "0.1.1");
    assert_eq!(next(&run, "feat!: a", none.clone()).await, "0.2.0");
    assert_eq!(next(&run, "feat!: a", json!({ "major_on_zero": true })).await, "1.0.0");
    commit(&run, "feat: b");
    commit(&run, "fix: c");
    assert_eq!(release(&run, none.clone()).await.unwrap(), said("1.1.0", "a feature since v1.0.0"));
    assert_eq!(next(&run, "chore: d", json!({ "ignored_types": ["chore"] })).await, "1.1.0");
    run.write("VERSION", "2.0.0\n");
    commit(&run, "by hand");
    assert_eq!(
        release(&run, none.clone()).await.unwrap(),
        said("2.0.0", "2.0.0 is higher than the last tag v1.1.0 already")
    );
    run.write("VERSION", "1.5.0\n");
    commit(&run, "back");
    assert_eq!(
        release(&run, none).await.unwrap_err().message(),
        "`VERSION` says 1.5.0, but v2.0.0 is tagged already; set it to the version of the last release first"
    );
}

#[tokio::test]
async fn prereleases_are_counted_and_ended() {
    let run = repository().await;
    run.write("VERSION", "1.2.3\n");
    commit(&run, "first");
    git(&run, &["tag", "v1.2.3"]);
    let rc = json!({ "channel": "rc" });
    assert_eq!(next(&run, "feat: a", rc.clone()).await, "1.3.0-rc.1");
    assert_eq!(next(&run, "fix: b", rc.clone()).await, "1.3.0-rc.2");
    assert_eq!(next(&run, "fix!: c", rc).await, "2.0.0-rc.1");
    assert_eq!(release(&run, json!({})).await.unwrap().0, "2.0.0");
}

#[tokio::test]
async fn each_package_of_a_monorepo_has_its_own_tags_and_paths() {
    let run = repository().await;
    run.write("a/VERSION", "1.0.0\n").write("b/VERSION", "1.0.0\n");
    commit(&run, "first");
    git(&run, &["tag", "a-v1.0.0"]);
    git(&run, &["tag", "b-v1.0.0"]);
    run.write("b/x", "1").write("a/docs/y", "1");
    commit(&run, "feat: b");
    let package = |name: &str, paths: Value| json!({ "version_file": format!("{name}/VERSION"), "tag_prefix": format!("{name}-v"), "paths": paths });
    assert_eq!(release(&run, package("a", json!(["a", "!a/docs"]))).await.unwrap().0, "1.0.0");
    assert_eq!(release(&run, package("b", json!(["b"]))).await.unwrap().0, "1.1.0");
}

#[tokio::test]
async fn a_version_that_is_only_in_the_tags() {
    let run = repository().await;
    commit(&run, "first");
    git(&run, &["tag", "v1.2.3"]);
    commit(&run, "feat: a");
    let tag = json!({ "source": "tag" });
    assert_eq!(release(&run, tag).await.unwrap().0, "1.3.0");
}

#[tokio::test]
async fn tags_that_are_not_there_are_asked_about() {
    let run = repository().await;
    run.write("VERSION", "1.2.3\n");
    commit(&run, "first");
    commit(&run, "feat: a");
    git(&run, &["tag", "1.2.3"]);
    assert_eq!(
        release(&run, json!({})).await.unwrap_err().message(),
        "no tag begins with `v` and a version, but there is `1.2.3`; set `tag_prefix: \"\"`"
    );
    let clone = TestRun::new();
    let url = format!("file://{}", run.workspace().display());
    git(&clone, &["clone", "--quiet", "--depth=1", "--no-tags", &url, "."]);
    let clone = connected(clone).await;
    assert_eq!(
        release(&clone, json!({})).await.unwrap_err().message(),
        "the clone is shallow, and the last release isn't in it; run `git fetch --unshallow --tags` before, or \
         set `fetch-depth: 0` in your CI"
    );
}

#[tokio::test]
async fn commits_in_another_encoding_and_a_detached_head() {
    let run = repository().await;
    run.write("VERSION", "1.2.3\n");
    commit(&run, "first");
    git(&run, &["tag", "v1.2.3"]);
    git(&run, &["checkout", "--quiet", "--detach"]);
    let message = run.workspace().join(".git/message");
    std::fs::write(&message, b"feat: gr\xfc\xdfe\n").unwrap();
    let path = message.to_str().unwrap();
    git(
        &run,
        &["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "--quiet", "--allow-empty", "--file", path],
    );
    git(&run, &["commit", "--quiet", "--allow-empty", "--file", path]);
    assert_eq!(release(&run, json!({})).await.unwrap().0, "1.3.0");
}

#[tokio::test]
async fn releases_on_branches_of_their_own_are_seen() {
    let run = repository().await;
    run.write("VERSION", "1.2.3\n");
    commit(&run, "first");
    git(&run, &["tag", "v1.2.2"]);
    git(&run, &["checkout", "--quiet", "-b", "stable"]);
    commit(&run, "feat: on the branch");
    git(&run, &["tag", "v1.2.3"]);
    git(&run, &["checkout", "--quiet", "main"]);
    commit(&run, "fix: a");
    let ctx = run.context("bump");
    let output = execute::<VersionBump>(json!({ "increment_type": "auto" }), &ctx).await.unwrap();
    assert_eq!((output["tag"].as_str(), output["previous_tag"].as_str()), (Some("v1.2.4"), Some("v1.2.3")));
    run.write("VERSION", "1.2.3\n");
    git(&run, &["tag", "v1.2.4"]);
    assert_eq!(
        release(&run, json!({})).await.unwrap_err().message(),
        "`VERSION` says 1.2.3, which would become 1.2.4, but the tag `v1.2.4` is there already, on another branch; \
         merge that release, or set `version`"
    );
}

#[tokio::test]
async fn a_release_that_was_not_pushed_is_told() {
    let run = repository().await;
    run.write("VERSION", "1.2.3\n");
    commit(&run, "first");
    git(&run, &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    commit(&run, "release");
    git(&run, &["tag", "v1.2.3"]);
    let bump = || async {
        let config = json!({ "increment_type": "auto" });
        execute::<VersionBump>(config, &run.context("bump")).await.unwrap()
    };
    let bumped = serde_json::to_value(bump().await).unwrap();
    assert_eq!(bumped["released"], false);
    assert_eq!(
        bumped["reason"],
        "no commit since v1.2.3 asks for a version; but main is ahead of origin/main: if v1.2.3 wasn't pushed, \
         `git push --atomic origin main v1.2.3` does it"
    );
    git(&run, &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let bumped = serde_json::to_value(bump().await).unwrap();
    assert_eq!(bumped["reason"], "no commit since v1.2.3 asks for a version");
}
