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
    /// The id of the tree that a commit of what is staged would have.
    fn staged_tree(&self) -> BoxFuture<'_, Result<String, StepError>>;
    /// What is staged, as it is stored.
    fn index(&self) -> BoxFuture<'_, Result<Index, StepError>>;
    /// The id of the index that there would be if the changes of some paths, or all changes, were staged on top of
    /// an earlier one. Only looks.
    fn index_with<'a>(
        &'a self,
        earlier: &'a [u8],
        paths: Option<&'a [String]>,
    ) -> BoxFuture<'a, Result<String, StepError>>;
    /// Makes what is staged what it was when [`VersionControl::index`] gave these bytes. The files themselves stay
    /// as they are.
    fn restore_index<'a>(&'a self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), StepError>>;
    /// Commits what is staged.
    fn commit<'a>(&'a self, request: &'a CommitRequest) -> BoxFuture<'a, Result<Commit, StepError>>;
    /// The commit that a revision stands for; nothing when there is none.
    fn made_commit<'a>(&'a self, revision: &'a str) -> BoxFuture<'a, Result<Option<MadeCommit>, StepError>>;
    /// The branches of remotes that have a commit, as of the last fetch or push, such as `origin/main`.
    fn published<'a>(&'a self, commit: &'a str) -> BoxFuture<'a, Result<Vec<String>, StepError>>;
    /// Takes the last commit back and leaves its changes staged. Refuses when `id` isn't the last
    /// commit.
    fn undo_commit<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StepError>>;
    /// The commit that a tag points at; nothing when there is no such tag.
    fn tag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, StepError>>;
    /// Creates a tag at the last commit.
    fn create_tag<'a>(&'a self, request: &'a TagRequest) -> BoxFuture<'a, Result<(), StepError>>;
    /// What a local tag is; nothing when there is no such tag.
    fn made_tag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<MadeTag>, StepError>>;
    /// Deletes a local tag, if it still is this object.
    fn delete_tag<'a>(&'a self, name: &'a str, object: &'a str) -> BoxFuture<'a, Result<(), StepError>>;
    /// What a local ref points at, by its full name; for an annotated tag, the tag object.
    fn local_ref<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, StepError>>;
    /// Pushes refs, all or none.
    fn push<'a>(&'a self, request: &'a PushRequest) -> BoxFuture<'a, Result<(), StepError>>;
    /// What refs of a remote point at, of those asked for.
    fn remote_refs<'a>(
        &'a self,
        remote: &'a str,
        refs: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<RemoteRef>, StepError>>;
    /// Where the repository stands, with every file that differs from the last commit.
    fn state(&self) -> BoxFuture<'_, Result<RepositoryState, StepError>>;
    /// Stages the changes of some paths, and of all below them, relative to the top of the working
    /// tree; returns all paths that are staged then.
    fn stage<'a>(&'a self, paths: &'a [String]) -> BoxFuture<'a, Result<Vec<String>, StepError>>;
    /// The commit that a branch, a tag, an id or another name stands for; nothing when there is none.
    fn resolve<'a>(&'a self, revision: &'a str) -> BoxFuture<'a, Result<Option<String>, StepError>>;
    /// Whether a commit is the last one or an ancestor of it; not when it is missing here.
    fn contains<'a>(&'a self, commit: &'a str) -> BoxFuture<'a, Result<bool, StepError>>;
    /// What differs between two places.
    fn diff<'a>(&'a self, request: &'a DiffRequest) -> BoxFuture<'a, Result<Diff, StepError>>;
    /// Creates a branch at a revision, without switching to it.
    fn create_branch<'a>(&'a self, name: &'a str, start: &'a str) -> BoxFuture<'a, Result<(), StepError>>;
    /// Deletes a local branch, if it still is at this commit and isn't the current one.
    fn delete_branch<'a>(&'a self, name: &'a str, commit: &'a str) -> BoxFuture<'a, Result<(), StepError>>;
    /// Makes a branch the current one, or detaches the head at a commit. Refuses where that would
    /// overwrite changes.
    fn switch<'a>(&'a self, target: &'a SwitchTarget) -> BoxFuture<'a, Result<(), StepError>>;
    /// Gives files, and stages, the content that they have in a revision.
    fn restore<'a>(&'a self, revision: &'a str, paths: &'a [String]) -> BoxFuture<'a, Result<(), StepError>>;
    /// Gets commits, branches and tags from a remote; returns the refs that changed.
    fn fetch<'a>(&'a self, request: &'a FetchRequest) -> BoxFuture<'a, Result<Vec<FetchedRef>, StepError>>;
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

