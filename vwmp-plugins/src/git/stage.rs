//! `git.stage`.

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::VersionControl;
use vwmp_interfaces::{
    Capability, Effect, Metadata, Preview, StepContext, StepError, StepHandler, Undo, WorkspacePath, register,
};

use super::planned::{Expected, in_repository, listed};
use super::stage_all::Staged;
use super::staging;

/// Stages the changes of chosen files and folders: new, changed and removed ones, but none that git
/// ignores.
///
/// Fails where a path doesn't exist, where git ignores one, where a merge has unresolved conflicts,
/// and while another git process works in the repository (that may be tried again).
///
/// Undoing it restores what was staged before, to the entry, and refuses when something else has been staged since; the
/// files themselves stay as they are.
///
/// ```yaml
/// - id: stage
///   handler: git.stage
///   config:
///     paths: [VERSION, docs/changelog]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct Stage {
    /// The files and folders, relative to the workspace.
    #[schemars(length(min = 1))]
    paths: Vec<WorkspacePath>,
}

impl StepHandler for Stage {
    const NAME: &'static str = "git.stage";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Staged;

    fn metadata() -> Metadata {
        Metadata { title: "Stage Files", category: "Git", icon: "+" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Staged, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let paths = in_repository(ctx, &*git, &self.paths)?;
        ctx.unless_cancelled(async {
            staging::keep(ctx, &*git, Some(&paths)).await?;
            let files = git.stage(&paths).await?;
            staging::keep_result(ctx, &*git).await?;
            ctx.log().info(format!("staged {}", listed(&files)));
            Ok(Staged { files })
        })
        .await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Staged>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let paths = in_repository(ctx, &*git, &self.paths)?;
        let expected = Expected::of(ctx, &*git).await?;
        let files = expected.changed_below(&paths);
        let quoted: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
        let mut all = [expected.staged(), files.clone()].concat();
        all.sort();
        all.dedup();
        Ok(Preview::new(format!("stages {}", listed(&files)))
            .action(format!("stage {}: {}", quoted.join(", "), listed(&files)))
            .known("files", all))
    }
}

impl Undo for Stage {
    async fn undo(&self, output: Option<&Staged>, ctx: &StepContext) -> Result<(), StepError> {
        staging::restore(ctx, output.is_some()).await
    }
}

register!(step Stage: undo);
