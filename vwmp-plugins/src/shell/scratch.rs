//! Private files for what is too large for an environment, and for what a step hands back.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

/// The files of one attempt, removed with it. They lie in a directory that all attempts of this
/// moment share, as making one each would cost more than starting a program's share of it.
pub(super) struct Scratch {
    directory: Arc<TempDir>,
    number: u64,
    written: Vec<PathBuf>,
}

static SHARED: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Scratch {
    /// Files for one attempt.
    pub(super) fn new() -> io::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self { directory: shared()?, number, written: Vec::new() })
    }

    /// Where the step may write its outputs. Nothing is there yet.
    pub(super) fn output_file(&self) -> PathBuf {
        self.path("output")
    }

    /// Writes a file that only this user can read.
    pub(super) fn write(&mut self, name: &str, content: &str) -> io::Result<&Path> {
        let path = self.path(name);
        std::fs::write(&path, content)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        self.written.push(path);
        Ok(self.written.last().expect("it was just pushed"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{}-{name}", self.number))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let output = self.output_file();
        for path in self.written.iter().chain([&output]) {
            // Most steps write nothing, and the directory goes with the last of them anyway.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn shared() -> io::Result<Arc<TempDir>> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(directory) = shared.upgrade() {
        return Ok(directory);
    }
    let private = Permissions::from_mode(0o700);
    let directory = Arc::new(tempfile::Builder::new().prefix("vwmp-").permissions(private).tempdir()?);
    *shared = Arc::downgrade(&directory);
    Ok(directory)
}
