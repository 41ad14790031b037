//! Replacing a file as a whole.

use std::fs::{self, File, Permissions};
use std::io::{Error, ErrorKind, Write, copy};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use vwmp_interfaces::{StepError, WorkspacePath};

use super::beside;
use super::inside::failed;

/// Writes `content` beside the file, makes it durable, and renames it over the file.
///
/// # Errors
/// When the file is read-only or a folder, or the file system refuses. The file is as before then.
pub(super) fn replace(real: &Path, path: &WorkspacePath, content: &[u8]) -> Result<(), StepError> {
    let permissions = permissions_for(real, path)?;
    write_beside(real, permissions, |file| file.write_all(content))
        .map_err(|error| failed("write", path, error))
}

/// Does the same with the content and the permissions of another file.
///
/// # Errors
/// As [`replace`], and when the other file can't be read.
pub(super) fn replace_by_copy(source: &Path, real: &Path, path: &WorkspacePath) -> Result<(), StepError> {
    permissions_for(real, path)?;
    let copied = File::open(source).and_then(|mut source| {
        let permissions = source.metadata()?.permissions();
        write_beside(real, Some(permissions), |file| copy(&mut source, file).map(drop))
    });
    copied.map_err(|error| failed("write", path, error))
}

/// Puts back a file that was there with this content and these permissions, whatever is there now but a folder.
///
/// # Errors
/// When the file system refuses. The file is as before then.
pub(super) fn replace_with_mode(real: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    write_beside(real, Some(Permissions::from_mode(mode)), |file| file.write_all(content))
}

/// Those of the file; those that any program would give a new one when there is none.
fn permissions_for(real: &Path, path: &WorkspacePath) -> Result<Option<Permissions>, StepError> {
    match fs::metadata(real) {
        Ok(found) if found.is_dir() => Err(StepError::permanent(format!("`{path}` is a folder, not a file"))),
        Ok(found) if !found.is_file() => {
            Err(StepError::permanent(format!("`{path}` is a device or a pipe, not a file")))
        }
        Ok(found) if found.permissions().readonly() => Err(StepError::denied(format!(
            "`{path}` is read-only; allow writing it, for example with `chmod u+w {path}`"
        ))),
        Ok(found) => Ok(Some(found.permissions())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("write", path, error)),
    }
}

fn write_beside(
    real: &Path,
    permissions: Option<Permissions>,
    fill: impl FnOnce(&mut File) -> Result<(), Error>,
) -> Result<(), Error> {
    let folder = real.parent().ok_or(ErrorKind::NotFound)?;
    fs::create_dir_all(folder)?;
    beside::clear(folder)?;
    // The mode of a new file passes through the umask, that of an old one is set as it was.
    let mut file = tempfile::Builder::new()
        .prefix(&beside::name())
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    fill(file.as_file_mut())?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(real)?;
    File::open(folder)?.sync_all()
}
