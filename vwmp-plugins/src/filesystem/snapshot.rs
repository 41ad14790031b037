//! What is at a path in full, and putting it back.

use std::fs::{self, File, Permissions};
use std::io::{Error, ErrorKind, Read as _};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use vwmp_interfaces::capability::Snapshot;
use vwmp_interfaces::{StepError, WorkspacePath};

use super::adapter::absent;
use super::atomic::replace_with_mode;
use super::beside;
use super::inside::{failed, place, real_path};

/// Of a mode, what a file system keeps beside the kind of the file.
const PERMISSIONS: u32 = 0o7777;

pub(super) fn resolve(root: &Path, path: &WorkspacePath) -> Result<WorkspacePath, StepError> {
    let real = real_path(root, path)?;
    let inside = real.strip_prefix(root).unwrap_or(&real).to_string_lossy();
    WorkspacePath::parse(&inside).map_err(StepError::invalid)
}

pub(super) fn snapshot(root: &Path, path: &WorkspacePath, most: u64) -> Result<Option<Snapshot>, StepError> {
    match look(&place(root, path)?, most) {
        Ok(found) => Ok(Some(found)),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

fn look(real: &Path, most: u64) -> Result<Snapshot, Error> {
    let found = fs::symlink_metadata(real)?;
    let mode = found.permissions().mode() & PERMISSIONS;
    if found.is_dir() {
        return Ok(Snapshot::Directory { mode });
    }
    if found.is_symlink() {
        return Ok(Snapshot::Link { to: fs::read_link(real)? });
    }
    if !found.is_file() {
        return Ok(Snapshot::Other);
    }
    let mut file = File::open(real)?;
    if found.len() > most {
        let mut hash = blake3::Hasher::new();
        hash.update_reader(&mut file)?;
        return Ok(Snapshot::File { hash: hash.finalize().to_hex().to_string(), mode, content: None });
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(Snapshot::File { hash: blake3::hash(&content).to_hex().to_string(), mode, content: Some(content) })
}

pub(super) fn restore(
    root: &Path,
    path: &WorkspacePath,
    snapshot: Option<&Snapshot>,
) -> Result<(), StepError> {
    let real = place(root, path)?;
    let restored = match snapshot {
        None => remove(&real),
        Some(Snapshot::Directory { mode }) => {
            fs::create_dir_all(&real).and_then(|()| fs::set_permissions(&real, Permissions::from_mode(*mode)))
        }
        Some(Snapshot::Link { to }) => link(&real, to),
        Some(Snapshot::File { mode, content: Some(content), .. }) => replace_with_mode(&real, content, *mode),
        Some(Snapshot::File { content: None, .. } | Snapshot::Other) => {
            return Err(StepError::permanent(format!("can't put `{path}` back: its content wasn't kept")));
        }
    };
    restored.map_err(|error| failed("restore", path, error))
}

fn remove(real: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(real) {
        Ok(found) if found.is_dir() => fs::remove_dir(real),
        Ok(_) => fs::remove_file(real),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if absent(&error) || error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed,
    }
}

/// A link can't be replaced in one go, but a new one can be renamed over it.
fn link(real: &Path, to: &Path) -> Result<(), Error> {
    let folder = real.parent().ok_or(ErrorKind::NotFound)?;
    fs::create_dir_all(folder)?;
    let beside = beside::folder_in(folder)?;
    let new = beside.path().join("link");
    symlink(to, &new)?;
    fs::rename(new, real)
}
