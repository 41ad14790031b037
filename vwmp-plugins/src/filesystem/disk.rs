//! Directories, and whole files and directories that go from one place to another.

use std::fs::{self, Metadata};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use vwmp_interfaces::capability::Entry;
use vwmp_interfaces::{StepError, WorkspacePath};

use super::adapter::absent;
use super::atomic::replace_by_copy;
use super::beside;
use super::inside::{failed, place, real_path};

pub(super) fn entry(root: &Path, path: &WorkspacePath) -> Result<Option<Entry>, StepError> {
    match fs::symlink_metadata(place(root, path)?) {
        Ok(found) => Ok(Some(kind(&found))),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(failed("find", path, error)),
    }
}

fn kind(found: &Metadata) -> Entry {
    if found.is_dir() {
        Entry::Directory
    } else if found.is_symlink() {
        Entry::Link
    } else if found.is_file() {
        Entry::File { size: found.len(), executable: found.permissions().mode() & 0o111 != 0 }
    } else {
        Entry::Other
    }
}

pub(super) fn walk(
    root: &Path,
    directory: Option<&WorkspacePath>,
) -> Result<Vec<(WorkspacePath, Entry)>, StepError> {
    let (mut found, mut below) = (Vec::new(), vec![directory.cloned()]);
    while let Some(directory) = below.pop() {
        let real = directory.as_ref().map_or_else(|| Ok(root.to_owned()), |path| real_path(root, path))?;
        let entries = match fs::read_dir(&real) {
            Ok(entries) => entries,
            Err(error) if absent(&error) => continue,
            Err(error) => {
                return Err(StepError::permanent(format!("can't list `{}`", real.display())).caused_by(error));
            }
        };
        for entry in entries.flatten() {
            // Names that aren't UTF-8 can't be written in a workflow.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = directory.as_ref().map_or_else(|| name.clone(), |parent| format!("{parent}/{name}"));
            let path = WorkspacePath::parse(&path).map_err(StepError::invalid)?;
            // What is gone meanwhile isn't there.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                below.push(Some(path.clone()));
            }
            found.push((path, kind(&metadata)));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    Ok(found)
}

pub(super) fn copy(root: &Path, from: &WorkspacePath, to: &WorkspacePath) -> Result<(), StepError> {
    let source = real_path(root, from)?;
    let found = fs::metadata(&source).map_err(|error| missing(from, error))?;
    if !found.is_dir() {
        return replace_by_copy(&source, &real_path(root, to)?, to);
    }
    let target = place(root, to)?;
    refuse_taken(&target, to)?;
    if target.starts_with(&source) {
        return Err(StepError::invalid(format!("can't copy `{from}` into itself, to `{to}`")));
    }
    let whole = || {
        let parent = target.parent().ok_or(ErrorKind::NotFound)?;
        fs::create_dir_all(parent)?;
        let beside = beside::folder_in(parent)?;
        let copy = beside.path().join("copy");
        copy_tree(&source, &copy)?;
        fs::rename(&copy, &target)
    };
    whole().map_err(|error| failed("write", to, error))
}

/// Links are copied as links: they are judged where they are used.
fn copy_tree(source: &Path, target: &Path) -> Result<(), Error> {
    fs::create_dir(target)?;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, target.join(entry.file_name()));
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?.sync_all()?;
        }
    }
    fs::set_permissions(target, fs::metadata(source)?.permissions())
}

pub(super) fn rename(root: &Path, from: &WorkspacePath, to: &WorkspacePath) -> Result<(), StepError> {
    let (source, target) = (place(root, from)?, place(root, to)?);
    let found = fs::symlink_metadata(&source).map_err(|error| missing(from, error))?;
    if found.is_dir() {
        refuse_taken(&target, to)?;
    }
    let renamed =
        target.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::rename(&source, &target));
    renamed.map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => StepError::invalid(format!("can't move `{from}` into itself, to `{to}`")),
        ErrorKind::CrossesDevices => StepError::permanent(format!(
            "can't move `{from}` to `{to}`, which is on another disk; copy it and remove it"
        )),
        _ => failed("write", to, error),
    })
}

pub(super) fn remove_all(root: &Path, path: &WorkspacePath) -> Result<(), StepError> {
    match fs::remove_dir_all(place(root, path)?) {
        Err(error) if !absent(&error) => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

fn refuse_taken(target: &Path, path: &WorkspacePath) -> Result<(), StepError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(StepError::permanent(format!("`{path}` exists already; remove it first")));
    }
    Ok(())
}

fn missing(path: &WorkspacePath, error: Error) -> StepError {
    if absent(&error) { nothing_at(path) } else { failed("read", path, error) }
}

/// Where a file is expected.
pub(super) fn nothing_at(path: &WorkspacePath) -> StepError {
    StepError::permanent(format!("there is no `{path}` in the workspace"))
}
