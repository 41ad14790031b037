//! What happened in a repository.

use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::error::StepError;

/// The commits and tags that the last commit of a repository builds on. Only looks.
pub trait History: Send + Sync {
    /// The commits, newest first.
    fn log<'a>(&'a self, request: &'a LogRequest) -> BoxFuture<'a, Result<Vec<LogEntry>, StepError>>;
    /// The tags that the last commit can reach.
    fn reached_tags(&self) -> BoxFuture<'_, Result<Vec<ReachedTag>, StepError>>;
    /// Whether the clone leaves out older commits, and tags with them.
    fn is_shallow(&self) -> BoxFuture<'_, Result<bool, StepError>>;
    /// The files of a commit, packed into one.
    fn archive<'a>(&'a self, request: &'a ArchiveRequest) -> BoxFuture<'a, Result<Vec<u8>, StepError>>;
}

/// Commits to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogRequest {
    /// A tag or commit; it and all before it are left out.
    pub since: Option<String>,
    /// The last tag or commit; the last commit of the repository where nothing is said.
    pub until: Option<String>,
    /// Only commits that change one of these, relative to the top of the working tree. All where
    /// it is empty. `!` before a path leaves it out.
    pub paths: Vec<String>,
}

/// A commit that was made once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The full id.
    pub id: String,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// Whether it has more than one parent.
    pub merge: bool,
    /// The whole message.
    pub message: String,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedTag {
    /// The name.
    pub name: String,
    /// The full id of its commit.
    pub commit: String,
}

/// An archive to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveRequest {
    /// The tag or commit.
    pub revision: String,
    /// `tar.gz` or `zip`.
    pub format: String,
    /// What every path in it begins with, such as `app-1.2.0/`.
    pub prefix: String,
}
