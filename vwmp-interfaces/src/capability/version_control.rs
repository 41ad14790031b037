//! A repository of the workspace.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::error::StepError;

/// The repository that the workspace is in. Hooks, signing and credentials that the user set up
/// are honoured; nothing is ever forced.
pub trait VersionControl: Send + Sync {
    /// The top of the working tree.
    fn root(&self) -> &Path;
    /// The remote that is used when a step names none.
    fn default_remote(&self) -> &str;
    /// The files that differ from the last commit, untracked ones included.
    fn status(&self) -> BoxFuture<'_, Result<Vec<FileStatus>, StepError>>;
    /// The branch; nothing when the head is detached.
    fn branch(&self) -> BoxFuture<'_, Result<Option<String>, StepError>>;
    /// The id of the last commit; nothing before the first.
    fn head(&self) -> BoxFuture<'_, Result<Option<String>, StepError>>;
    /// Stages every change; returns the paths that are staged then.
    fn stage_all(&self) -> BoxFuture<'_, Result<Vec<String>, StepError>>;
    /// The id of what is staged as a whole, for [`VersionControl::restore_staged`].
    fn staged_tree(&self) -> BoxFuture<'_, Result<String, StepError>>;
    /// Makes what is staged what it was when [`VersionControl::staged_tree`] gave this id. The
    /// files themselves stay as they are.
    fn restore_staged<'a>(&'a self, tree: &'a str) -> BoxFuture<'a, Result<(), StepError>>;
    /// Commits what is staged.
    fn commit<'a>(&'a self, request: &'a CommitRequest) -> BoxFuture<'a, Result<Commit, StepError>>;
    /// Takes the last commit back and leaves its changes staged. Refuses when `id` isn't the last
    /// commit.
    fn undo_commit<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StepError>>;
    /// The commit that a tag points at; nothing when there is no such tag.
    fn tag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, StepError>>;
    /// Creates a tag at the last commit.
    fn create_tag<'a>(&'a self, request: &'a TagRequest) -> BoxFuture<'a, Result<(), StepError>>;
    /// Deletes a local tag.
    fn delete_tag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StepError>>;
    /// Pushes refs, all or none.
    fn push<'a>(&'a self, request: &'a PushRequest) -> BoxFuture<'a, Result<(), StepError>>;
    /// What refs of a remote point at, of those asked for.
    fn remote_refs<'a>(
        &'a self,
        remote: &'a str,
        refs: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<RemoteRef>, StepError>>;
}

/// A file that differs from the last commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatus {
    /// The path, relative to the top of the working tree.
    pub path: String,
    /// The two letters of `git status --porcelain`, index first.
    pub code: String,
}

/// A commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// The message.
    pub message: String,
    /// Whether to commit though nothing is staged.
    pub allow_empty: bool,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its full id.
    pub id: String,
    /// The paths it changes.
    pub files: Vec<String>,
}

/// A tag to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRequest {
    /// The name.
    pub name: String,
    /// The message of an annotated tag; a lightweight tag without one.
    pub message: Option<String>,
    /// Whether to sign it; as the repository is set up where nothing is said.
    pub sign: Option<bool>,
}

/// Refs to push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRequest {
    /// The remote.
    pub remote: String,
    /// Full names of local refs, such as `refs/heads/main`, each pushed to the same name.
    pub refs: Vec<String>,
}

/// A ref of a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRef {
    /// The full name.
    pub name: String,
    /// What it points at; for an annotated tag, the tag object.
    pub id: String,
}
