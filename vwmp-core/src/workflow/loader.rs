//! Where the workflows come from that others extend.

use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// Gives the text of a workflow that another one extends.
pub trait Loader {
    /// The workflow that is written as `path` in `from`.
    ///
    /// # Errors
    /// Why it can't be read; without a place, which the caller knows.
    fn load(&self, path: &str, from: &Source) -> Result<Arc<Source>, Diagnostic>;
}

/// Refuses to read anything: for workflows that come from elsewhere than a disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

/// Reads files, relative to the file that extends them.
#[derive(Debug, Clone)]
pub struct DiskLoader {
    base: PathBuf,
}

impl DiskLoader {
    /// A loader for sources whose names are paths relative to `base`.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }
}

impl Loader for NoFiles {
    fn load(&self, path: &str, _: &Source) -> Result<Arc<Source>, Diagnostic> {
        let message = format!("`{path}` can't be read: this workflow was not read from a file");
        Err(Diagnostic::error("vwmp::unreadable", message))
    }
}

impl Loader for DiskLoader {
    fn load(&self, path: &str, from: &Source) -> Result<Arc<Source>, Diagnostic> {
        let name = beside(Path::new(from.name()), Path::new(path));
        let shown = name.to_string_lossy().into_owned();
        let bytes = read(&self.base.join(&name)).map_err(|error| {
            let why = match error.kind() {
                ErrorKind::NotFound => "there is no such file".to_owned(),
                _ => error.to_string(),
            };
            Diagnostic::error("vwmp::unreadable", format!("`{shown}` can't be read: {why}"))
        })?;
        Source::from_bytes(shown, bytes).map(Arc::new)
    }
}

/// The bytes of a file, one more than a source may have at most.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(Source::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The path that `path` is when it is written in `from`, without `.` and needless `..`.
fn beside(from: &Path, path: &Path) -> PathBuf {
    let whole = from.parent().unwrap_or(Path::new("")).join(path);
    whole.components().fold(PathBuf::new(), |mut clean, part| {
        match (part, clean.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                clean.pop();
            }
            _ => clean.push(part),
        }
        clean
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_file_they_are_written_in() {
        for (from, path, expected) in [
            ("release.yaml", "./base.yaml", "base.yaml"),
            ("workflows/release.yaml", "base.yaml", "workflows/base.yaml"),
            ("workflows/a/release.yaml", "../base.yaml", "workflows/base.yaml"),
            ("release.yaml", "../base.yaml", "../base.yaml"),
            ("release.yaml", "/etc/base.yaml", "/etc/base.yaml"),
        ] {
            assert_eq!(beside(Path::new(from), Path::new(path)), Path::new(expected), "{from} {path}");
        }
    }

    #[test]
    fn files_are_read_beside_the_one_that_extends_them() {
        let from = Source::new("src/lib.rs", "");
        let found = DiskLoader::new(env!("CARGO_MANIFEST_DIR")).load("./../Cargo.toml", &from).unwrap();
        assert_eq!(found.name(), "Cargo.toml");
        assert!(found.text().contains("name = \"vwmp-core\""));
    }

    #[test]
    fn what_can_not_be_read_is_told() {
        let from = Source::new("w.yaml", "");
        let error = DiskLoader::new("/nonexistent").load("base.yaml", &from).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error[vwmp::unreadable]: `base.yaml` can't be read: there is no such file"
        );
        assert_eq!(
            NoFiles.load("base.yaml", &from).unwrap_err().to_string(),
            "error[vwmp::unreadable]: `base.yaml` can't be read: this workflow was not read from a file"
        );
    }
}
