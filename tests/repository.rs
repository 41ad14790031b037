//! A scratch repository with a bare remote.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::path::environment;

/// A repository on `main` with one commit, and its remote `origin`; both go when the value does.
pub(crate) struct Repository {
    folder: TempDir,
}

impl Repository {
    pub(crate) fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(repository.workspace()).unwrap();
        git(repository.folder.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "remote"]);
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["remote", "add", "origin", "../remote"]);
        repository.write("VERSION", "1.2.3\n");
        repository.write("CHANGELOG.md", "# Changelog\n\n## [1.2.3] - 2026-01-01\n\n- The first one\n");
        repository.write("src/main.txt", "text\n");
        repository.git(&["add", "."]);
        repository.git(&["commit", "--quiet", "--message=first"]);
        repository.git(&["push", "--quiet", "--set-upstream", "origin", "main"]);
        repository
    }

    pub(crate) fn workspace(&self) -> std::path::PathBuf {
        self.folder.path().join("workspace")
    }

    /// What a command of git prints in the workspace.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.workspace(), arguments)
    }

    /// What a command of git prints in the remote.
    pub(crate) fn remote(&self, arguments: &[&str]) -> String {
        git(&self.folder.path().join("remote"), arguments)
    }

    /// Puts a commit into the remote that the workspace doesn't have.
    pub(crate) fn overtake(&self) {
        let elsewhere = self.folder.path().join("elsewhere");
        git(self.folder.path(), &["clone", "--quiet", "remote", "elsewhere"]);
        fs::write(elsewhere.join("other.txt"), "from somebody else\n").unwrap();
        git(&elsewhere, &["add", "."]);
        git(&elsewhere, &["commit", "--quiet", "--message=overtaking"]);
        git(&elsewhere, &["push", "--quiet", "origin", "main"]);
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.workspace().join(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.workspace().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Every file of the workspace and of the remote with its content, those of git included.
    pub(crate) fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.folder.path(), self.folder.path(), &mut files);
        files
    }

    /// The files of the workspace alone, as text.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        collect(&self.workspace(), &self.workspace(), &mut files);
        files.retain(|path, _| !path.starts_with(".git/"));
        files.into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    let output =
        command.args(arguments).current_dir(folder).env_clear().envs(environment()).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
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
