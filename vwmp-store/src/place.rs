//! The folder of a store.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What SQLite keeps everything in.
pub(crate) const DATABASE: &str = "store.db";

/// Where SQLite writes first.
const AHEAD: &str = "store.db-wal";

/// Makes the folder with an empty database; what is there already stays.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // What is synced in it must not be lost with it.
        sync(&folder.join(".."))?;
    }
    // It is nobody's source: git is told so by a file in it.
    match OpenOptions::new().write(true).create_new(true).open(folder.join(".gitignore")) {
        Ok(mut ignore) => ignore.write_all(b"*\n")?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let database = folder.join(DATABASE);
    if !database.exists() {
        // SQLite would make it readable for others.
        OpenOptions::new().create(true).append(true).mode(0o600).open(&database)?;
        sync(folder)?;
    }
    Ok(())
}

/// Copies the database to where it can be opened.
pub(crate) fn copy(folder: &Path) -> io::Result<TempDir> {
    let copy = tempfile::tempdir()?;
    for name in [DATABASE, AHEAD] {
        match fs::read(folder.join(name)) {
            // Written anew: a copy would be as read-only as what it is of.
            Ok(bytes) => fs::write(copy.path().join(name), bytes)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(copy)
}

/// Makes sure that what was made or removed in a folder is, also after a power cut.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a folder in a folder, and so on, so that the last one is there also after a power cut.
pub(crate) fn make_below(folder: &Path, names: [&str; 3]) -> io::Result<PathBuf> {
    let mut path = folder.to_owned();
    for name in names {
        let parent = path.clone();
        path.push(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => sync(&parent)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(path)
}

/// The name of the network file system that a folder is on.
#[cfg(target_os = "linux")]
pub(crate) fn network(folder: &Path) -> Option<&'static str> {
    // By the numbers of `linux/magic.h` and the drivers themselves.
    match rustix::fs::statfs(folder).ok()?.f_type as u32 {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x0102_1997 => Some("9P"),
        0x5346_414f => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x786f_4256 => Some("a shared folder of VirtualBox"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn network(_: &Path) -> Option<&'static str> {
    None
}
