//! The adapter `files`.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::{Entry, Files, Snapshot};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, Health, IntegrationAdapter, Metadata, OrFail,
    StepError, WorkspacePath, register,
};

use super::atomic::replace;
use super::disk;
use super::inside::{failed, place, real_path};
use super::snapshot;

/// The files of the workspace on the local disk. Serves `Files`.
///
/// A file is replaced as a whole: a kill in between leaves the old content or the new. Its
/// permissions stay, and so does every byte that isn't meant to change. Symbolic links are
/// followed inside the workspace and refused where they lead out of it. There is nothing to set:
///
/// ```yaml
/// integration_adapters:
///   files: { enabled: true }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {}

/// The workspace's root, without symbolic links.
pub struct LocalFiles {
    root: Arc<Path>,
}

impl IntegrationAdapter for LocalFiles {
    const NAME: &'static str = "files";
    type Config = FilesConfig;

    async fn connect(_: FilesConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let root = fs::canonicalize(&ctx.workspace)
            .or_permanent(format!("can't open the workspace {}", ctx.workspace.display()))?;
        Ok(Self { root: root.into() })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn Files>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "Local Files", category: "Files", icon: "📁" }
    }

    async fn health(&self) -> Health {
        match fs::metadata(&self.root) {
            Ok(_) => Health::Good,
            Err(error) => Health::Down(format!("can't open the workspace: {error}")),
        }
    }
}

register!(adapter LocalFiles);

impl Files for LocalFiles {
    fn read_text<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<Option<String>, StepError>> {
        let path = path.clone();
        self.off_thread(move |root| read_text(root, &path))
    }

    fn write_text<'a>(
        &'a self,
        path: &'a WorkspacePath,
        text: &'a str,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        let (path, text) = (path.clone(), text.to_owned());
        self.off_thread(move |root| replace(&real_path(root, &path)?, &path, text.as_bytes()))
    }

    fn names_in<'a>(
        &'a self,
        directory: Option<&'a WorkspacePath>,
    ) -> BoxFuture<'a, Result<Vec<String>, StepError>> {
        let directory = directory.cloned();
        self.off_thread(move |root| names_in(root, directory.as_ref()))
    }

    fn remove<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<(), StepError>> {
        let path = path.clone();
        self.off_thread(move |root| remove(root, &path))
    }

    fn read_bytes<'a>(
        &'a self,
        path: &'a WorkspacePath,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, StepError>> {
        let path = path.clone();
        self.off_thread(move |root| read_bytes(root, &path))
    }

    fn write_bytes<'a>(
        &'a self,
        path: &'a WorkspacePath,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), StepError>> {
        let (path, bytes) = (path.clone(), bytes.to_owned());
        self.off_thread(move |root| replace(&real_path(root, &path)?, &path, &bytes))
    }

    fn entry<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<Option<Entry>, StepError>> {
        let path = path.clone();
        self.off_thread(move |root| disk::entry(root, &path))
    }

    fn walk<'a>(
        &'a self,
        directory: Option<&'a WorkspacePath>,
    ) -> BoxFuture<'a, Result<Vec<(WorkspacePath, Entry)>, StepError>> {
        let directory = directory.cloned();
        self.off_thread(move |root| disk::walk(root, directory.as_ref()))
    }

    fn copy<'a>(
        &'a self,
        from: &'a WorkspacePath,
        to: &'a WorkspacePath,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        let (from, to) = (from.clone(), to.clone());
        self.off_thread(move |root| disk::copy(root, &from, &to))
    }

    fn rename<'a>(
        &'a self,
        from: &'a WorkspacePath,
        to: &'a WorkspacePath,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        let (from, to) = (from.clone(), to.clone());
        self.off_thread(move |root| disk::rename(root, &from, &to))
    }

    fn remove_all<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<(), StepError>> {
        let path = path.clone();
        self.off_thread(move |root| disk::remove_all(root, &path))
    }

    fn resolve<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<WorkspacePath, StepError>> {
        let path = path.clone();
        self.off_thread(move |root| snapshot::resolve(root, &path))
    }

    fn snapshot<'a>(
        &'a self,
        path: &'a WorkspacePath,
        most: u64,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, StepError>> {
        let path = path.clone();
        self.off_thread(move |root| snapshot::snapshot(root, &path, most))
    }

    fn restore<'a>(
        &'a self,
        path: &'a WorkspacePath,
        snapshot: Option<&'a Snapshot>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        let (path, snapshot) = (path.clone(), snapshot.cloned());
        self.off_thread(move |root| snapshot::restore(root, &path, snapshot.as_ref()))
    }

    fn tidy<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<(), StepError>> {
        let path = path.clone();
        self.off_thread(move |root| {
            let real = place(root, &path)?;
            let folder = real.parent().unwrap_or(root);
            super::beside::clear(folder).map_err(|error| failed("tidy up beside", &path, error))
        })
    }
}

impl LocalFiles {
    /// Disks can be slow, and the engine's threads are few.
    fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, StepError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StepError>> {
        let root = Arc::clone(&self.root);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&root)).await;
            done.or_transient("the file system didn't answer")?
        })
    }
}

fn read_bytes(root: &Path, path: &WorkspacePath) -> Result<Option<Vec<u8>>, StepError> {
    match fs::read(real_path(root, path)?) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

fn read_text(root: &Path, path: &WorkspacePath) -> Result<Option<String>, StepError> {
    let Some(bytes) = read_bytes(root, path)? else { return Ok(None) };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(StepError::permanent(format!("`{path}` isn't UTF-8 text (byte {at})")))
        }
    }
}

fn names_in(root: &Path, directory: Option<&WorkspacePath>) -> Result<Vec<String>, StepError> {
    let real = directory.map_or_else(|| Ok(root.to_owned()), |directory| real_path(root, directory))?;
    let entries = match fs::read_dir(real) {
        Ok(entries) => entries,
        Err(error) if absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(unlisted(directory, error)),
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> =
        names.collect::<Result<_, _>>().map_err(|error| unlisted(directory, error))?;
    names.sort();
    Ok(names)
}

fn unlisted(directory: Option<&WorkspacePath>, error: Error) -> StepError {
    match directory {
        Some(directory) => failed("list", directory, error),
        None => StepError::permanent("can't list the workspace").caused_by(error),
    }
}

/// A path through a file leads to nothing, too.
pub(super) fn absent(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn remove(root: &Path, path: &WorkspacePath) -> Result<(), StepError> {
    match fs::remove_file(place(root, path)?) {
        Err(error) if !absent(&error) => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "adapter_tests.rs"]
mod tests;
