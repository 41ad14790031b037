//! What is staged, to the entry, and putting it back.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vwmp_interfaces::capability::Index;
use vwmp_interfaces::{OrFail, StepError};

use super::adapter::Git;
use super::refusal::refused;
use super::repository::line;

impl Git {
    pub(super) async fn read_index(&self) -> Result<Index, StepError> {
        let bytes = match Stored::read(&self.index_file().await?) {
            Ok(stored) => stored.packed(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StepError::permanent("can't read what is staged").caused_by(error)),
        };
        let id = self.in_copy(&bytes, None).await?;
        Ok(Index { id, bytes })
    }

    pub(super) async fn id_with(
        &self,
        earlier: &[u8],
        paths: Option<&[String]>,
    ) -> Result<String, StepError> {
        let mut args = vec!["--literal-pathspecs", "add", "--all"];
        if let Some(paths) = paths {
            args.push("--");
            args.extend(paths.iter().map(String::as_str));
        }
        self.in_copy(earlier, Some(&args)).await
    }

    /// Git's own protocol: who has made the lock file may replace the index by it.
    pub(super) async fn write_index(&self, bytes: &[u8]) -> Result<(), StepError> {
        let file = self.index_file().await?;
        let failed = || "can't restore what was staged";
        let folder = file.parent().ok_or_else(|| StepError::permanent(failed()))?;
        let lock = file.with_extension("lock");
        let mut new = tempfile::Builder::new().prefix(".vwmp-").tempfile_in(folder).or_permanent(failed())?;
        let stored = Stored::unpacked(bytes);
        if let Some(stored) = &stored {
            stored.write(new.as_file_mut()).or_permanent(failed())?;
        }
        if let Ok(found) = fs::metadata(&file) {
            new.as_file().set_permissions(found.permissions()).or_permanent(failed())?;
        }
        match new.persist_noclobber(&lock) {
            Ok(_) => {}
            Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => {
                return Err(StepError::transient(format!(
                    "{}: another git process works in the repository",
                    failed()
                )));
            }
            Err(error) => return Err(StepError::permanent(failed()).caused_by(error.error)),
        }
        let replaced = match &stored {
            Some(_) => fs::rename(&lock, &file),
            // There was no index at all.
            None => fs::remove_file(&file).or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
        };
        if replaced.is_err() || stored.is_none() {
            // It is ours, and must not outlive this.
            let _ = fs::remove_file(&lock);
        }
        replaced.or_permanent(failed())
    }

    /// The entries of a copy of an index, and all that git remembers of them, after some command in it.
    async fn in_copy(&self, bytes: &[u8], command: Option<&[&str]>) -> Result<String, StepError> {
        let folder = tempfile::tempdir().or_permanent("can't copy what is staged")?;
        let copy = folder.path().join("index");
        if let Some(stored) = Stored::unpacked(bytes) {
            let file = File::create(&copy).and_then(|mut file| stored.write(&mut file));
            file.or_permanent("can't copy what is staged")?;
        }
        if let Some(command) = command {
            let output = self.program.run_in_index(&copy, command).await?;
            if !output.succeeded() {
                return Err(refused("stage", &output));
            }
        }
        let list = ["ls-files", "--stage", "-v", "-z"];
        let output = self.program.run_in_index(&copy, &list).await?;
        if !output.succeeded() {
            return Err(refused("list what is staged", &output));
        }
        Ok(blake3::hash(&output.into_bytes()).to_hex().to_string())
    }

    async fn index_file(&self) -> Result<PathBuf, StepError> {
        let path = self.must("find what is staged", &["rev-parse", "--git-path", "index"]).await?;
        Ok(self.program.folder().join(line(&path)))
    }
}

/// An index as it is stored. Its time counts: git trusts what it remembers of a file that is older than the index.
struct Stored {
    modified: SystemTime,
    content: Vec<u8>,
}

impl Stored {
    fn read(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path)?;
        let (modified, mut content) = (file.metadata()?.modified()?, Vec::new());
        file.read_to_end(&mut content)?;
        Ok(Self { modified, content })
    }

    fn write(&self, file: &mut File) -> Result<(), Error> {
        file.write_all(&self.content)?;
        file.set_modified(self.modified)?;
        file.sync_all()
    }

    /// The time, then the content.
    fn packed(&self) -> Vec<u8> {
        let time = self.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        [&time.as_secs().to_be_bytes(), &time.subsec_nanos().to_be_bytes()[..], &self.content].concat()
    }

    fn unpacked(bytes: &[u8]) -> Option<Self> {
        let (seconds, rest) = bytes.split_first_chunk()?;
        let (nanos, content) = rest.split_first_chunk()?;
        let time = Duration::new(u64::from_be_bytes(*seconds), u32::from_be_bytes(*nanos));
        Some(Self { modified: UNIX_EPOCH + time, content: content.to_vec() })
    }
}
