//! What steps keep to take their work back, a file each.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;

use vwmp_interfaces::context::Keepsakes;
use vwmp_interfaces::{BoxFuture, OrFail as _, StepError};

use crate::apart::apart;
use crate::names::escaped;
use crate::place::{make_below, sync};
use crate::store::Store;

/// The folder of what runs keep.
const KEPT: &str = "kept";

/// What the steps of one run keep.
pub(crate) struct FileKeepsakes {
    store: PathBuf,
    run: String,
}

impl Store {
    pub(crate) fn keepsakes_of(&self, run: &str) -> FileKeepsakes {
        FileKeepsakes { store: self.folder().to_owned(), run: escaped(run) }
    }
}

impl FileKeepsakes {
    /// Where they are.
    pub(crate) fn folder(&self) -> PathBuf {
        self.store.join(KEPT).join(&self.run)
    }

    /// There is the whole file or none, also after a power cut: the work that follows relies on it.
    fn write(&self, step: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = make_below(&self.store, [KEPT, &self.run, &escaped(step)])?;
        let path = folder.join(escaped(name));
        if !path.exists() {
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(&path) {
                Err(taken) if taken.error.kind() != ErrorKind::AlreadyExists => return Err(taken.error),
                _ => {}
            }
        }
        sync(&folder)
    }

    fn read(&self, step: &str, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.folder().join(escaped(step)).join(escaped(name))) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Keepsakes for FileKeepsakes {
    fn keep<'a>(
        &'a self,
        step: &'a str,
        name: &'a str,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), StepError>> {
        let kept = apart(|| self.write(step, name, bytes));
        let kept = kept.or_permanent(format!("what {step} needs to take its work back can't be kept"));
        Box::pin(std::future::ready(kept))
    }

    fn kept<'a>(&'a self, step: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StepError>> {
        let read = self.read(step, name).or_permanent(format!("what {step} kept can't be read"));
        Box::pin(std::future::ready(read))
    }
}
