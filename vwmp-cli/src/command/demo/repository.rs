//! The repository that the demo releases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// A repository with a bare remote.
pub(super) struct Repository {
    worktree: PathBuf,
    environment: BTreeMap<String, String>,
}

const FILES: [(&str, &str); 3] = [
    ("VERSION", "1.2.0\n"),
    ("README.md", "# Demo\n\nA project that is released by a workflow.\n"),
    (
        "CHANGELOG.md",
        "# Changelog\n\n## [Unreleased]\n\n- Something new that nobody has released yet.\n\n## [1.2.0] - 2026-01-15\n\n- Where it began.\n",
    ),
];

/// Sets an identity, so that commits work on a machine that has none, and keeps the user's own
/// git settings, such as signing, out of it.
pub(super) fn identify(environment: &mut BTreeMap<String, String>) {
    // Variables such as GIT_DIR, as a git hook has them, would lead to another repository.
    environment.retain(|name, _| !name.starts_with("GIT_"));
    for (name, value) in [
        ("GIT_AUTHOR_NAME", "VWMP demo"),
        ("GIT_AUTHOR_EMAIL", "demo@example.com"),
        ("GIT_COMMITTER_NAME", "VWMP demo"),
        ("GIT_COMMITTER_EMAIL", "demo@example.com"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
}

impl Repository {
    /// Makes it below a directory: two commits, pushed to a remote, and a workflow file.
    pub(super) fn create(
        directory: &Path,
        environment: &BTreeMap<String, String>,
        workflow: &str,
    ) -> Result<Self, Failure> {
        let one = Self { worktree: directory.join("project"), environment: environment.clone() };
        let remote = directory.join("remote.git").display().to_string();
        std::fs::create_dir(&one.worktree).map_err(Failure::machine("can't make the demo's project"))?;
        one.git(&["init", "--quiet", "--bare", "--initial-branch=main", &remote])?;
        one.git(&["init", "--quiet", "--initial-branch=main"])?;
        one.git(&["remote", "add", "origin", &remote])?;
        for (name, text) in FILES {
            one.write(name, text)?;
        }
        one.commit("Begin")?;
        one.write("release.yaml", workflow)?;
        one.commit("Add the release workflow")?;
        one.git(&["push", "--quiet", "--set-upstream", "origin", "main"])?;
        Ok(one)
    }

    /// Where the files are.
    pub(super) fn worktree(&self) -> &Path {
        &self.worktree
    }

    /// The workflow file.
    pub(super) fn workflow(&self) -> PathBuf {
        self.worktree.join("release.yaml")
    }

    /// What git says.
    pub(super) fn git(&self, arguments: &[&str]) -> Result<String, Failure> {
        let what = format!("git {}", arguments.join(" "));
        let mut git = Command::new("git");
        git.args(arguments).current_dir(&self.worktree).env_clear().envs(&self.environment);
        let done = git.output().map_err(Failure::machine(format!("can't start `{what}`")))?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            return Err(Failure::machine(format!("`{what}` failed"))(std::io::Error::other(said)));
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        std::fs::write(self.worktree.join(name), text)
            .map_err(Failure::machine(format!("can't write `{name}` for the demo")))
    }

    fn commit(&self, message: &str) -> Result<(), Failure> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message]).map(drop)
    }
}
