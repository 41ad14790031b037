//! The workflow `Project Release` with the binary, in a scratch repository with a bare remote.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const WORKFLOW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/workflows/project-release.yaml");

const STEPS: [&str; 10] =
    ["bump", "entry", "changelog", "readme", "board", "stage", "validate", "commit", "tag", "push"];

const FILES: [(&str, &str); 4] = [
    ("VERSION", "1.2.3\n"),
    ("CHANGELOG.md", "# Changelog\n\n## [1.2.3] - 2026-01-01\n\n- The first one\n"),
    ("README.md", "# App\n\nThis is version 1.2.3 of it.\n"),
    ("KANBAN.md", "## Ready for release\n\n- [KB-1] Faster\n\n## Released\n\n- [KB-0] Born\n"),
];

/// A project that was released as 1.2.3 and has got a feature since.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(project.folder.path().join("workspace")).unwrap();
        project.git(&["init", "--quiet", "--bare", "--initial-branch=main", "../remote"]);
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        project.git(&["remote", "add", "origin", "../remote"]);
        for (path, text) in FILES {
            project.write(path, text);
        }
        project.commit("first");
        project.git(&["tag", "v1.2.3"]);
        project.git(&["push", "--quiet", "origin", "main", "v1.2.3"]);
        project.write("src/main.txt", "faster\n");
        project.commit("feat: faster start");
        project
    }

    fn write(&self, path: &str, text: &str) {
        let full = self.folder.path().join("workspace").join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = self.command("git").args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn vwmp(&self, command: &str) -> Output {
        let mut vwmp = self.command(env!("CARGO_BIN_EXE_vwmp-project"));
        vwmp.args([command, WORKFLOW, "--format", "json", "-p", "summary=Faster start"]).output().unwrap()
    }

    /// A program that sees no configuration of whoever runs the test.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path().join("workspace")).env_clear();
        command.env("PATH", std::env::var("PATH").unwrap()).env("HOME", "/nonexistent");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Ada")
                .env(format!("GIT_{role}_EMAIL"), "ada@example.org");
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }

    /// Every file of the workspace and the remote, those of git included, but for the history of runs.
    fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.folder.path(), self.folder.path(), &mut files);
        files.retain(|path, _| !path.starts_with("workspace/.vwmp/"));
        files
    }

    /// The files of the workspace alone.
    fn files(&self) -> BTreeMap<String, String> {
        let workspace = self.folder.path().join("workspace");
        let mut files = BTreeMap::new();
        collect(&workspace, &workspace, &mut files);
        files.retain(|path, _| ![".git/", ".vwmp/"].iter().any(|own| path.starts_with(own)));
        files.into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

fn json(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// `id status`, a line a step.
fn summary(report: &Value) -> Vec<String> {
    let steps = report["steps"].as_array().unwrap().iter();
    steps
        .map(|step| format!("{} {}", step["id"].as_str().unwrap(), step["status"].as_str().unwrap()))
        .collect()
}

/// The files after the changes that a plan tells.
fn predicted(mut files: BTreeMap<String, String>, plan: &Value) -> BTreeMap<String, String> {
    for change in plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|step| step["preview"]["changes"].as_array().unwrap())
    {
        if change["kind"] == "file" {
            let path = change["path"].as_str().unwrap();
            assert_eq!(files.get(path).map(String::as_str), change["before"].as_str(), "{path}");
            files.insert(path.to_owned(), change["after"].as_str().unwrap().to_owned());
        }
    }
    files
}

/// An entry says to the second when it was written.
fn without_time(mut files: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for (path, text) in &mut files {
        if path.starts_with("docs/changelog/") {
            *text = text.replace(text.lines().next().unwrap(), "# 1.3.0");
        }
    }
    files
}

#[test]
fn ten_steps_do_what_the_plan_said_and_a_second_run_nothing() {
    let project = Project::new();
    let before = project.everything();
    let plan = json(&project.vwmp("plan"));
    assert!(project.everything() == before, "the plan has changed something");
    assert!(!project.folder.path().join("workspace/.vwmp").exists(), "a plan is no run");
    for step in plan["steps"].as_array().unwrap() {
        let preview = &step["preview"];
        assert_eq!((&preview["verdict"], &preview["error"]), (&"runs".into(), &Value::Null), "{step}");
        assert_eq!(preview["unknown"], Value::Array(Vec::new()), "{step}");
    }
    let expected = predicted(project.files(), &plan);

    let run = project.vwmp("run");
    assert_eq!(summary(&json(&run)), STEPS.map(|step| format!("{step} succeeded")));
    assert!(run.status.success());
    assert_eq!(without_time(project.files()), without_time(expected));
    let board = "## Ready for release\n\n\n## Released\n\n- [KB-0] Born\n- [KB-1] Faster\n  \
                 Released in [1.3.0](docs/changelog/1.3.0.md)\n";
    assert_eq!(project.files()["KANBAN.md"], board);
    assert_eq!(project.files()["README.md"], "# App\n\nThis is version 1.3.0 of it.\n");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    assert_eq!(project.git(&["log", "-1", "--format=%s"]), "release: v1.3.0");
    let head = project.git(&["rev-parse", "HEAD"]);
    assert_eq!(project.git(&["-C", "../remote", "rev-parse", "main"]), head);
    assert_eq!(project.git(&["-C", "../remote", "rev-parse", "v1.3.0^{commit}"]), head);

    let after = project.everything();
    let again = project.vwmp("run");
    assert!(again.status.success());
    let mut nothing = STEPS.map(|step| format!("{step} skipped"));
    nothing[0] = "bump succeeded".to_owned();
    assert_eq!(summary(&json(&again)), nothing);
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("nothing to release: no commit since v1.3.0 asks for a version"), "{said}");
    assert!(project.everything() == after, "the second run has changed something");
}

#[test]
fn a_validator_that_finds_something_stops_the_release_before_its_commit() {
    let project = Project::new();
    project.write("src/main.txt", "blanks at the end  \n");
    let head = project.git(&["rev-parse", "HEAD"]);
    let run = project.vwmp("run");
    assert_eq!(run.status.code(), Some(1));
    let report = json(&run);
    let validate = &report["steps"][6];
    assert_eq!(validate["error"]["message"], "validation failed with 1 error: whitespace");
    assert_eq!(validate["error"]["causes"][0], "src/main.txt:1: error: trailing whitespace.");
    assert_eq!(summary(&report)[7..], ["commit skipped", "tag skipped", "push skipped"]);
    assert_eq!(project.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(project.git(&["-C", "../remote", "tag"]), "v1.2.3");
}
