//! The release job on a real repository with a real remote: predicted, done, and going wrong.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vwmp_core::plan::Plan;
use vwmp_core::plan::preview::{StepPreview, preview};
use vwmp_core::run::{RunStatus, SystemClock};
use vwmp_interfaces::Change;

use crate::handlers::registry;
use crate::path::{planned, ran, summary};
use crate::repository::Repository;

const SUMMARY: &str = "Faster start & \"fewer\" $(surprises)";

/// `workflows/release.yaml`, with more steps behind the others, and the work of the day in the release.
fn plan(repository: &Repository, more_steps: &str) -> Arc<Plan> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../workflows/release.yaml");
    let text = fs::read_to_string(file).unwrap() + more_steps;
    let parameters =
        [("summary", json!(SUMMARY)), ("increment", json!("minor")), ("allow_dirty", json!(true))];
    planned(text, &registry(), &repository.workspace(), &parameters).unwrap()
}

async fn previewed(plan: &Arc<Plan>) -> Vec<StepPreview> {
    preview(Arc::clone(plan), Arc::new(SystemClock), CancellationToken::new()).await
}

#[tokio::test]
async fn a_release_is_done_on_the_repository_and_its_remote() {
    let repository = Repository::new();
    repository.write("src/new.txt", "work of the day\n");
    let report = ran(plan(&repository, "")).await;
    let steps = ["bump", "notes", "changelog", "stage", "commit", "tag", "push"];
    assert_eq!(summary(&report)[1..], steps.map(|step| format!("{step} succeeded 1")));
    assert_eq!(report.status(), RunStatus::Succeeded);

    assert_eq!(repository.read("VERSION"), "1.3.0\n");
    let changelog = repository.read("CHANGELOG.md");
    assert!(changelog.find("1.3.0") < changelog.find("1.2.3"), "{changelog}");
    assert!(changelog.contains(SUMMARY), "{changelog}");
    let archive: Vec<String> =
        repository.files().into_keys().filter(|path| path.starts_with("docs/changelog/")).collect();
    assert_eq!(archive, ["docs/changelog/1.3.0.md"]);
    assert!(repository.read(&archive[0]).contains(SUMMARY));

    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(repository.git(&["log", "-1", "--format=%s|%an"]), "release: v1.3.0|Ada");
    let committed = repository.git(&["show", "--format=", "--name-only", "HEAD"]);
    assert_eq!(committed, "CHANGELOG.md\nVERSION\ndocs/changelog/1.3.0.md\nsrc/new.txt");
    assert_eq!(repository.git(&["cat-file", "-t", "v1.3.0"]), "tag");
    assert_eq!(repository.git(&["tag", "-l", "--format=%(contents)", "v1.3.0"]).trim_end(), SUMMARY);
    let head = repository.git(&["rev-parse", "HEAD"]);
    assert_eq!(repository.remote(&["rev-parse", "refs/heads/main"]), head);
    assert_eq!(repository.remote(&["rev-parse", "refs/tags/v1.3.0^{commit}"]), head);
}

