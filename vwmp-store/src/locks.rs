//! Locks between all processes that use a store.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use vwmp_core::run::{LockGuard, Locks};
use vwmp_interfaces::{BoxFuture, OrFail as _, StepError};

use crate::names::escaped;

/// How often who waits tries again: soon at first, then now and then.
const SOONEST: Duration = Duration::from_millis(10);
const LATEST: Duration = Duration::from_millis(250);

/// A file for each lock; the operating system frees it when its process ends.
pub(crate) struct FileLocks {
    folder: PathBuf,
}

/// Held as long as the file is open.
struct Guard(File);

impl FileLocks {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

fn open(folder: &Path, name: &str) -> std::io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!("{}.lock", escaped(name)));
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

impl Locks for FileLocks {
    fn acquire(&self, name: Arc<str>) -> BoxFuture<'static, Result<LockGuard, StepError>> {
        let folder = self.folder.clone();
        Box::pin(async move {
            let file = open(&folder, &name).or_permanent(format!("the lock `{name}` can't be used"))?;
            let mut wait = SOONEST;
            while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LATEST);
            }
            // For people alone: the lock is what counts.
            let _ = file.set_len(0).and_then(|()| write!(&file, "{}", std::process::id()));
            let guard: LockGuard = Box::new(Guard(file));
            Ok(guard)
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}
