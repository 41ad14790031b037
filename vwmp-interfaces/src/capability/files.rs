//! The files of the workspace.

use std::path::PathBuf;

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
    /// The bytes of a file; nothing when there is no such file.
    fn read_bytes<'a>(&'a self, path: &'a WorkspacePath)
    -> BoxFuture<'a, Result<Option<Vec<u8>>, StepError>>;
    /// Replaces a file as [`Files::write_text`] does.
    fn write_bytes<'a>(
        &'a self,
        path: &'a WorkspacePath,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), StepError>>;
    /// What is at a path; nothing when nothing is. A symbolic link is not followed.
    fn entry<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<Option<Entry>, StepError>>;
    /// Everything in a directory and below it, sorted; links are listed and not followed. Without a
    /// directory, that in the workspace itself.
    fn walk<'a>(
        &'a self,
        directory: Option<&'a WorkspacePath>,
    ) -> BoxFuture<'a, Result<Vec<(WorkspacePath, Entry)>, StepError>>;
    /// Copies a file or a directory to a place where nothing is, or, for a file, replaces the file
    /// there as a whole.
    fn copy<'a>(
        &'a self,
        from: &'a WorkspacePath,
        to: &'a WorkspacePath,
    ) -> BoxFuture<'a, Result<(), StepError>>;
    /// Moves a file or a directory in one go to a place where nothing is, or, for a file, over the
    /// file there.
    fn rename<'a>(
        &'a self,
        from: &'a WorkspacePath,
        to: &'a WorkspacePath,
    ) -> BoxFuture<'a, Result<(), StepError>>;
    /// Removes a directory with all in it; fine when there is none.
    fn remove_all<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<(), StepError>>;
    /// Where a path really is, symbolic links followed. It needn't exist.
    fn resolve<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<WorkspacePath, StepError>>;
    /// What is at a path, so that it can be compared and put back; nothing when nothing is. A symbolic link is not
    /// followed. The content of a file comes along when it has at most so many bytes.
    fn snapshot<'a>(
        &'a self,
        path: &'a WorkspacePath,
        most: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, StepError>>;
    /// Puts back what a snapshot has, or removes what is there where there was nothing. A directory with something
    /// in it is never removed.
    fn restore<'a>(
        &'a self,
        path: &'a WorkspacePath,
        snapshot: Option<&'a Snapshot>,
    ) -> BoxFuture<'a, Result<(), StepError>>;
    /// Removes what a process that is gone left beside a file while it wrote it.
    fn tidy<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<(), StepError>> {
        let _ = path;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What is at a path, in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snapshot {
    /// A file.
    File {
        /// The BLAKE3 hash of its content, in hexadecimal.
        hash: String,
        /// Its permissions, as Unix writes them, such as `0o644`.
        mode: u32,
        /// Its content; nothing when it is larger than was asked for.
        content: Option<Vec<u8>>,
    },
    /// A directory, without what is in it.
    Directory {
        /// Its permissions.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as it is written.
        to: PathBuf,
    },
    /// A pipe, a device or the like, which can't be put back.
    Other,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File {
        /// Its size in bytes.
        size: u64,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe, a device or the like.
    Other,
}
