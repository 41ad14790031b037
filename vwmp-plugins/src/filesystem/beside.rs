//! What is written beside a file before it takes the file's place.

use std::fs;
use std::io::Error;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use tempfile::Builder;

/// What all names begin with.
const BEGIN: &str = ".vwmp-";

/// The beginning of a name beside a file: it says which process writes there.
pub(super) fn name() -> String {
    format!("{BEGIN}{}-", std::process::id())
}

/// A folder beside a file. What a process that is gone left there goes first.
///
/// # Errors
/// When the file system refuses.
pub(super) fn folder_in(folder: &Path) -> Result<tempfile::TempDir, Error> {
    clear(folder)?;
    Builder::new().prefix(&name()).tempdir_in(folder)
}

/// Removes what processes that are gone left in a folder while they wrote: a kill leaves no file behind for good.
///
/// # Errors
/// When the file system refuses.
pub(super) fn clear(folder: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if super::adapter::absent(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if !is_left_behind(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let removed = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
        // Another step may have seen it too.
        if let Err(error) = removed
            && !super::adapter::absent(&error)
        {
            return Err(error);
        }
    }
    Ok(())
}

fn is_left_behind(name: &str) -> bool {
    let pid = name.strip_prefix(BEGIN).and_then(|rest| rest.split_once('-')).map(|(pid, _)| pid);
    let pid = pid.and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_dead_processes_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = format!("{BEGIN}{}-Ab12cd", child.id());
        child.wait().unwrap();
        let alive = format!("{}Ab12cd", name());
        for name in [dead.as_str(), &alive, ".vwmp-notes", "VERSION", ".vwmp-x-y"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join(format!("{dead}e"))).unwrap();
        clear(folder.path()).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        left.sort();
        let mut expected = [alive.as_str(), ".vwmp-notes", ".vwmp-x-y", "VERSION"];
        expected.sort_unstable();
        assert_eq!(left, expected);
        clear(&folder.path().join("not there")).unwrap();
    }
}
