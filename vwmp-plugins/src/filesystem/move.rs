//! `filesystem.move`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Entry, Files};
use vwmp_interfaces::{
    Capability, Effect, Metadata, Preview, StepContext, StepError, StepHandler, Undo, WorkspacePath, register,
};

use super::disk::nothing_at;
use super::planned;

/// Moves a file or a folder of the workspace in one go, or renames it.
///
/// A file at the new path is replaced only with `replace`; a folder never is. Fails where there is
/// nothing to move, where a path leads out of the workspace, and where the new path is on another disk.
///
/// Undoing it moves it back, if nothing is at the old path.
///
/// ```yaml
/// - id: publish
///   handler: filesystem.move
///   config: { from: build/report.html, to: public/index.html, replace: true }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The file or folder, relative to the workspace.
    from: WorkspacePath,
    /// The new path, relative to the workspace: the path itself, not the folder that it will be in.
    to: WorkspacePath,
    /// Whether a file there may be replaced.
    #[serde(default)]
    replace: bool,
}

/// What was moved.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MoveMade {
    /// The new path, relative to the workspace.
    path: String,
    /// Whether a file was replaced.
    replaced: bool,
}

impl StepHandler for Move {
    const NAME: &'static str = "filesystem.move";
    const EFFECT: Effect = Effect::Once;
    type Output = MoveMade;

    fn metadata() -> Metadata {
        Metadata { title: "Move a File", category: "Files", icon: "→" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<MoveMade, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let replaced = self.replaces(ctx, &*files).await?;
        files.rename(&self.from, &self.to).await?;
        ctx.log().info(format!("moved {} to {}", self.from, self.to));
        Ok(MoveMade { path: self.to.to_string(), replaced })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<MoveMade>, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let replaced = self.replaces(ctx, &*files).await?;
        Ok(Preview::new(format!("moves {} to {}", self.from, self.to))
            .action(format!("move {} to {}", self.from, self.to))
            .output(MoveMade { path: self.to.to_string(), replaced }))
    }
}

impl Undo for Move {
    async fn undo(&self, output: &MoveMade, ctx: &StepContext) -> Result<(), StepError> {
        let files = ctx.require::<dyn Files>()?;
        if output.replaced {
            let message = format!("can't move `{}` back: it has replaced another file", self.to);
            return Err(StepError::permanent(message));
        }
        if files.entry(&self.from).await?.is_some() {
            let message = format!("can't move `{}` back: `{}` exists again", self.to, self.from);
            return Err(StepError::permanent(message));
        }
        files.rename(&self.to, &self.from).await
    }
}

register!(step Move: undo);

impl Move {
    async fn replaces(&self, ctx: &StepContext, files: &dyn Files) -> Result<bool, StepError> {
        let there = planned::entry(ctx, files, &self.to).await?;
        match (planned::entry(ctx, files, &self.from).await?, there) {
            (None, _) => Err(nothing_at(&self.from)),
            (Some(_), None) => Ok(false),
            (Some(Entry::Directory), Some(_)) | (Some(_), Some(Entry::Directory)) => {
                Err(StepError::permanent(format!("`{}` exists already; remove it first", self.to)))
            }
            (Some(_), Some(_)) if self.replace => Ok(true),
            (Some(_), Some(_)) => Err(StepError::permanent(format!(
                "`{}` exists already; set `replace: true` to replace it",
                self.to
            ))),
        }
    }
}
