//! `git.stage_all`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::VersionControl;
use vwmp_interfaces::{
    Capability, Effect, Metadata, Preview, StepContext, StepError, StepHandler, Undo, register,
};

use super::planned::{Expected, STAGE_ALL, listed};
use super::staging;

/// Stages every change of the repository: new, changed and removed files, but none that git ignores.
///
/// Of a submodule, only that it is at another commit can be staged; what is uncommitted in it can't. Fails
/// where a merge has unresolved conflicts, and while another git process works in the
/// repository (that may be tried again). With nothing to stage it succeeds.
///
/// Undoing it restores what was staged before, to the entry, and refuses when something else has been staged since; the
/// files themselves stay as they are.
///
/// ```yaml
/// - id: stage
///   handler: git.stage_all
///   needs: [bump, notes]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct StageAll {}

/// What is staged now.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Staged {
    /// Every path that is staged, relative to the top of the repository.
    pub(super) files: Vec<String>,
}

impl StepHandler for StageAll {
    const NAME: &'static str = "git.stage_all";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Staged;

    fn metadata() -> Metadata {
        Metadata { title: "Stage All Changes", category: "Git", icon: "+" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Staged, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        ctx.unless_cancelled(async {
            staging::keep(ctx, &*git, None).await?;
            let files = git.stage_all().await?;
            staging::keep_result(ctx, &*git).await?;
            ctx.log().info(format!("staged {}", listed(&files)));
            Ok(Staged { files })
        })
        .await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Staged>, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        let changed = Expected::of(ctx, &*git).await?.changed();
        let files = listed(&changed);
        Ok(Preview::new(format!("stages {files}"))
            .action(format!("{STAGE_ALL}: {files}"))
            .known("files", changed))
    }
}

impl Undo for StageAll {
    async fn undo(&self, output: Option<&Staged>, ctx: &StepContext) -> Result<(), StepError> {
        staging::restore(ctx, output.is_some()).await
    }
}

register!(step StageAll: undo);
