//! `filesystem.glob`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Entry, Files};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Preview, StepContext, StepError, StepHandler, register,
};

use super::pattern::{matching, validate};
use super::planned::counted;

/// Finds files of the workspace by patterns: `*` is anything but `/`, `**` any folders, `?` one
/// character, `{a,b}` one of them.
///
/// The paths are sorted. Links are found and not followed; what is in a `.git` folder is found only by
/// patterns that name it. Finding nothing is fine unless `required` is set.
///
/// ```yaml
/// - id: sources
///   handler: filesystem.glob
///   config:
///     patterns: ["src/**/*.rs", Cargo.toml]
///     exclude: ["**/generated/**"]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Glob {
    /// What to find, relative to the workspace.
    #[schemars(length(min = 1))]
    patterns: Vec<String>,
    /// What of it to leave out.
    #[serde(default)]
    exclude: Vec<String>,
    /// What kind of things to find.
    #[serde(default)]
    kind: Kind,
    /// Whether to fail when nothing is found.
    #[serde(default)]
    required: bool,
}

/// What to find.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// All but folders.
    #[default]
    Files,
    /// Folders alone.
    Folders,
    /// Both.
    All,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The paths, sorted, relative to the workspace.
    paths: Vec<String>,
    /// How many there are.
    count: usize,
}

impl StepHandler for Glob {
    const NAME: &'static str = "filesystem.glob";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Found;

    fn metadata() -> Metadata {
        Metadata { title: "Find Files", category: "Files", icon: "🔍" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    fn validate(&self, findings: &mut Findings) {
        validate("patterns", &self.patterns, findings);
        validate("exclude", &self.exclude, findings);
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Found, StepError> {
        let found = self.find(ctx).await?;
        ctx.log().info(format!("found {}", counted(found.count)));
        Ok(found)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Found>, StepError> {
        let found = self.find(ctx).await?;
        Ok(Preview::new(format!("finds {}", counted(found.count))).output(found))
    }
}

register!(step Glob);

impl Glob {
    async fn find(&self, ctx: &StepContext) -> Result<Found, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let found = matching(ctx, &*files, &self.patterns, &self.exclude).await?.into_iter();
        let fits = found.filter(|(_, entry)| match self.kind {
            Kind::Files => *entry != Entry::Directory,
            Kind::Folders => *entry == Entry::Directory,
            Kind::All => true,
        });
        let paths: Vec<String> = fits.map(|(path, _)| path.to_string()).collect();
        if paths.is_empty() && self.required {
            return Err(StepError::permanent(format!("nothing matches {}", self.patterns.join(", "))));
        }
        Ok(Found { count: paths.len(), paths })
    }
}
