//! What steps keep to take their work back, a file each.

use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use vwmp_interfaces::context::Keepsakes;
use vwmp_interfaces::{BoxFuture, OrFail as _, StepError};

use crate::names::escaped;

/// What the steps of one run keep.
pub(crate) struct FileKeepsakes {
    folder: PathBuf,
}

impl FileKeepsakes {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// There is the whole file or none, also after a power cut: the work that follows relies on it.
    fn write(&self, step: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let folder = self.folder.join(escaped(step));
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join(escaped(name));
        if path.exists() {
            return Ok(());
        }
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&path) {
            Err(taken) if taken.error.kind() != ErrorKind::AlreadyExists => return Err(taken.error),
            _ => {}
        }
        File::open(&folder)?.sync_all()
    }
}

impl Keepsakes for FileKeepsakes {
    fn keep<'a>(
        &'a self,
        step: &'a str,
        name: &'a str,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), StepError>> {
        let kept = self.write(step, name, bytes);
        let kept = kept.or_permanent(format!("what {step} needs to take its work back can't be kept"));
        Box::pin(std::future::ready(kept))
    }

    fn kept<'a>(&'a self, step: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StepError>> {
        let path = self.folder.join(escaped(step)).join(escaped(name));
        let read = match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let read = read.or_permanent(format!("what {step} kept can't be read"));
        Box::pin(std::future::ready(read))
    }
}
