//! The files that patterns name.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Folders that are never looked into.
const LEFT_OUT: [&str; 2] = [".git", ".vwmp"];

/// The files below a folder whose paths fit one of the patterns, sorted: their paths from there, and as they are.
///
/// `*` stays within a folder, `**` does not.
///
/// # Errors
/// A pattern that makes no sense, and a folder that can't be read.
pub(super) fn matching(folder: &Path, patterns: &[String]) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    if patterns.is_empty() {
        return Ok(found);
    }
    let set = set(patterns).map_err(io::Error::other)?;
    let mut todo = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = todo.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && !LEFT_OUT.contains(&name.as_str()) {
                todo.push((entry.path(), format!("{path}/")));
            } else if (kind.is_file() || kind.is_symlink()) && set.is_match(&path) && entry.path().is_file() {
                found.push((path, entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Where a file goes that is named from a folder.
///
/// # Errors
/// When its name, or a symbolic link on its way, leaves the folder: what is outside is nobody's to write to.
pub(super) fn inside(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(outside(folder));
    }
    // What isn't there yet is made below what is.
    let there = path.ancestors().skip(1).find(|above| above.symlink_metadata().is_ok());
    leads_inside(folder, there.unwrap_or(folder))?;
    Ok(path)
}

/// Refuses a path that is there and, links followed, leaves the folder.
///
/// # Errors
/// When it does, or that can't be told.
pub(super) fn leads_inside(folder: &Path, path: &Path) -> io::Result<()> {
    if path.canonicalize()?.starts_with(folder.canonicalize()?) { Ok(()) } else { Err(outside(folder)) }
}

fn outside(folder: &Path) -> io::Error {
    let why = format!("a symbolic link leads out of the workspace {}; remove the link", folder.display());
    io::Error::other(why)
}

fn set(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern.trim_start_matches("./")).literal_separator(true).build()?);
    }
    set.build()
}
