//! `filesystem.template`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Done, Effect, Metadata, OrFail, Preview, StepContext, StepError, StepHandler, Undo,
    WorkspacePath, register,
};

use super::changes::{FileChanges, already_done, take_back};
use super::disk::nothing_at;
use super::planned;

/// How much a template may compute; more means that it doesn't end.
const FUEL: u64 = 10_000_000;

/// Writes a file from a template of the workspace, in the language of Jinja.
///
/// The template sees `values` and nothing else: `{{ version }}`, `{% for item in list %}…{% endfor %}`,
/// `{% if draft %}…{% endif %}`. A value is text whatever is in it, and is never evaluated again;
/// `$<…>` in a template has no meaning. The file is written as a whole, and not touched where it is the
/// same already. Fails where the template has a mistake or names a value that isn't given.
///
/// Undoing it restores the content before to the byte, and refuses when the file has been changed since.
///
/// ```yaml
/// - id: page
///   handler: filesystem.template
///   config:
///     template: site/index.html.jinja
///     to: public/index.html
///     values: { version: $<step-outputs.bump.new_version>, draft: false }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The template, relative to the workspace.
    template: WorkspacePath,
    /// The file to write, relative to the workspace.
    to: WorkspacePath,
    /// What the template may name.
    #[serde(default)]
    values: Map<String, Value>,
}

/// What was written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rendered {
    /// The file, relative to the workspace.
    path: String,
    /// Whether its content is another than before.
    changed: bool,
    /// Its size in bytes.
    size: u64,
}

impl StepHandler for Template {
    const NAME: &'static str = "filesystem.template";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Rendered;

    fn metadata() -> Metadata {
        Metadata { title: "Fill In a Template", category: "Files", icon: "✎" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Rendered, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let text = self.text(ctx, &*files).await?;
        let before = files.read_text(&self.to).await?;
        let rendered = self.rendered(&text, before.as_deref());
        if rendered.changed {
            let mut changes = FileChanges::new(ctx)?;
            changes.write(&self.to, text.as_bytes()).await?;
            changes.keep(&rendered).await?;
            files.write_text(&self.to, &text).await?;
        }
        let verb = if rendered.changed { "wrote" } else { "found" };
        ctx.log().info(format!("{verb} {} ({} bytes)", self.to, rendered.size));
        Ok(rendered)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Rendered>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Rendered>, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let text = self.text(ctx, &*files).await?;
        let before = planned::text(ctx, &*files, &self.to).await?;
        let rendered = self.rendered(&text, before.as_deref());
        let preview = Preview::new(format!("writes {} from {}", self.to, self.template));
        let preview = if rendered.changed { preview.file(self.to.as_str(), before, text) } else { preview };
        Ok(preview.output(rendered))
    }
}

impl Undo for Template {
    async fn undo(&self, output: Option<&Rendered>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| output.changed)).await
    }
}

register!(step Template: undo);

impl Template {
    async fn text(&self, ctx: &StepContext, files: &dyn Files) -> Result<String, StepError> {
        let source = planned::text(ctx, files, &self.template).await?;
        let source = source.ok_or_else(|| nothing_at(&self.template))?;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.or_permanent("the template language can't be set up")?);
        // The name of a file decides on escapes otherwise, and a text would change on its way.
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        let name = self.template.as_str();
        environment.render_named_str(name, &source, Serde(&self.values)).map_err(|error| self.mistake(&error))
    }

    fn mistake(&self, error: &minijinja::Error) -> StepError {
        let line = error.line().map(|line| format!(":{line}")).unwrap_or_default();
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        StepError::permanent(format!("the template {}{line} fails: {}{detail}", self.template, error.kind()))
    }

    fn rendered(&self, text: &str, before: Option<&str>) -> Rendered {
        Rendered { path: self.to.to_string(), changed: before != Some(text), size: text.len() as u64 }
    }
}
