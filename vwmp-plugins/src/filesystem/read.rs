//! `filesystem.read`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Effect, Metadata, OrFail, Preview, StepContext, StepError, StepHandler, WorkspacePath,
    register,
};

use super::disk::nothing_at;
use super::planned;

/// Reads a text file of the workspace.
///
/// Fails where there is no such file (unless `optional` is set), where it isn't UTF-8, and where it
/// can't be read in the given format.
///
/// ```yaml
/// - id: settings
///   handler: filesystem.read
///   config: { file: package.json, format: json }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The file, relative to the workspace.
    file: WorkspacePath,
    /// How to read it.
    #[serde(default)]
    format: Format,
    /// Whether the file may be missing.
    #[serde(default)]
    optional: bool,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As one text.
    #[default]
    Text,
    /// As a list of lines without their ends.
    Lines,
    /// As JSON.
    Json,
}

/// What is in the file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Contents {
    /// Whether there is such a file.
    exists: bool,
    /// The text, the list of lines or the JSON value; null where there is no file.
    content: Value,
    /// Its size in bytes.
    size: u64,
}

impl StepHandler for Read {
    const NAME: &'static str = "filesystem.read";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Contents;

    fn metadata() -> Metadata {
        Metadata { title: "Read a File", category: "Files", icon: "📄" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Contents, StepError> {
        let files = ctx.require::<dyn Files>()?;
        self.contents(files.read_text(&self.file).await?)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Contents>, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let contents = self.contents(planned::text(ctx, &*files, &self.file).await?)?;
        Ok(Preview::new(format!("reads {}", self.file)).output(contents))
    }
}

register!(step Read);

impl Read {
    fn contents(&self, text: Option<String>) -> Result<Contents, StepError> {
        let Some(text) = text else {
            let nothing = Contents { exists: false, content: Value::Null, size: 0 };
            return if self.optional { Ok(nothing) } else { Err(nothing_at(&self.file)) };
        };
        let size = text.len() as u64;
        let content = match self.format {
            Format::Text => Value::String(text),
            Format::Lines => text.lines().collect(),
            Format::Json => {
                let text = text.trim_start_matches('\u{feff}');
                serde_json::from_str(text).or_permanent(format!("`{}` isn't valid JSON", self.file))?
            }
        };
        Ok(Contents { exists: true, content, size })
    }
}
