//! `release.readme_update`.

use regex::{NoExpand, Regex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    WorkspacePath, register,
};

use super::changelog::today;
use super::edit::{Draft, Edit, apply, fixed, show};
use super::version::label_problem;
use crate::filesystem::changes::{already_done, take_back};

/// Brings texts that name the version up to date, such as a badge or the install command in a
/// README. For the version of the project itself, see `release.version_bump`.
///
/// Each update says where: between two `markers`, which stay, or wherever a `pattern` (a regular
/// expression) matches, exactly `matches` times. And with what: `text`, in which `{version}`,
/// `{tag}` and `{date}` stand for those of the release.
///
/// A second time nothing changes: the pattern must match the new text as well. Fails where a file
/// or a marker is missing, a marker is there twice, or a pattern matches more or less often; then
/// no file changes.
///
/// Undoing it restores every file to the byte, and refuses when somebody has changed one since.
///
/// ```yaml
/// - id: readme
///   handler: release.readme_update
///   config:
///     version: $<step-outputs.bump.new_version>
///     updates:
///       - { pattern: 'app = "[0-9.]+"', text: 'app = "{version}"' }
///       - { markers: ["<!-- version -->", "<!-- /version -->"], text: "{version} of {date}" }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadmeUpdate {
    /// The version.
    version: String,
    /// What comes before the version in a tag.
    #[serde(default = "tag_prefix")]
    tag_prefix: String,
    /// The file of updates that name none, relative to the workspace.
    #[serde(default = "readme")]
    file: WorkspacePath,
    /// What to bring up to date.
    #[schemars(length(min = 1))]
    updates: Vec<Update>,
}

/// A text to bring up to date.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// The file, relative to the workspace.
    #[serde(default)]
    file: Option<WorkspacePath>,
    /// The texts before and after the place.
    #[serde(default)]
    markers: Option<[String; 2]>,
    /// A regular expression of what is replaced.
    #[serde(default)]
    pattern: Option<String>,
    /// How often `pattern` must match.
    #[serde(default = "once")]
    #[schemars(range(min = 1))]
    matches: usize,
    /// What goes there.
    text: String,
}

/// What changed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Updated {
    /// The files that changed, relative to the workspace.
    files: Vec<String>,
    /// Whether any did.
    changed: bool,
}

impl StepHandler for ReadmeUpdate {
    const NAME: &'static str = "release.readme_update";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Updated;

    fn metadata() -> Metadata {
        Metadata { title: "Update the README", category: "Release", icon: "✎" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    fn validate(&self, findings: &mut Findings) {
        let mut report = |at: String, message: String| {
            findings.error("release::update", Place::Config(at), message);
        };
        if let Some(problem) = label_problem(&self.version) {
            report("/version".to_owned(), problem);
        }
        for (index, update) in self.updates.iter().enumerate() {
            let at = |key: &str| format!("/updates/{index}{key}");
            match (&update.markers, &update.pattern) {
                (Some([start, end]), None) if start.is_empty() || end.is_empty() => {
                    report(at("/markers"), "a marker is empty".to_owned());
                }
                (Some(_), None) => {}
                (None, Some(pattern)) => {
                    if let Err(error) = Regex::new(pattern) {
                        let why = error.to_string();
                        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                        report(at("/pattern"), format!("the pattern can't be read: {why}"));
                    }
                }
                _ => report(at(""), "an update needs either `markers` or a `pattern`".to_owned()),
            }
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Updated, StepError> {
        let (edits, updated) = self.plan(ctx).await?;
        apply(ctx, &edits, &updated).await?;
        if !updated.changed {
            ctx.log().info("everything is up to date already");
        }
        Ok(updated)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Updated>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Updated>, StepError> {
        let (edits, updated) = self.plan(ctx).await?;
        let summary = match updated.files.as_slice() {
            [] => "finds everything up to date".to_owned(),
            files => format!("updates {}", files.join(", ")),
        };
        Ok(show(Preview::new(summary), edits).output(updated))
    }
}

impl Undo for ReadmeUpdate {
    async fn undo(&self, output: Option<&Updated>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| output.changed)).await
    }
}

register!(step ReadmeUpdate: undo);

impl ReadmeUpdate {
    async fn plan(&self, ctx: &StepContext) -> Result<(Vec<Edit>, Updated), StepError> {
        let date = today(ctx.clock())?;
        let mut draft = Draft::new(ctx);
        for update in &self.updates {
            let file = update.file.as_ref().unwrap_or(&self.file);
            let fails = |problem: String| StepError::permanent(format!("`{file}` {problem}"));
            let text = draft.text(file).await?;
            let text = text.ok_or_else(|| StepError::permanent(format!("there is no file `{file}`")))?;
            let with = update
                .text
                .replace("{version}", &self.version)
                .replace("{tag}", &format!("{}{}", self.tag_prefix, self.version))
                .replace("{date}", &date);
            let with = if text.contains("\r\n") { with.replace('\n', "\r\n") } else { with };
            draft.replace(file, update.edits(&text, &with).map_err(fails)?);
        }
        let edits = draft.finish()?;
        let files: Vec<String> = edits.iter().map(|edit| edit.path.to_string()).collect();
        Ok((edits, Updated { changed: !files.is_empty(), files }))
    }
}

type Replacements = Vec<(std::ops::Range<usize>, String)>;

impl Update {
    fn edits(&self, text: &str, with: &str) -> Result<Replacements, String> {
        match (&self.markers, &self.pattern) {
            (Some([start, end]), _) => between(text, start, end, with),
            (None, Some(pattern)) => self.matching(text, pattern, with),
            (None, None) => Ok(Vec::new()),
        }
    }

    fn matching(&self, text: &str, pattern: &str, with: &str) -> Result<Replacements, String> {
        let expression = Regex::new(pattern).map_err(|error| error.to_string())?;
        let found: Vec<_> = expression.find_iter(text).map(|found| found.range()).collect();
        if found.len() != self.matches {
            let (times, wanted) = (found.len(), self.matches);
            return Err(format!("matches `{pattern}` {times} times, not {wanted} as `matches` says"));
        }
        let after = expression.replace_all(text, NoExpand(with));
        let again: Vec<&str> = expression.find_iter(&after).map(|found| found.as_str()).collect();
        if again.len() != found.len() || again.iter().any(|found| *found != with) {
            return Err(format!("would no longer match `{pattern}` with `{with}` in it; widen the pattern"));
        }
        Ok(found.into_iter().map(|span| (span, with.to_owned())).collect())
    }
}

/// Line breaks next to the markers stay.
fn between(text: &str, start: &str, end: &str, with: &str) -> Result<Replacements, String> {
    for marker in [start, end] {
        let times = text.matches(marker).count();
        if times != 1 {
            return Err(format!("has the marker `{marker}` {times} times, not once"));
        }
    }
    let (from, to) = (text.find(start).unwrap_or_default() + start.len(), text.find(end).unwrap_or_default());
    if to < from {
        return Err(format!("has the marker `{end}` before `{start}`"));
    }
    let inside = &text[from..to];
    let breaks = |c: char| c == '\n' || c == '\r';
    let before = inside.len() - inside.trim_start_matches(breaks).len();
    let after = if before == inside.len() { 0 } else { inside.len() - inside.trim_end_matches(breaks).len() };
    Ok(vec![(from + before..to - after, with.to_owned())])
}

fn tag_prefix() -> String {
    "v".to_owned()
}

fn readme() -> WorkspacePath {
    fixed("README.md")
}

fn once() -> usize {
    1
}

#[cfg(test)]
#[path = "readme_update_tests.rs"]
mod tests;