/// What is staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The same for the same entries, whatever else is stored with them.
    pub id: String,
    /// As it is stored; empty where nothing ever was.
    pub bytes: Vec<u8>,
}

/// A commit that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeCommit {
    /// Its full id.
    pub id: String,
    /// The full ids of its parents.
    pub parents: Vec<String>,
    /// The id of its tree.
    pub tree: String,
    /// Its message.
    pub message: String,
    /// The paths it changes.
    pub files: Vec<String>,
}

/// A tag that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeTag {
    /// What it is: the id of the tag object, or of the commit where it is lightweight.
    pub object: String,
    /// The full id of the commit it points at.
    pub commit: String,
    /// The message of an annotated tag.
    pub message: Option<String>,
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

/// Where a repository stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepositoryState {
    /// The branch; nothing when the head is detached.
    pub branch: Option<String>,
    /// The id of the last commit; nothing before the first.
    pub head: Option<String>,
    /// The branch that this one follows, such as `origin/main`.
    pub upstream: Option<String>,
    /// Commits that the upstream lacks, as of the last fetch; nothing without an upstream.
    pub ahead: Option<u64>,
    /// Commits that only the upstream has, as of the last fetch; nothing without an upstream.
    pub behind: Option<u64>,
    /// Whether commits of the past are missing here.
    pub shallow: bool,
    /// What has been begun and not finished, such as `merge`.
    pub unfinished: Option<String>,
    /// The files that differ from the last commit.
    pub files: Vec<FileState>,
}

/// How a file differs from the last commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileState {
    /// The path, relative to the top of the working tree.
    pub path: String,
    /// Whether a change of it is staged.
    pub staged: bool,
    /// Whether it differs from what is staged.
    pub changed: bool,
    /// Whether nothing of it has ever been staged.
    pub untracked: bool,
    /// Whether a merge left a conflict in it.
    pub conflicted: bool,
    /// Whether it is a repository of its own in this one.
    pub submodule: bool,
}

/// What to compare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiffRequest {
    /// A revision; the last commit where none is given.
    pub from: Option<String>,
    /// A revision; the files as they are where none is given.
    pub to: Option<String>,
    /// Whether to compare with what is staged instead of the files as they are.
    pub staged: bool,
    /// Only these, and all below them, relative to the top of the working tree.
    pub paths: Vec<String>,
    /// Whether the text of the difference is wanted.
    pub patch: bool,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// The files that differ.
    pub files: Vec<FileDiff>,
    /// The difference as a patch, where it was asked for.
    pub patch: Option<String>,
}

/// How much of a file differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// The path, relative to the top of the working tree.
    pub path: String,
    /// Lines added; nothing for a file that isn't text.
    pub added: Option<u64>,
    /// Lines removed; nothing for a file that isn't text.
    pub removed: Option<u64>,
}

/// Where to switch to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchTarget {
    /// A branch.
    Branch(String),
    /// A commit, on no branch.
    Detached(String),
}

/// What to fetch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchRequest {
    /// The remote.
    pub remote: String,
    /// Whether all tags are wanted, not only those of fetched commits.
    pub tags: bool,
    /// Whether to forget branches that the remote no longer has.
    pub prune: bool,
    /// Whether to get the commits that a shallow clone left out.
    pub unshallow: bool,
}

/// A ref that a fetch changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedRef {
    /// The full name here, such as `refs/remotes/origin/main`.
    pub name: String,
    /// What it pointed at; nothing when it is new.
    pub before: Option<String>,
    /// What it points at; nothing when it is gone.
    pub after: Option<String>,
}
