//! `release.changelog_update`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    WorkspacePath, register,
};

use super::changelog::{Release, Style, add_release, today, unreleased};
use super::edit::{Edit, apply, fixed, read, show};
use super::version::label_problem;
use crate::filesystem::changes::{already_done, take_back};

/// Adds a version to the main changelog.
///
/// The new part goes below `## [Unreleased]` (or above the first version where there is no such
/// part) and takes over what stands there, with the summary above it and the notes below. Its
/// heading looks like that of the version before: `## [1.2.0] - 2026-01-31`, `## v1.2.0
/// (2026-01-31)`, underlined, or linked; `style` says otherwise. A compare link of `[Unreleased]`
/// at the bottom moves on where it has the usual form. A missing file is created with a header.
/// Where the version is there already, nothing is done; every other line stays as it is.
///
/// It fails where there is nothing to write: no summary, no notes, nothing unreleased; and where
/// the file can't be read or written.
///
/// Undoing it restores the changelog to the byte, and refuses when somebody has changed it since.
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
    #[serde(default)]
    summary: String,
    /// The notes, as Markdown; usually those of `release.notes`.
    #[serde(default)]
    notes: String,
    /// What the heading looks like: `auto` for that of the version before, `keep_a_changelog` for
    /// `[1.2.0] - 2026-01-31`, `plain` for `1.2.0 (2026-01-31)`.
    #[serde(default)]
    style: Style,
}

/// The changelog.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
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
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Updated, StepError> {
        let (edits, updated) = self.plan(ctx).await?;
        apply(ctx, &edits, &updated).await?;
        if !updated.changed {
            ctx.log().info(format!("{} has {} already", self.file, self.version));
        }
        Ok(updated)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Updated>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Updated>, StepError> {
        let (edits, updated) = self.plan(ctx).await?;
        let verb = if updated.changed { "adds" } else { "finds" };
        let summary = format!("{verb} {} in {}", self.version, self.file);
        Ok(show(Preview::new(summary), edits).output(updated))
    }
}

impl Undo for ChangelogUpdate {
    async fn undo(&self, output: Option<&Updated>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| output.changed)).await
    }
}

register!(step ChangelogUpdate: undo);

impl ChangelogUpdate {
    async fn plan(&self, ctx: &StepContext) -> Result<(Vec<Edit>, Updated), StepError> {
        let before = read(ctx, &self.file).await?;
        let date = today(ctx.clock())?;
        let (summary, notes) = (self.summary.trim(), self.notes.trim());
        let release = Release { version: &self.version, date, summary, notes, style: self.style };
        let after = add_release(before.as_deref(), &release);
        let open = before.as_deref().map_or("", unreleased);
        if after.is_some() && [summary, notes, open].iter().all(|text| text.is_empty()) {
            return Err(StepError::permanent(format!(
                "there is nothing to write about {}: no `summary`, no `notes`, and nothing unreleased in `{}`",
                self.version, self.file
            )));
        }
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

    #[tokio::test]
    async fn a_release_says_something() {
        let run = TestRun::new().connected::<LocalFiles>(json!({})).await.unwrap();
        let ctx = run.context("changelog");
        let error = execute::<ChangelogUpdate>(json!({ "version": "1.1.0" }), &ctx).await.unwrap_err();
        assert_eq!(
            error.message(),
            "there is nothing to write about 1.1.0: no `summary`, no `notes`, and nothing unreleased in \
             `CHANGELOG.md`"
        );
        let config = json!({ "version": "1.1.0", "notes": "### Features\n\n- a\n" });
        execute::<ChangelogUpdate>(config, &ctx).await.unwrap();
        assert!(run.read("CHANGELOG.md").ends_with("## [1.1.0] - 2026-01-02\n\n### Features\n\n- a\n"));
    }
}
