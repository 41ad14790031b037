//! What earlier steps of a plan would do to the repository.
//!
//! Steps say what they would do in words, so each kind of action begins in its own way, and is
//! followed here from those words.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use vwmp_interfaces::capability::VersionControl;
use vwmp_interfaces::{Change, StepContext, StepError, WorkspacePath};

/// How `git.stage_all` begins what it would do.
pub(super) const STAGE_ALL: &str = "stage every change";

/// How `git.stage` begins what it would do; the paths follow.
pub(super) const STAGE: &str = "stage `";

/// How `git.commit` begins what it would do.
pub(super) const COMMIT: &str = "commit ";

/// How a step begins that makes a branch the current one; its name follows.
pub(super) const SWITCH: &str = "switch to the branch ";

/// How a step begins that leaves all branches.
pub(super) const DETACH: &str = "check out ";

/// The repository as the steps before would leave it.
pub(super) struct Expected {
    changed: BTreeSet<String>,
    staged: BTreeSet<String>,
    /// Whether there would be a commit that isn't there yet.
    pub(super) new_commit: bool,
    /// The branch; nothing when the head would be detached.
    pub(super) branch: Option<String>,
}

impl Expected {
    /// The repository as it is, followed through what is planned.
    pub(super) async fn of(ctx: &StepContext, git: &dyn VersionControl) -> Result<Self, StepError> {
        let status = git.status().await?;
        let staged = status.iter().filter(|file| !file.code.starts_with([' ', '?']));
        let mut expected = Self {
            staged: staged.map(|file| file.path.clone()).collect(),
            changed: status.into_iter().map(|file| file.path).collect(),
            new_commit: false,
            branch: git.branch().await?,
        };
        let workspace = workspace(ctx);
        for change in ctx.planned() {
            match change {
                Change::File { path, before, after } if before != after => {
                    let inside = workspace.join(path).strip_prefix(git.root()).map(PathBuf::from);
                    expected.changed.extend(inside.map(|path| path.to_string_lossy().into_owned()));
                }
                Change::File { .. } => {}
                Change::Action { description } => expected.follow(description),
            }
        }
        Ok(expected)
    }

    fn follow(&mut self, action: &str) {
        if action.starts_with(STAGE_ALL) {
            self.staged.extend(self.changed.iter().cloned());
        } else if action.starts_with(STAGE) {
            let listed = action.split_once(": ").map_or(action, |(paths, _)| paths);
            let paths: Vec<String> = listed.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
            self.staged.extend(self.changed_below(&paths));
        } else if action.starts_with(COMMIT) {
            self.changed = self.changed.difference(&self.staged).cloned().collect();
            self.staged.clear();
            self.new_commit = true;
        } else if let Some(branch) = action.strip_prefix(SWITCH) {
            self.branch = Some(branch.to_owned());
        } else if action.starts_with(DETACH) {
            self.branch = None;
        }
    }

    /// Every path that would differ from the last commit; sorted.
    pub(super) fn changed(&self) -> Vec<String> {
        self.changed.iter().cloned().collect()
    }

    /// Those of them that are one of these paths, or below it.
    pub(super) fn changed_below(&self, paths: &[String]) -> Vec<String> {
        let below = |file: &str, path: &str| {
            file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.changed.iter().filter(|file| paths.iter().any(|path| below(file, path))).cloned().collect()
    }

    /// Every path that would be staged; sorted.
    pub(super) fn staged(&self) -> Vec<String> {
        self.staged.iter().cloned().collect()
    }
}

/// Paths of the workspace as paths of the repository: one may be a folder in the other.
pub(super) fn in_repository(
    ctx: &StepContext,
    git: &dyn VersionControl,
    paths: &[WorkspacePath],
) -> Result<Vec<String>, StepError> {
    let workspace = workspace(ctx);
    let inside = |path: &WorkspacePath| {
        let full = workspace.join(path);
        let inside = full.strip_prefix(git.root()).map(|path| path.to_string_lossy().into_owned());
        inside.map_err(|_| {
            let root = git.root().display();
            StepError::invalid(format!("`{path}` isn't in the repository at {root}"))
        })
    };
    paths.iter().map(inside).collect()
}

fn workspace(ctx: &StepContext) -> PathBuf {
    fs::canonicalize(ctx.workspace()).unwrap_or_else(|_| ctx.workspace().to_owned())
}

/// `3 files: a, b, c`; long lists are cut.
pub(super) fn listed(paths: &[String]) -> String {
    const SHOWN: usize = 20;
    let noun = if paths.len() == 1 { "file" } else { "files" };
    let shown = paths.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match paths.len() {
        0 => "no file".to_owned(),
        count if count <= SHOWN => format!("{count} {noun}: {shown}"),
        count => format!("{count} {noun}: {shown} and {} more", count - SHOWN),
    }
}
