//! Private files for what is too large for an environment, and for what a step hands back.

use std::fs::{DirBuilder, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::geteuid;

/// The files of one attempt, removed with it. They lie in a directory of the user's own that
/// stays: making one for each attempt would cost a good part of starting a program.
pub(super) struct Scratch {
    prefix: PathBuf,
    written: Vec<PathBuf>,
}

impl Scratch {
    /// Files for one attempt.
    ///
    /// # Errors
    /// When the directory can't be made, or others could read it.
    pub(super) fn new() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        /// Two processes can have the same number, in containers that share a directory.
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
        let directory = std::env::temp_dir().join(format!("vwmp-{}", geteuid().as_raw()));
        make_private(&directory)?;
        let name = format!("{:016x}-{}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(Self { prefix: directory.join(name), written: Vec::new() })
    }

    /// Where the step may write its outputs. Nothing is there yet.
    pub(super) fn output_file(&self) -> PathBuf {
        self.path("output")
    }

    /// Writes a file that only this user can read.
    pub(super) fn write(&mut self, name: &str, content: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        self.written.push(path.clone());
        file.write_all(content.as_bytes())?;
        Ok(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        let mut path = self.prefix.clone().into_os_string();
        path.push(format!("-{name}"));
        path.into()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let output = self.output_file();
        for path in self.written.iter().chain([&output]) {
            // Most steps write no outputs.
            if let Err(error) = std::fs::remove_file(path)
                && error.kind() != io::ErrorKind::NotFound
            {
                let _ = std::fs::remove_dir_all(path);
            }
        }
    }
}

fn make_private(directory: &Path) -> io::Result<()> {
    let found = match directory.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match DirBuilder::new().mode(0o700).create(directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => directory.symlink_metadata()?,
            }
        }
        found => found?,
    };
    if found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!("{} is not a private directory of this user", directory.display())))
}
