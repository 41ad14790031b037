//! Paths that stay inside the workspace even through symbolic links.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use vwmp_interfaces::{StepError, WorkspacePath};

/// Where a path of the workspace really is, links followed. The file needn't exist.
///
/// # Errors
/// When a link leads out of the workspace or to nothing.
pub(crate) fn real_path(root: &Path, path: &WorkspacePath) -> Result<PathBuf, StepError> {
    let real = resolve(&root.join(path), path)?;
    if real.starts_with(root) {
        return Ok(real);
    }
    Err(StepError::denied(format!(
        "`{path}` leads out of the workspace through a symbolic link, to {}",
        real.display()
    )))
}

/// Where a path of the workspace is, links followed but for the last part. It needn't exist.
///
/// # Errors
/// When a link leads out of the workspace or to nothing.
pub(super) fn place(root: &Path, path: &WorkspacePath) -> Result<PathBuf, StepError> {
    match path.as_str().rsplit_once('/') {
        None => Ok(root.join(path)),
        Some((parent, name)) => {
            let parent = WorkspacePath::parse(parent).map_err(StepError::invalid)?;
            Ok(real_path(root, &parent)?.join(name))
        }
    }
}

fn resolve(full: &Path, path: &WorkspacePath) -> Result<PathBuf, StepError> {
    match fs::canonicalize(full) {
        Ok(real) => Ok(real),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            if fs::symlink_metadata(full).is_ok() {
                return Err(StepError::permanent(format!("`{path}` leads through a broken symbolic link")));
            }
            match (full.parent(), full.file_name()) {
                (Some(parent), Some(name)) => Ok(resolve(parent, path)?.join(name)),
                _ => Err(failed("find", path, error)),
            }
        }
        Err(error) => Err(failed("find", path, error)),
    }
}

/// What the file system said, in the user's words.
pub(super) fn failed(verb: &str, path: &WorkspacePath, error: Error) -> StepError {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StepError::denied(format!("no permission to {verb} `{path}`"))
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            StepError::permanent(format!("can't {verb} `{path}`: the disk is full"))
        }
        ErrorKind::FileTooLarge => StepError::permanent(format!(
            "can't {verb} `{path}`: the file would be larger than the system allows"
        )),
        ErrorKind::IsADirectory => StepError::permanent(format!("`{path}` is a folder, not a file")),
        ErrorKind::NotADirectory => {
            StepError::permanent(format!("can't {verb} `{path}`: a part of the path is a file, not a folder"))
        }
        _ => StepError::permanent(format!("can't {verb} `{path}`")),
    }
    .caused_by(error)
}
