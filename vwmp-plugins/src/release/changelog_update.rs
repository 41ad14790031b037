//! `release.changelog_update`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use super::changelog::{Release, add_release, today};
use super::edit::{Edit, apply, fixed, read, show};
use super::version::label_problem;

/// Adds a version to the main changelog, in the style of Keep a Changelog.
///
/// `## [version] - day` goes below `## [Unreleased]` (or above the first version where there is no
/// such part) and takes over what stands there, with the summary on top. A compare link of
/// `[Unreleased]` at the bottom moves on where it has the usual form. A missing file is created
/// with a header. Where the version is there already, nothing is done.
///
/// It fails where the file can't be read or written.
///
/// ```yaml
/// - id: changelog
///   handler: release.changelog_update
///   config:
///     version: $<step-outputs.bump.new_version>
///     summary: Faster start, fewer surprises
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangelogUpdate {
    /// The changelog, relative to the workspace.
    #[serde(default = "file")]
    file: WorkspacePath,
    /// The version.
    version: String,
    /// What the version brings, in a sentence or two.
    summary: String,
}

/// The changelog.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Updated {
    /// Its file, relative to the workspace.
    path: String,
    /// Whether the version was added; it may have been there.
    changed: bool,
}

impl StepHandler for ChangelogUpdate {
    const NAME: &'static str = "release.changelog_update";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Updated;

    fn metadata() -> Metadata {
        Metadata { title: "Update the Changelog", category: "Release", icon: "✎" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if let Some(problem) = label_problem(&self.version) {
            findings.error("release::version", Place::Config("/version".into()), problem);
        }
        if self.summary.trim().is_empty() {
            findings.error("release::summary", Place::Config("/summary".into()), "the summary is empty");
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Updated, StepError> {
        let (edits, updated) = self.plan(ctx).await?;
        apply(ctx, &edits).await?;
        if !updated.changed {
            ctx.log().info(format!("{} has {} already", self.file, self.version));
        }
        Ok(updated)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Updated>, StepError> {
        let (edits, updated) = self.plan(ctx).await?;
        let verb = if updated.changed { "adds" } else { "finds" };
        let summary = format!("{verb} {} in {}", self.version, self.file);
        Ok(show(Preview::new(summary), edits).output(updated))
    }
}

register!(step ChangelogUpdate);

impl ChangelogUpdate {
    async fn plan(&self, ctx: &StepContext) -> Result<(Vec<Edit>, Updated), StepError> {
        let before = read(ctx, &self.file).await?;
        let date = today(ctx.clock())?;
        let release = Release { version: &self.version, date, summary: &self.summary };
        let after = add_release(before.as_deref(), &release);
        let updated = Updated { path: self.file.to_string(), changed: after.is_some() };
        let edit = after.map(|after| Edit { path: self.file.clone(), before, after });
        Ok((edit.into_iter().collect(), updated))
    }
}

fn file() -> WorkspacePath {
    fixed("CHANGELOG.md")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_interfaces::Change;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;
    use crate::filesystem::adapter::LocalFiles;

    #[tokio::test]
    async fn the_preview_is_exact_and_a_second_time_changes_nothing() {
        let run = TestRun::new().connected::<LocalFiles>(json!({})).await.unwrap();
        let ctx = run.context("changelog");
        run.write("CHANGELOG.md", "# Log\n\n## [Unreleased]\n\n- speed\n");
        let config = json!({ "version": "1.1.0", "summary": "Faster." });
        let seen = preview::<ChangelogUpdate>(config.clone(), &ctx).await.unwrap();
        let output = execute::<ChangelogUpdate>(config.clone(), &ctx).await.unwrap();
        assert_eq!(output, json!({ "path": "CHANGELOG.md", "changed": true }));
        assert_eq!(seen.output, Some(output));
        let after = run.read("CHANGELOG.md");
        assert_eq!(after, "# Log\n\n## [Unreleased]\n\n## [1.1.0] - 2026-01-02\n\nFaster.\n\n- speed\n");
        let before = Some("# Log\n\n## [Unreleased]\n\n- speed\n".to_owned());
        assert_eq!(
            seen.changes,
            [Change::File { path: "CHANGELOG.md".into(), before, after: Some(after.clone()) }]
        );
        let again = execute::<ChangelogUpdate>(config, &ctx).await.unwrap();
        assert_eq!((again["changed"].as_bool(), run.read("CHANGELOG.md")), (Some(false), after));
        assert_eq!(run.log(), ["info: wrote CHANGELOG.md", "info: CHANGELOG.md has 1.1.0 already"]);
    }
}
