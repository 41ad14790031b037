//! What is staged, to the entry, and putting it back.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use vwmp_interfaces::capability::Index;
use vwmp_interfaces::{OrFail, StepError};

use super::adapter::Git;
use super::refusal::refused;
use super::repository::line;

impl Git {
    pub(super) async fn read_index(&self) -> Result<Index, StepError> {
        let bytes = match fs::read(self.index_file().await?) {
            Ok(bytes) => bytes,
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
        new.write_all(bytes).and_then(|()| new.as_file().sync_all()).or_permanent(failed())?;
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
        let replaced = if bytes.is_empty() {
            // There was no index at all.
            fs::remove_file(&file).or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
        } else {
            fs::rename(&lock, &file)
        };
        if replaced.is_err() || bytes.is_empty() {
            // It is ours, and must not outlive this.
            let _ = fs::remove_file(&lock);
        }
        replaced.or_permanent(failed())
    }

    /// The entries of a copy of an index, and all that git remembers of them, after some command in it.
    async fn in_copy(&self, bytes: &[u8], command: Option<&[&str]>) -> Result<String, StepError> {
        let folder = tempfile::tempdir().or_permanent("can't copy what is staged")?;
        let copy = folder.path().join("index");
        if !bytes.is_empty() {
            fs::write(&copy, bytes).or_permanent("can't copy what is staged")?;
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