#[tokio::test]
async fn templates_leave_uncommitted_work_alone_unless_told() {
    for template in ["Standard Release", "Quick Release"] {
        let repository = Repository::new();
        repository.write("src/new.txt", "work of the day\n");
        let text = format!("name: release\ntype: release\ntemplate: {template}\n");
        let release = |more: &[(&'static str, Value)]| {
            let mut parameters = vec![("increment", json!("minor"))];
            if template.starts_with("Standard") {
                parameters.push(("summary", json!(SUMMARY)));
            }
            parameters.extend_from_slice(more);
            planned(text.clone(), &registry(), &repository.workspace(), &parameters).unwrap()
        };
        let before = repository.files();
        let report = ran(release(&[])).await;
        assert_eq!(
            summary(&report)[..2],
            [
                "clean failed 1: the working tree isn't clean: 1 file (src/new.txt) differs from the last commit; \
                 commit or stash first",
                "bump skipped 0: the run was stopping: clean failed",
            ]
        );
        assert!(before == repository.files(), "something was changed");

        let report = ran(release(&[("allow_dirty", json!(true))])).await;
        assert_eq!(report.status(), RunStatus::Succeeded);
        assert_eq!(repository.read("VERSION"), "1.3.0\n");
    }
}

#[tokio::test]
async fn the_plan_predicts_the_diff_and_touches_nothing() {
    let repository = Repository::new();
    repository.write("src/new.txt", "work of the day\n");
    let plan = plan(&repository, "");
    let before = repository.everything();
    let previews = previewed(&plan).await;
    assert!(repository.everything() == before, "the preview has changed something");
    // But the first, which does not run.
    for preview in &previews[1..] {
        assert_eq!(preview.error, None, "{}", plan[preview.step].id());
        assert_eq!(preview.unknown, [""; 0], "{}", plan[preview.step].id());
        assert!(!preview.summary.is_empty(), "{}", plan[preview.step].id());
    }

    let files = repository.files();
    let predicted = applied(&files, &previews);
    assert_eq!(ran(plan).await.status(), RunStatus::Succeeded);
    assert_eq!(without_time(repository.files()), without_time(predicted));
    let files = "4 files: CHANGELOG.md, VERSION, docs/changelog/1.3.0.md, src/new.txt";
    let expected = [
        &format!("stage every change: {files}"),
        &format!("commit `release: v1.3.0` with {files}"),
        "create the annotated tag v1.3.0 at the new commit",
        "push refs/heads/main and refs/tags/v1.3.0 to origin",
    ];
    assert_eq!(actions(&previews), expected);
}

/// The files after the changes that were predicted; each change begins with what is there.
fn applied(files: &BTreeMap<String, String>, previews: &[StepPreview]) -> BTreeMap<String, String> {
    let mut files = files.clone();
    for change in previews.iter().flat_map(|preview| &preview.changes) {
        if let Change::File { path, before, after } = change {
            assert_eq!(files.get(path), before.as_ref(), "{path}");
            match after {
                Some(after) => files.insert(path.clone(), after.clone()),
                None => files.remove(path),
            };
        }
    }
    files
}

/// An entry says to the second when it was written.
fn without_time(mut files: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let entry = files.get_mut("docs/changelog/1.3.0.md").unwrap();
    let (title, _) = entry.split_once(" - ").unwrap();
    *entry = entry.replace(entry.lines().next().unwrap(), title);
    files
}

fn actions(previews: &[StepPreview]) -> Vec<String> {
    let action = |change: &Change| match change {
        Change::Action { description } => Some(description.clone()),
        Change::File { .. } => None,
    };
    previews.iter().flat_map(|preview| &preview.changes).filter_map(action).collect()
}

#[tokio::test]
async fn a_refused_push_takes_the_rest_back() {
    let repository = Repository::new();
    repository.write("src/new.txt", "work of the day\n");
    repository.overtake();
    let before = standing(&repository);
    let report = ran(plan(&repository, "  - { id: notify, handler: flow.noop, needs: [push] }\n")).await;
    let expected = [
        "clean skipped 0: its condition `!parameters.allow_dirty` does not hold",
        "bump succeeded 1",
        "notes succeeded 1",
        "changelog succeeded 1",
        "stage succeeded 1",
        "commit succeeded 1",
        "tag succeeded 1",
        "push failed 1: can't push to origin: rejected refs/heads/main (fetch first); it has commits that are \
         missing here: pull or rebase first",
        "notify skipped 0: the run was stopping: push failed",
    ];
    assert_eq!(summary(&report), expected);
    assert_eq!(report.status(), RunStatus::RolledBack);
    assert_eq!(standing(&repository), before);
}

/// Files, index, refs, and those of the remote.
fn standing(repository: &Repository) -> (BTreeMap<String, String>, [String; 4]) {
    let index = repository.git(&["ls-files", "--stage"]);
    let refs = repository.git(&["for-each-ref", "refs/heads", "refs/tags"]);
    let head = repository.git(&["rev-parse", "HEAD"]);
    (repository.files(), [index, refs, head, repository.remote(&["for-each-ref"])])
}

#[tokio::test]
async fn a_panic_and_a_hang_beside_a_release_do_not_disturb_it() {
    let repository = Repository::new();
    let beside = "on_failure: continue
finally:
  - { id: last, handler: shell.run, when: failed(), config: { run: 'echo $<run.failed_steps> > failed.txt' } }
";
    let text = "  - { id: panic, handler: test.misbehave, config: { how: panic } }
  - { id: hang, handler: test.misbehave, timeout: 200ms, config: { how: hang } }
  - { id: after-panic, handler: flow.noop, needs: [panic] }
";
    let report = ran(plan(&repository, &format!("{text}{beside}"))).await;
    let mut lines = summary(&report);
    lines.sort_unstable();
    let expected = [
        "after-panic skipped 0: it needs panic, which did not succeed",
        "bump succeeded 1",
        "changelog succeeded 1",
        "clean skipped 0: its condition `!parameters.allow_dirty` does not hold",
        "commit succeeded 1",
        "hang timed_out 1: it took longer than 200 ms",
        "last succeeded 1",
        "notes succeeded 1",
        "panic failed 1: the handler panicked: the disk is on fire",
        "push succeeded 1",
        "stage succeeded 1",
        "tag succeeded 1",
    ];
    assert_eq!(lines, expected);
    assert_eq!(report.status(), RunStatus::Failed);
    assert_eq!(repository.read("failed.txt"), "[\"panic\",\"hang\"]\n");
    let head = repository.git(&["rev-parse", "HEAD"]);
    assert_eq!(repository.remote(&["rev-parse", "refs/heads/main"]), head);
}

#[tokio::test]
async fn a_preview_of_steps_that_misbehave_is_told_and_ends() {
    let repository = Repository::new();
    let plan = plan(&repository, "  - { id: panic, handler: test.misbehave, config: { how: panic } }\n");
    let before = repository.everything();
    let previews = previewed(&plan).await;
    assert_eq!(previews.len(), 9);
    let config: Vec<&Value> = previews.iter().map(|preview| &preview.config).collect();
    assert!(config.contains(&&json!({ "how": "panic" })), "{config:?}");
    assert!(repository.everything() == before, "the preview has changed something");
}

#[tokio::test]
async fn a_preview_tells_the_known_parts_of_an_output_alone() {
    let repository = Repository::new();
    repository.write("src/new.txt", "work of the day\n");
    let echo = |id: &str, value: &str| {
        format!("  - {{ id: {id}, handler: shell.run, config: {{ run: 'echo $<{value}>' }} }}\n")
    };
    let steps = echo("read-name", "step-outputs.tag.name")
        + &echo("read-commit", "step-outputs.tag.commit")
        + &echo("all", "step-outputs.tag")
        + &echo("facts", "steps.tag.outputs.name");
    let previews = previewed(&plan(&repository, &steps)).await;
    let unknown: Vec<String> = previews.iter().map(|preview| preview.unknown.join(", ")).collect();
    assert_eq!(
        unknown,
        ["", "", "", "", "", "", "", "", "", "step-outputs.tag.commit", "step-outputs.tag", ""]
    );
}

#[tokio::test]
async fn a_path_that_leaves_the_workspace_by_a_value_is_refused_in_the_run() {
    let repository = Repository::new();
    let text = "name: leave\nparameters: { file: { type: string, required: true } }\n\
                steps:\n  - { id: bump, handler: release.version_bump, config: { version_file: $<parameters.file> } }\n";
    let parameters = [("file", json!("../VERSION"))];
    let plan = planned(text, &registry(), &repository.workspace(), &parameters).unwrap();
    let expected = "config.version_file: `../VERSION` leads out of the workspace";
    assert_eq!(previewed(&plan).await[0].error.as_deref(), Some(expected));
    assert_eq!(summary(&ran(plan).await), [format!("bump failed 1: {expected}")]);
}
