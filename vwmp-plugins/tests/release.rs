//! A whole release, step by step, on a real repository: what the plan predicts is what happens.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::process::Command;

use serde_json::{Value, json};
use vwmp_interfaces::{Change, Preview, StepHandler};
use vwmp_plugins::filesystem::adapter::LocalFiles;
use vwmp_plugins::git::{
    adapter::Git, commit::Commit, create_tag::CreateTag, push::Push, stage_all::StageAll,
};
use vwmp_plugins::release::changelog_create::ChangelogCreate;
use vwmp_plugins::release::changelog_update::ChangelogUpdate;
use vwmp_plugins::release::version_bump::VersionBump;
use vwmp_testkit::{TestRun, execute, preview};

fn git(run: &TestRun, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(args).current_dir(run.workspace()).env_clear().envs(run.context("git").environment());
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn isolated() -> TestRun {
    ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"]
        .into_iter()
        .fold(TestRun::new(), |run, name| run.environment(name, "A"))
        .environment("GIT_AUTHOR_EMAIL", "a@example.com")
        .environment("GIT_COMMITTER_EMAIL", "a@example.com")
        .environment("GIT_CONFIG_GLOBAL", "/dev/null")
        .environment("GIT_CONFIG_NOSYSTEM", "1")
}

/// Previews a step after those before it, as the plan does.
async fn plan<H: StepHandler>(
    mut run: TestRun,
    config: Value,
    all: &mut Vec<Change>,
) -> (TestRun, Option<Value>) {
    let seen: Preview<Value> = preview::<H>(config, &run.context("step")).await.unwrap();
    all.extend(seen.changes.iter().cloned());
    run = run.planned(seen.changes);
    (run, seen.output)
}

#[tokio::test]
async fn the_plan_is_what_happens() {
    let remote = isolated();
    git(&remote, &["init", "--quiet", "--bare", "--initial-branch=main", "."]);
    let run = isolated();
    git(&run, &["init", "--quiet", "--initial-branch=main", "."]);
    git(&run, &["remote", "add", "origin", remote.workspace().to_str().unwrap()]);
    run.write("VERSION", "1.2.3\n").write("CHANGELOG.md", "# Log\n\n## [Unreleased]\n\n- speed\n");
    git(&run, &["add", "."]);
    git(&run, &["commit", "--quiet", "--message=first"]);
    let run = run.connected::<LocalFiles>(json!({})).await.unwrap();
    let run = run.connected::<Git>(json!({})).await.unwrap();
    let before = git(&run, &["status", "--porcelain"]);

    let mut planned = Vec::new();
    let notes = |version: &Value| json!({ "version": version, "summary": "Faster." });
    let message = json!({ "message": "release: v1.3.0" });
    let tag = json!({ "name": "v1.3.0", "message": "Faster." });
    let bump = json!({ "increment_type": "minor" });
    let (run, bumped) = plan::<VersionBump>(run, bump.clone(), &mut planned).await;
    let version = bumped.unwrap()["new_version"].clone();
    let (run, _) = plan::<ChangelogCreate>(run, notes(&version), &mut planned).await;
    let (run, _) = plan::<ChangelogUpdate>(run, notes(&version), &mut planned).await;
    let (run, _) = plan::<StageAll>(run, json!({}), &mut planned).await;
    let (run, _) = plan::<Commit>(run, message.clone(), &mut planned).await;
    let (run, _) = plan::<CreateTag>(run, tag.clone(), &mut planned).await;
    let (run, _) = plan::<Push>(run, json!({ "tags": ["v1.3.0"] }), &mut planned).await;
    assert_eq!(git(&run, &["status", "--porcelain"]), before, "the plan touched something");
    let files = "3 files: CHANGELOG.md, VERSION, docs/changelog/1.3.0.md";
    let told: Vec<&str> = planned.iter().filter_map(action).collect();
    assert_eq!(
        told,
        [
            format!("stage every change: {files}").as_str(),
            &format!("commit `release: v1.3.0` with {files}"),
            "create the annotated tag v1.3.0 at the new commit",
            "push refs/heads/main and refs/tags/v1.3.0 to origin",
        ]
    );

    // The engine lends no planned changes to an execution.
    let run = run.unplanned();
    let ctx = run.context("step");
    execute::<VersionBump>(bump, &ctx).await.unwrap();
    execute::<ChangelogCreate>(notes(&version), &ctx).await.unwrap();
    execute::<ChangelogUpdate>(notes(&version), &ctx).await.unwrap();
    execute::<StageAll>(json!({}), &ctx).await.unwrap();
    execute::<Commit>(message, &ctx).await.unwrap();
    execute::<CreateTag>(tag, &ctx).await.unwrap();
    execute::<Push>(json!({ "tags": ["v1.3.0"] }), &ctx).await.unwrap();
    for change in &planned {
        if let Change::File { path, after, .. } = change {
            assert_eq!(Some(git(&remote, &["show", &format!("v1.3.0:{path}")])), *after, "{path}");
        }
    }
    assert_eq!(git(&remote, &["log", "-1", "--format=%s", "main"]), "release: v1.3.0\n");
    assert_eq!(git(&run, &["status", "--porcelain"]), "");
}

fn action(change: &Change) -> Option<&str> {
    match change {
        Change::Action { description } => Some(description),
        Change::File { .. } => None,
    }
}
