//! The adapter `files`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, Health, IntegrationAdapter, Metadata, OrFail,
    StepError, WorkspacePath, register,
};

use super::atomic::replace;
use super::inside::{failed, real_path};

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

    fn names_in<'a>(&'a self, directory: &'a WorkspacePath) -> BoxFuture<'a, Result<Vec<String>, StepError>> {
        let directory = directory.clone();
        self.off_thread(move |root| names_in(root, &directory))
    }

    fn remove<'a>(&'a self, path: &'a WorkspacePath) -> BoxFuture<'a, Result<(), StepError>> {
        let path = path.clone();
        self.off_thread(move |root| remove(root, &path))
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

fn read_text(root: &Path, path: &WorkspacePath) -> Result<Option<String>, StepError> {
    let bytes = match fs::read(real_path(root, path)?) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(StepError::permanent(format!("`{path}` isn't UTF-8 text (byte {at})")))
        }
    }
}

fn names_in(root: &Path, directory: &WorkspacePath) -> Result<Vec<String>, StepError> {
    let entries = match fs::read_dir(real_path(root, directory)?) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", directory, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed("list", directory, error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn remove(root: &Path, path: &WorkspacePath) -> Result<(), StepError> {
    real_path(root, path)?;
    match fs::remove_file(root.join(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "adapter_tests.rs"]
mod tests;
