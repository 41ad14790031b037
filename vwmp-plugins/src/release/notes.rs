//! `release.notes`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{History, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, register,
};

use super::changelog::today;
use super::notes_text::{self, Links};
use super::past::{commits_since, last_tag};
use super::version::Scheme;
use super::{conventional, notes_groups};

/// Writes release notes from the commits since the last tag.
///
/// Commits that follow the Conventional Commits specification are grouped: what breaks, features,
/// fixes, performance, reverts, documentation. Several changes in the body of one (squashed)
/// commit count as several. A commit and its revert, both since the last tag, leave no trace, nor
/// does a merge that only repeats what it merges.
/// Other commits are listed last, merges and the types in `hidden_types` not at all. With
/// `repository`, commits, issues and the comparison with the last tag become links.
///
/// It only looks; give the result to `release.changelog_update`, `release.changelog_create` or a
/// release host. Fails in a shallow clone that doesn't reach the last tag.
///
/// ```yaml
/// - id: notes
///   handler: release.notes
///   config:
///     version: $<step-outputs.bump.new_version>
///     repository: https://github.com/acme/app
/// - id: changelog
///   handler: release.changelog_update
///   config:
///     version: $<step-outputs.bump.new_version>
///     notes: $<step-outputs.notes.markdown>
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct Notes {
    /// The version that is released, for the links and templates.
    #[serde(default)]
    version: Option<String>,
    /// What comes before the version in a tag.
    #[serde(default = "tag_prefix")]
    tag_prefix: String,
    /// How versions are counted: `semver`, `four-part` or `pep440`.
    #[serde(default)]
    scheme: Scheme,
    /// The tag that the notes begin after, such as the `previous_tag` of a bump; the last one that
    /// the last commit builds on where it isn't given.
    #[serde(default)]
    since: Option<String>,
    /// The tag or commit that the notes end with, where it isn't the last commit.
    #[serde(default)]
    until: Option<String>,
    /// Only commits that change one of these files or folders, relative to the workspace; `!`
    /// before one leaves it out.
    #[serde(default)]
    paths: Vec<String>,
    /// The groups, in their order; those of this handler where none are given.
    #[serde(default)]
    sections: Vec<SectionRule>,
    /// Types of commits that are left out unless they break something.
    #[serde(default = "hidden_types")]
    hidden_types: Vec<String>,
    /// The heading of the commits that fit no group; empty to leave them out.
    #[serde(default = "other")]
    other: String,
    /// Whether to list who contributed.
    #[serde(default)]
    contributors: bool,
    /// The address of the repository in a browser, for links in the style of GitHub and GitLab.
    #[serde(default)]
    repository: Option<String>,
    /// A link to a commit, with `{id}`; from `repository` where it isn't given.
    #[serde(default)]
    commit_url: Option<String>,
    /// A link to an issue, with `{id}`; from `repository` where it isn't given.
    #[serde(default)]
    issue_url: Option<String>,
    /// A link to what changed, with `{from}` and `{to}`; from `repository` where it isn't given.
    #[serde(default)]
    compare_url: Option<String>,
    /// A template of your own in place of the layout, in the language of Jinja. It has `version`,
    /// `tag`, `previous_tag`, `date`, `sections` (each `title` and `changes`), `breaking`,
    /// `commits` and `contributors`, as in the output.
    #[serde(default)]
    template: Option<String>,
}

/// A group of changes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SectionRule {
    /// The heading.
    pub(super) title: String,
    /// The types of commits in it, such as `feat`.
    pub(super) types: Vec<String>,
}

/// The notes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Written {
    /// The notes as Markdown, headings from the third level on.
    markdown: String,
    /// The groups that have something in them.
    sections: Vec<Section>,
    /// What breaks.
    breaking: Vec<Item>,
    /// Every commit since the last tag, newest first.
    commits: Vec<CommitLine>,
    /// Who contributed, in the order of their last commit.
    contributors: Vec<String>,
    /// The tag that the notes begin after.
    previous_tag: Option<String>,
    /// Whether there is nothing to tell.
    empty: bool,
}

/// A group of changes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Section {
    /// The heading.
    pub(super) title: String,
    /// The changes, those with a scope first, newest first.
    pub(super) changes: Vec<Item>,
}

/// One change.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Item {
    /// The type, such as `feat`; null where the commit doesn't follow the specification.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// The part of the project that it is about.
    pub(super) scope: Option<String>,
    /// What changes.
    pub(super) description: String,
    /// What breaks, if anything.
    pub(super) breaking: Option<String>,
    /// The full id of the commit.
    pub(super) commit: String,
    /// The numbers of issues that it names.
    pub(super) issues: Vec<String>,
}

