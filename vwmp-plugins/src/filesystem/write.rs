//! `filesystem.write`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Done, Effect, Metadata, Preview, StepContext, StepError, StepHandler, Undo, WorkspacePath,
    register,
};

use super::changes::{FileChanges, already_done, take_back};
use super::planned;

/// Writes a text file of the workspace, as a whole: whatever happens, it has the old content or the
/// new one.
///
/// Folders are made as needed, and permissions stay. A file that has this content already isn't
/// touched. Fails where the file is read-only, where the path leads out of the workspace through a
/// symbolic link, where the disk is full, and with `replace: false` where there is a file with other
/// content.
///
/// Undoing it restores the content before to the byte, and refuses when the file has been changed since.
///
/// ```yaml
/// - id: note
///   handler: filesystem.write
///   config:
///     file: build/version.txt
///     text: "$<step-outputs.bump.new_version>\n"
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The file, relative to the workspace.
    file: WorkspacePath,
    /// All of its text; nothing is added at the end.
    text: String,
    /// Whether a file with other content may be replaced.
    #[serde(default = "yes")]
    replace: bool,
}

/// What was written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    /// The file, relative to the workspace.
    path: String,
    /// Whether its content is another than before.
    changed: bool,
    /// Its size in bytes.
    size: u64,
}

impl StepHandler for Write {
    const NAME: &'static str = "filesystem.write";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Written;

    fn metadata() -> Metadata {
        Metadata { title: "Write a File", category: "Files", icon: "✎" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Written, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let written = self.written(files.read_text(&self.file).await?.as_deref())?;
        if written.changed {
            let mut changes = FileChanges::new(ctx)?;
            changes.write(&self.file, self.text.as_bytes()).await?;
            changes.keep(&written).await?;
            files.write_text(&self.file, &self.text).await?;
        }
        let verb = if written.changed { "wrote" } else { "found" };
        ctx.log().info(format!("{verb} {} ({} bytes)", self.file, written.size));
        Ok(written)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Written>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Written>, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let before = planned::text(ctx, &*files, &self.file).await?;
        let written = self.written(before.as_deref())?;
        let preview = Preview::new(format!("writes {}", self.file));
        let preview =
            if written.changed { preview.file(self.file.as_str(), before, &*self.text) } else { preview };
        Ok(preview.output(written))
    }
}

impl Undo for Write {
    async fn undo(&self, output: Option<&Written>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| output.changed)).await
    }
}

register!(step Write: undo);

impl Write {
    fn written(&self, before: Option<&str>) -> Result<Written, StepError> {
        let changed = before != Some(&*self.text);
        if changed && before.is_some() && !self.replace {
            return Err(StepError::permanent(format!("`{}` exists already, with other content", self.file)));
        }
        Ok(Written { path: self.file.to_string(), changed, size: self.text.len() as u64 })
    }
}

fn yes() -> bool {
    true
}
