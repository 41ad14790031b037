//! The adapter `git_source`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::{CloneRequest, Cloned, RepositorySource};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, IntegrationAdapter, Metadata, OrFail, StepError,
    register,
};

use super::process::Program;
use super::refusal::refused_by_remote;
use super::repository::line;
use crate::filesystem::inside::real_path;

/// Repositories that can be cloned, through the `git` program. Serves `RepositorySource`.
///
/// Unlike the adapter `git` it needs no repository in the workspace. Credentials are those that the
/// user set up, and nothing asks at the terminal.
///
/// ```yaml
/// integration_adapters:
///   git_source:
///     config: { program: git }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitSourceConfig {
    /// The program, by name or path.
    #[serde(default = "git")]
    program: String,
}

/// The git program, outside of all repositories.
pub struct GitSource {
    program: Program,
    root: PathBuf,
}

impl IntegrationAdapter for GitSource {
    const NAME: &'static str = "git_source";
    type Config = GitSourceConfig;

    async fn connect(config: GitSourceConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let root = fs::canonicalize(&ctx.workspace).or_permanent("can't open the workspace")?;
        Ok(Self { program: Program::new(config.program, root.clone(), &ctx.environment), root })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn RepositorySource>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn RepositorySource>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "Git Repositories to Clone", category: "Git", icon: "⧉" }
    }

    async fn close(&self) -> Result<(), StepError> {
        self.program.settle().await;
        Ok(())
    }
}

register!(adapter GitSource);

impl RepositorySource for GitSource {
    fn copy_into<'a>(&'a self, request: &'a CloneRequest) -> BoxFuture<'a, Result<Cloned, StepError>> {
        Box::pin(async move {
            let created = !self.is_copy(request).await?;
            if created {
                self.make_copy(request).await?;
            }
            let folder = real_path(&self.root, &request.into)?;
            Ok(Cloned {
                commit: self.ask(&folder, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).await?,
                branch: self.ask(&folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await?,
                created,
            })
        })
    }

    fn is_there<'a>(&'a self, request: &'a CloneRequest) -> BoxFuture<'a, Result<bool, StepError>> {
        Box::pin(self.is_copy(request))
    }
}

impl GitSource {
    async fn is_copy(&self, request: &CloneRequest) -> Result<bool, StepError> {
        let (folder, into) = (real_path(&self.root, &request.into)?, &request.into);
        let empty = match fs::read_dir(&folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => {
                return Err(StepError::permanent(format!("can't look into `{into}`")).caused_by(error));
            }
        };
        if empty {
            return Ok(false);
        }
        if !folder.join(".git").exists() {
            return Err(StepError::permanent(format!(
                "`{into}` has something else in it; choose another folder, or empty it"
            )));
        }
        let url = self.ask(&folder, &["config", "--get", "remote.origin.url"]).await?;
        match url {
            Some(url) if url == self.absolute(&request.url) || url == request.url => Ok(true),
            Some(url) => {
                Err(StepError::permanent(format!("`{into}` is a copy of another repository, {url}")))
            }
            None => Err(StepError::permanent(format!("`{into}` is a repository that is a copy of none"))),
        }
    }

    /// Clones beside the folder, and moves it into its place when it is whole.
    async fn make_copy(&self, request: &CloneRequest) -> Result<(), StepError> {
        let (folder, into) = (real_path(&self.root, &request.into)?, &request.into);
        let parent = folder.parent().unwrap_or(&self.root);
        let failed = || format!("can't write `{into}`");
        fs::create_dir_all(parent).or_permanent(failed())?;
        // Goes away with all in it where the step fails or is cancelled.
        let beside = tempfile::Builder::new().prefix(".vwmp-").tempdir_in(parent).or_permanent(failed())?;
        let copy = beside.path().join("copy");
        let (copy_text, url) = (copy.to_string_lossy(), self.absolute(&request.url));
        let depth = request.depth.map(|depth| format!("--depth={depth}"));
        let branch = request.revision.as_ref().map(|revision| format!("--branch={revision}"));
        let mut args = vec!["-c", "advice.detachedHead=false", "clone", "--quiet", "--no-recurse-submodules"];
        args.extend(depth.as_deref());
        args.extend(branch.as_deref());
        args.extend(["--", &url, &copy_text]);
        let output = self.program.run(&args).await?;
        if !output.succeeded() {
            return Err(refused_by_remote(&format!("clone {}", request.url), &output));
        }
        fs::rename(&copy, &folder).or_permanent(failed())
    }

    async fn ask(&self, folder: &Path, args: &[&str]) -> Result<Option<String>, StepError> {
        let folder = folder.to_string_lossy();
        let args = [&["-C", &*folder], args].concat();
        let output = self.program.run(&args).await?;
        Ok(output.succeeded().then(|| line(&output)))
    }

    /// A path that exists as git will note it; anything else is a URL, and stays as it is.
    fn absolute(&self, url: &str) -> String {
        let path = self.root.join(url);
        if !url.contains("://") && path.exists() {
            path.to_string_lossy().into_owned()
        } else {
            url.to_owned()
        }
    }
}

fn git() -> String {
    "git".to_owned()
}
