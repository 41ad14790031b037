//! A file that is still being downloaded, beside the place where it will be.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::checksum::{hexadecimal, read_into};

/// The part of a file that is there already.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    hash: Sha256,
    size: u64,
}

impl Part {
    /// Opens what an earlier attempt left behind, or begins anew.
    pub(super) fn open(target: &Path, resume: bool) -> io::Result<Self> {
        let folder = target.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(folder)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = folder.join(format!(".{name}.part"));
        // A link could lead anywhere.
        if !resume || path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            remove(&path)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let mut hash = Sha256::new();
        let size = read_into(&mut hash, &mut file)?;
        Ok(Self { path, file, hash, size })
    }

    /// How many bytes are there.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Forgets everything that is there.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.hash = Sha256::new();
        self.size = 0;
        Ok(())
    }

    /// The SHA-256 of what is there, in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        hexadecimal(&self.hash.clone().finalize())
    }

    /// Puts the file in its place, in one go.
    pub(super) fn finish(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        target.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    /// Throws away what is there.
    pub(super) fn discard(self) -> io::Result<()> {
        remove(&self.path)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
