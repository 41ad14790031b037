//! The files of the workspace.

use crate::BoxFuture;
use crate::error::StepError;
use crate::workspace_path::WorkspacePath;

/// The files of the workspace. Nothing outside it is read or written, symbolic links included.
pub trait Files: Send + Sync {
    /// The text of a file; nothing when there is no such file.
    fn read_text<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<Option<String>, StepError>>;
    /// Replaces a file as a whole: a kill in between leaves the old content or the new, and the
    /// permissions stay. Creates directories as needed.
    fn write_text<'a>(
        &'a self,
        path: &'a WorkspacePath,
        text: &'a str,
    ) -> BoxFuture<'a, Result<(), StepError>>;
    /// The names in a directory, sorted; none when there is no such directory. Without one, those
    /// in the workspace itself.
    fn names_in<'a>(
        &'a self,
        directory: Option<&'a WorkspacePath>,
    ) -> BoxFuture<'a, Result<Vec<String>, StepError>>;
    /// Removes a file; fine when there is none.
    fn remove<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<(), StepError>>;
}
