//! `release.changelog_create`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    WorkspacePath, register,
};

use super::changelog::now;
use super::edit::{Edit, apply, fixed, read, show};
use super::version::label_problem;
use crate::filesystem::changes::{already_done, take_back};

/// Writes the changelog entry of one version as a file of its own: `{dir}/{version}.md`, with the
/// time (UTC, to the second), the summary, the details and the notes.
///
/// Where the file is there already with the same content, nothing is done; the time may differ.
/// Fails where it has other content: entries are never overwritten.
///
/// Undoing it removes the file, if this step created it; it refuses when somebody has changed it since.
///
/// ```yaml
/// - id: notes
///   handler: release.changelog_create
///   config:
///     version: $<step-outputs.bump.new_version>
///     summary: Faster start, fewer surprises
///     details:
///       - "`run` starts in 5 ms"
///       - unknown keys are refused
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangelogCreate {
    /// The folder of the entries, relative to the workspace.
    #[serde(default = "dir")]
    dir: WorkspacePath,
    /// The version.
    version: String,
    /// What the version brings, in a sentence or two; may be left out where there are `notes`.
    #[serde(default)]
    summary: String,
    /// More, one point each.
    #[serde(default)]
    details: Vec<String>,
    /// The notes, as Markdown; usually those of `release.notes`.
    #[serde(default)]
    notes: String,
}

/// The entry.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its file, relative to the workspace.
    path: String,
    /// Whether this step wrote it.
    created: bool,
}

impl StepHandler for ChangelogCreate {
    const NAME: &'static str = "release.changelog_create";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Entry;

    fn metadata() -> Metadata {
        Metadata { title: "Write a Changelog Entry", category: "Release", icon: "✎" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if let Some(problem) = label_problem(&self.version) {
            findings.error("release::version", Place::Config("/version".into()), problem);
        }
        if self.summary.trim().is_empty() && self.notes.trim().is_empty() {
            findings.error(
                "release::summary",
                Place::Config("/summary".into()),
                "the summary is empty, and so are the notes",
            );
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Entry, StepError> {
        let (edits, entry) = self.plan(ctx).await?;
        apply(ctx, &edits, &entry).await?;
        Ok(entry)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Entry>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Entry>, StepError> {
        let (edits, entry) = self.plan(ctx).await?;
        let verb = if entry.created { "writes" } else { "finds" };
        Ok(show(Preview::new(format!("{verb} {}", entry.path)), edits).output(entry))
    }
}

impl Undo for ChangelogCreate {
    async fn undo(&self, output: Option<&Entry>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| output.created)).await
    }
}

register!(step ChangelogCreate: undo);

impl ChangelogCreate {
    async fn plan(&self, ctx: &StepContext) -> Result<(Vec<Edit>, Entry), StepError> {
        let path = self.path()?;
        let entry = |created| Entry { path: path.to_string(), created };
        match read(ctx, &path).await? {
            None => {
                let after = format!("{}{}", self.first_line(&now(ctx.clock())?), self.body());
                Ok((vec![Edit { path: path.clone(), before: None, after }], entry(true)))
            }
            Some(text) if self.is_same(&text) => Ok((Vec::new(), entry(false))),
            Some(_) => Err(StepError::permanent(format!(
                "`{path}` is there already, with other content; remove it, or choose another version"
            ))),
        }
    }

    fn path(&self) -> Result<WorkspacePath, StepError> {
        WorkspacePath::parse(&format!("{}/{}.md", self.dir, self.version)).map_err(StepError::invalid)
    }

    fn first_line(&self, date: &str) -> String {
        format!("# {} - {date}\n", self.version)
    }

    fn body(&self) -> String {
        let details =
            self.details.iter().map(|detail| format!("- {}\n", detail.trim().replace('\n', "\n  ")));
        let details: String = details.collect();
        let parts = [self.summary.trim(), details.trim_end(), self.notes.trim()];
        let filled = parts.into_iter().filter(|part| !part.is_empty());
        filled.map(|part| format!("\n{part}\n")).collect()
    }

    /// Whether a file is this entry, of whatever time.
    fn is_same(&self, text: &str) -> bool {
        let Some((first, body)) = text.split_once('\n') else { return false };
        first.starts_with(&format!("# {} - ", self.version)) && body == self.body()
    }
}

fn dir() -> WorkspacePath {
    fixed("docs/changelog")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use vwmp_interfaces::Change;
    use vwmp_testkit::{TestRun, execute, preview, undo};

    use super::*;
    use crate::filesystem::adapter::LocalFiles;

    const PATH: &str = "docs/changelog/1.1.0.md";

    #[tokio::test]
    async fn an_entry_is_written_once_and_can_be_taken_back() {
        let run = TestRun::new().connected::<LocalFiles>(json!({})).await.unwrap();
        let ctx = run.context("notes");
        let config = json!({ "version": "1.1.0", "summary": " Faster. ", "details": ["a", "b\nc"] });
        let text = "# 1.1.0 - 2026-01-02T03:04:05Z\n\nFaster.\n\n- a\n- b\n  c\n";
        let seen = preview::<ChangelogCreate>(config.clone(), &ctx).await.unwrap();
        assert_eq!(
            seen.changes,
            [Change::File { path: PATH.into(), before: None, after: Some(text.into()) }]
        );
        assert!(!run.exists(PATH));
        let made = execute::<ChangelogCreate>(config.clone(), &ctx).await.unwrap();
        assert_eq!((&made, run.read(PATH).as_str()), (&json!({ "path": PATH, "created": true }), text));
        assert_eq!(seen.output, Some(made.clone()));

        run.advance(Duration::from_secs(86_400));
        let again = execute::<ChangelogCreate>(config.clone(), &ctx).await.unwrap();
        assert_eq!((again["created"].as_bool(), run.read(PATH).as_str()), (Some(false), text));
        let other = run.context("other");
        let found = execute::<ChangelogCreate>(config.clone(), &other).await.unwrap();
        undo::<ChangelogCreate>(config.clone(), found, &other).await.unwrap();
        assert!(run.exists(PATH), "another step found it, and leaves it");
        undo::<ChangelogCreate>(config, again, &ctx).await.unwrap();
        assert!(!run.exists("docs"));
    }

    #[tokio::test]
    async fn another_entry_is_never_overwritten() {
        let run = TestRun::new().connected::<LocalFiles>(json!({})).await.unwrap();
        let ctx = run.context("notes");
        run.write(PATH, "# 1.1.0 - 2025-01-01\n\nSlower.\n");
        let config = json!({ "version": "1.1.0", "summary": "Faster." });
        let message = "`docs/changelog/1.1.0.md` is there already, with other content; remove it, or choose \
                       another version";
        assert_eq!(execute::<ChangelogCreate>(config.clone(), &ctx).await.unwrap_err().message(), message);
        undo::<ChangelogCreate>(config.clone(), None, &ctx).await.unwrap();
        assert_eq!(run.read(PATH), "# 1.1.0 - 2025-01-01\n\nSlower.\n");
        let config = json!({ "version": "../1", "summary": "x" });
        let error = execute::<ChangelogCreate>(config, &ctx).await.unwrap_err();
        assert_eq!(
            error.message(),
            "config of release.changelog_create: `../1` can't be a version: it begins with `.`"
        );
    }
}