/// A commit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct CommitLine {
    /// The full id.
    pub(super) id: String,
    /// The first line of the message.
    pub(super) subject: String,
    /// The author's name.
    pub(super) author: String,
}

impl StepHandler for Notes {
    const NAME: &'static str = "release.notes";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Written;

    fn metadata() -> Metadata {
        Metadata { title: "Write Release Notes", category: "Release", icon: "✎" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>(), Capability::of::<dyn History>()]
    }

    fn validate(&self, findings: &mut Findings) {
        let mut report = |key: &str, message: String| {
            findings.error("release::notes", Place::Config(format!("/{key}")), message);
        };
        for (key, url, wanted) in [
            ("commit_url", &self.commit_url, "{id}"),
            ("issue_url", &self.issue_url, "{id}"),
            ("compare_url", &self.compare_url, "{to}"),
        ] {
            if url.as_ref().is_some_and(|url| !url.contains(wanted)) {
                report(key, format!("`{key}` needs `{wanted}` where the address differs"));
            }
        }
        if let Some(Err(problem)) = self.template.as_deref().map(notes_text::check_template) {
            report("template", problem);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Written, StepError> {
        let written = self.write(ctx).await?;
        ctx.log().info(written.line());
        Ok(written)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Written>, StepError> {
        let written = self.write(ctx).await?;
        Ok(Preview::new(written.line()).output(written))
    }
}

register!(step Notes);

impl Notes {
    async fn write(&self, ctx: &StepContext) -> Result<Written, StepError> {
        let previous_tag = match &self.since {
            Some(tag) => Some(tag.clone()),
            None => {
                let prereleases = self.version.as_deref().is_some_and(|version| version.contains('-'));
                let last = last_tag(ctx, &self.tag_prefix, self.scheme, prereleases).await?;
                last.map(|tag| tag.name)
            }
        };
        let commits = commits_since(ctx, previous_tag.as_deref(), self.until.as_deref(), &self.paths).await?;
        let changes = conventional::changes(&commits);
        let rules = if self.sections.is_empty() { notes_groups::usual() } else { self.sections.clone() };
        let groups = notes_groups::group(&changes, &rules, &self.hidden_types, &self.other);
        let mut written = Written {
            markdown: String::new(),
            empty: groups.sections.is_empty() && groups.breaking.is_empty(),
            sections: groups.sections,
            breaking: groups.breaking,
            contributors: notes_groups::contributors(&commits),
            commits: commits.iter().map(notes_groups::commit_line).collect(),
            previous_tag,
        };
        written.markdown = match &self.template {
            Some(template) => notes_text::filled(template, &written, &self.words(ctx)?)?,
            None => notes_text::markdown(
                &written.sections,
                &written.breaking,
                if self.contributors { &written.contributors } else { &[] },
                &self.links(written.previous_tag.as_deref()),
            ),
        };
        Ok(written)
    }

    fn tag(&self) -> Option<String> {
        self.version.as_ref().map(|version| format!("{}{version}", self.tag_prefix))
    }

    /// What a template has beside the output.
    fn words(&self, ctx: &StepContext) -> Result<serde_json::Value, StepError> {
        Ok(serde_json::json!({ "version": self.version, "tag": self.tag(), "date": today(ctx.clock())? }))
    }

    fn links(&self, previous: Option<&str>) -> Links {
        let base = self.repository.as_deref().filter(|url| !url.is_empty());
        let base = base.map(|url| url.trim_end_matches('/').trim_end_matches(".git"));
        let own = |url: &Option<String>, path: &str| {
            url.clone().or_else(|| base.map(|base| format!("{base}/{path}")))
        };
        let to = self.tag().or_else(|| self.until.clone()).unwrap_or_else(|| "HEAD".to_owned());
        let compare = own(&self.compare_url, "compare/{from}...{to}");
        let compare =
            compare.zip(previous).map(|(url, from)| url.replace("{from}", from).replace("{to}", &to));
        Links {
            commit: own(&self.commit_url, "commit/{id}"),
            issue: own(&self.issue_url, "issues/{id}"),
            compare,
        }
    }
}

impl Written {
    fn line(&self) -> String {
        let since =
            self.previous_tag.as_ref().map_or("in the history".to_owned(), |tag| format!("since {tag}"));
        let changes: usize = self.sections.iter().map(|section| section.changes.len()).sum();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (c, n) = (self.commits.len(), changes);
        format!("{n} change{} to tell of {c} commit{} {since}", plural(n), plural(c))
    }
}

fn tag_prefix() -> String {
    "v".to_owned()
}

fn hidden_types() -> Vec<String> {
    ["build", "chore", "ci", "release", "style", "test"].map(ToOwned::to_owned).to_vec()
}

fn other() -> String {
    "Other Changes".to_owned()
}

#[cfg(test)]
#[path = "notes_tests.rs"]
mod tests;
