//! Repositories that aren't here yet.

use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::error::StepError;
use crate::workspace_path::WorkspacePath;

/// Where copies of repositories come from. Needs no repository in the workspace.
pub trait RepositorySource: Send + Sync {
    /// Copies a repository into a folder of the workspace: all of it or nothing. A folder that is a
    /// copy of the same repository already stays as it is.
    fn copy_into<'a>(&'a self, request: &'a CloneRequest) -> BoxFuture<'a, Result<Cloned, StepError>>;
    /// Whether the folder is a copy of the repository already; fails where something else is there.
    fn is_there<'a>(&'a self, request: &'a CloneRequest) -> BoxFuture<'a, Result<bool, StepError>>;
}

/// A repository to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneRequest {
    /// A URL, or the path of a repository; a relative path starts from the workspace.
    pub url: String,
    /// The folder.
    pub into: WorkspacePath,
    /// The branch or tag to begin with; the remote's own choice where none is given.
    pub revision: Option<String>,
    /// Only so many commits of the past; all where none is given.
    pub depth: Option<u32>,
}

/// A copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cloned {
    /// The id of its last commit; nothing in an empty repository.
    pub commit: Option<String>,
    /// The branch; nothing when the head is detached.
    pub branch: Option<String>,
    /// Whether it was made now.
    pub created: bool,
}
