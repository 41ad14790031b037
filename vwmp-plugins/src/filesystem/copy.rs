//! `filesystem.copy`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Entry, Files};
use vwmp_interfaces::{
    Capability, Done, Effect, Metadata, Preview, StepContext, StepError, StepHandler, Undo, WorkspacePath,
    register,
};

use super::changes::{FileChanges, already_done, take_back};
use super::disk::nothing_at;
use super::planned;

/// Copies a file or a folder of the workspace, permissions included: all of it or nothing.
///
/// A file that is the same already isn't touched; one with other content is replaced only with
/// `replace`. A folder is copied to where nothing is. Links in it stay links. Fails where there is
/// nothing to copy, where a path leads out of the workspace, and where the disk is full.
///
/// Undoing it removes the copy, or restores the file that it replaced to the byte (if that had at most 32 MiB), and
/// refuses when one of the files has been changed since.
///
/// ```yaml
/// - id: keep
///   handler: filesystem.copy
///   config: { from: target/release/app, to: dist/app, replace: true }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// The file or folder, relative to the workspace.
    from: WorkspacePath,
    /// Where to, relative to the workspace: the new path itself, not the folder that it will be in.
    to: WorkspacePath,
    /// Whether a file with other content may be replaced.
    #[serde(default)]
    replace: bool,
}

/// What was copied.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CopyMade {
    /// The new path, relative to the workspace.
    path: String,
    /// Whether anything is different there now.
    changed: bool,
}

impl StepHandler for Copy {
    const NAME: &'static str = "filesystem.copy";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = CopyMade;

    fn metadata() -> Metadata {
        Metadata { title: "Copy a File", category: "Files", icon: "⧉" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<CopyMade, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let changed = self.changes(ctx, &*files).await?;
        let made = CopyMade { path: self.to.to_string(), changed };
        if changed {
            let mut changes = FileChanges::new(ctx)?;
            changes.copy(&self.from, &self.to).await?;
            changes.keep(&made).await?;
            files.copy(&self.from, &self.to).await?;
            ctx.log().info(format!("copied {} to {}", self.from, self.to));
        }
        Ok(made)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<CopyMade>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<CopyMade>, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let changed = self.changes(ctx, &*files).await?;
        let mut preview = Preview::new(format!("copies {} to {}", self.from, self.to));
        if changed {
            let text = planned::bytes(ctx, &*files, &self.from).await.ok().flatten();
            let before = planned::bytes(ctx, &*files, &self.to).await.ok().flatten().map(String::from_utf8);
            preview = match (text.map(String::from_utf8), before.transpose()) {
                (Some(Ok(after)), Ok(before)) => preview.file(self.to.as_str(), before, after),
                _ => preview.action(format!("copy {} to {}", self.from, self.to)),
            };
        }
        Ok(preview.output(CopyMade { path: self.to.to_string(), changed }))
    }
}

impl Undo for Copy {
    async fn undo(&self, output: Option<&CopyMade>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| output.changed)).await
    }
}

register!(step Copy: undo);

impl Copy {
    async fn changes(&self, ctx: &StepContext, files: &dyn Files) -> Result<bool, StepError> {
        let there = planned::entry(ctx, files, &self.to).await?;
        match (planned::entry(ctx, files, &self.from).await?, there) {
            (None, _) => Err(nothing_at(&self.from)),
            (Some(_), None) => Ok(true),
            (Some(Entry::Directory), Some(_)) | (Some(_), Some(Entry::Directory)) => {
                Err(StepError::permanent(format!("`{}` exists already; remove it first", self.to)))
            }
            (Some(_), Some(_)) => {
                let (from, to) = (
                    planned::bytes(ctx, files, &self.from).await?,
                    planned::bytes(ctx, files, &self.to).await?,
                );
                if from == to || self.replace {
                    return Ok(from != to);
                }
                Err(StepError::permanent(format!(
                    "`{}` exists already, with other content; set `replace: true` to replace it",
                    self.to
                )))
            }
        }
    }
}
