//! The adapter `git`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::{History, VersionControl};
use vwmp_interfaces::{
    AdapterContext, Capabilities, Capability, Findings, Health, IntegrationAdapter, Metadata, Place,
    StepError, WorkspacePath, register,
};

use super::names::remote_problem;
use super::process::Program;
use super::refusal::refused_repository;

/// The git repository that the workspace is in, through the `git` program. Serves
/// `VersionControl` and `History`.
///
/// Hooks, signing, credentials and identity are those that the user set up; nothing is ever
/// forced, and nothing asks at the terminal.
///
/// ```yaml
/// integration_adapters:
///   git:
///     config: { remote: origin }
///   git@docs:
///     config: { path: docs/site, remote: upstream }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitConfig {
    /// The remote that is used when a step names none.
    #[serde(default = "origin")]
    remote: String,
    /// A folder in the repository, relative to the workspace.
    #[serde(default = "workspace_itself")]
    path: String,
    /// The program, by name or path.
    #[serde(default = "git")]
    program: String,
}

/// An open repository.
pub struct Git {
    pub(super) program: Program,
    pub(super) root: PathBuf,
    remote: String,
}

impl IntegrationAdapter for Git {
    const NAME: &'static str = "git";
    type Config = GitConfig;

    async fn connect(config: GitConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let start = folder(&config.path, &ctx.workspace).map_err(StepError::invalid)?;
        if !start.is_dir() {
            return Err(StepError::invalid(format!("`{}` is no folder of the workspace", config.path)));
        }
        let program = Program::new(config.program, start, &ctx.environment);
        let found = program.run(&["rev-parse", "--show-toplevel"]);
        let stopped = || StepError::transient("opening the repository was cancelled");
        let output = ctx.cancelled.run_until_cancelled(found).await.ok_or_else(stopped)??;
        if !output.succeeded() {
            return Err(refused_repository(program.folder(), &output));
        }
        let root = PathBuf::from(output.text().trim_end_matches('\n'));
        Ok(Self { program: program.at(&root), root, remote: config.remote })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>(), Capability::of::<dyn History>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn VersionControl>(self.clone());
        capabilities.insert::<dyn History>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "Git", category: "Git", icon: "⎇" }
    }

    fn validate(config: &GitConfig, findings: &mut Findings) {
        if let Err(message) = folder(&config.path, Path::new("")) {
            findings.error("git::path", Place::Config("/path".into()), message);
        }
        if let Some(problem) = remote_problem(&config.remote) {
            findings.error("git::remote", Place::Config("/remote".into()), problem);
        }
    }

    async fn health(&self) -> Health {
        match self.program.run(&["rev-parse", "--git-dir"]).await {
            Ok(output) if output.succeeded() => Health::Good,
            Ok(output) => Health::Down(output.last_words()),
            Err(error) => Health::Down(error.to_string()),
        }
    }

    async fn close(&self) -> Result<(), StepError> {
        self.program.settle().await;
        Ok(())
    }
}

register!(adapter Git);

impl Git {
    pub(super) fn remote(&self) -> &str {
        &self.remote
    }
}

fn folder(path: &str, workspace: &Path) -> Result<PathBuf, String> {
    if Path::new(path).components().all(|part| part == std::path::Component::CurDir) {
        return Ok(workspace.to_owned());
    }
    Ok(workspace.join(WorkspacePath::parse(path)?))
}

fn origin() -> String {
    "origin".to_owned()
}

fn workspace_itself() -> String {
    ".".to_owned()
}

fn git() -> String {
    "git".to_owned()
}
