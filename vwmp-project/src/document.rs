//! A text file of the workspace that an adapter keeps: read whole, and replaced whole.

pub(crate) mod kept;

use std::fs;
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

use vwmp_interfaces::{Change, OrFail, StepError, WorkspacePath};

/// The file itself where the path is a link, as long as that is in the workspace.
///
/// # Errors
/// When a link leads out of it. `what` is like `the board`.
pub(crate) fn inside(what: &str, file: &WorkspacePath, workspace: &Path) -> Result<PathBuf, StepError> {
    let root = fs::canonicalize(workspace).or_permanent("can't open the workspace")?;
    let full = root.join(file);
    let mut existing = full.as_path();
    while fs::symlink_metadata(existing).is_err() {
        existing = existing.parent().unwrap_or(&root);
    }
    let rest = full.strip_prefix(existing).unwrap_or(Path::new(""));
    match fs::canonicalize(existing) {
        Ok(real) if real.starts_with(&root) && rest.as_os_str().is_empty() => Ok(real),
        Ok(real) if real.starts_with(&root) => Ok(real.join(rest)),
        _ => {
            let message = format!("{what} `{file}` leads out of the workspace through a symbolic link");
            Err(StepError::denied(message))
        }
    }
}

/// Replaces a file as a whole, so that a kill in between leaves the old text or the new.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn replace(full: &Path, text: &str) -> Result<(), Error> {
    let folder = full.parent().ok_or(ErrorKind::NotFound)?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".vwmp-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(found) = fs::metadata(full) {
        file.as_file().set_permissions(found.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(full)?;
    fs::File::open(folder)?.sync_all()
}

/// The text that a file would have by now, where an earlier step would change it. The inner `None`
/// is a file that would be gone.
pub(crate) fn planned<'c>(planned: &'c [Change], file: &str) -> Option<Option<&'c str>> {
    planned.iter().rev().find_map(|change| match change {
        Change::File { path, after, .. } if path == file => Some(after.as_deref()),
        _ => None,
    })
}

/// Makes a file what it was before some changes of it, if it is what they left.
///
/// # Errors
/// When it has been changed since, and where the file system refuses. `what` is like `the board`.
pub(crate) fn take_back(
    what: &str,
    changes: &[Change],
    full: impl Fn(&str) -> Result<PathBuf, StepError>,
) -> Result<(), StepError> {
    for change in changes.iter().rev() {
        let Change::File { path, before, after } = change else { continue };
        let full = full(path)?;
        let failed = || format!("can't restore {what} `{path}`");
        let now = match fs::read_to_string(&full) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(StepError::permanent(failed()).caused_by(error)),
        };
        if now == *after {
            match before {
                Some(text) => replace(&full, text).or_permanent(failed())?,
                None => fs::remove_file(&full).or_permanent(failed())?,
            }
        } else if now != *before {
            return Err(StepError::permanent(format!("{}: it has been changed since", failed())));
        }
    }
    Ok(())
}
