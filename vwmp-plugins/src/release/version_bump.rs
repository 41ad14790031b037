//! `release.version_bump`.

use schemars::JsonSchema;
use semver::BuildMetadata;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Files, History, VersionControl};
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Place as ConfigPlace, Preview, StepContext, StepError,
    StepHandler, Undo, WorkspacePath, register,
};

use super::bump_plan::{self, Next};
use super::edit::{apply, fixed, show};
use super::places::Place;
use super::version::{CHANNEL, Increment, Scheme, Version};
use crate::filesystem::changes::{already_done, begin_anew, take_back};

/// Raises the version, in every file that names it: all or none.
///
/// `version_file` is a file that holds the version alone, a `Cargo.toml` (the lock file, members
/// that inherit the version, and what the workspace requires of the package by path follow), a
/// `package.json` (with `package-lock.json` or `npm-shrinkwrap.json`), a `pyproject.toml` (with
/// `uv.lock`), or any file with `key` or `search`. `files` are more of them; each must say the
/// same version before. Every other byte stays as it is.
///
/// A pre-release such as `1.2.3-rc.1` becomes `1.2.3` when it is raised without a `channel`, and
/// `1.2.3-rc.2` with the channel `rc`. With `version` the version is set instead of raised.
///
/// `increment_type: auto` looks at the commits since the last tag: one that breaks something asks
/// for a major version (for a minor one while the version is `0.x`), `feat` for a minor one, any
/// other for a patch. A version that was never tagged is released as it is. Where there is no
/// commit, the output says `released: false` and nothing changes; let the steps after it depend on
/// that with `when: steps.bump.outputs.released`.
///
/// Fails where a file is missing, or holds no version, two, or another one than the rest; where a
/// `search` is found more or less often than `matches` says; and where the version would go down.
///
/// Undoing it restores every file to the byte, and refuses when somebody has changed one since.
///
/// ```yaml
/// - id: bump
///   handler: release.version_bump
///   config:
///     version_file: Cargo.toml
///     files:
///       - { file: web/package.json }
///       - { file: chart/Chart.yaml, key: appVersion }
///       - { file: docs/install.md, search: "app@{version}", matches: 2 }
///     increment_type: auto
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct VersionBump {
    /// The file that holds the version, relative to the workspace.
    #[serde(default = "version_file")]
    pub(super) version_file: WorkspacePath,
    /// Where the version stands in `version_file`, such as `project.version`, where its name
    /// doesn't say it: for TOML, JSON and YAML.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// Text around the version in `version_file`, with `{version}` for the version itself.
    #[serde(default)]
    pub(super) search: Option<String>,
    /// More files that name the version.
    #[serde(default)]
    pub(super) files: Vec<Place>,
    /// Where the version comes from: `file` is `version_file`; `tag` is the last tag, for projects
    /// that hold it nowhere else.
    #[serde(default)]
    pub(super) source: Source,
    /// Which part to raise: `patch`, `minor`, `major`; `prerelease` for the next one in `channel`,
    /// `release` to end a pre-release; `auto` to let the commits decide; in the four-part scheme
    /// `feature_set` and `feature` in place of `minor`.
    #[serde(default)]
    pub(super) increment_type: Increment,
    /// The channel of a pre-release, such as `alpha`, `beta` or `rc`. With another increment than
    /// `prerelease`, the raised version is a pre-release too. `rc` for a `prerelease` that has none.
    #[serde(default)]
    pub(super) channel: Option<String>,
    /// Build metadata: what comes after a `+`.
    #[serde(default)]
    pub(super) build: Option<String>,
    /// The version to set; where it is given, `increment_type` doesn't matter.
    #[serde(default)]
    pub(super) version: Option<String>,
    /// How versions are counted: `semver`, `four-part` for `major.feature_set.feature.patch`, or
    /// `pep440` for Python's `1.2.3rc1`. A `pyproject.toml` is written in Python's way in any case.
    #[serde(default)]
    pub(super) scheme: Scheme,
    /// What comes before the version in a tag.
    #[serde(default = "tag_prefix")]
    pub(super) tag_prefix: String,
    /// With `auto`: only commits that change one of these files or folders count, relative to the
    /// workspace; `!` before one leaves it out.
    #[serde(default)]
    pub(super) paths: Vec<String>,
    /// With `auto`: types of commits that ask for no version, such as `chore`, unless they break
    /// something.
    #[serde(default)]
    pub(super) ignored_types: Vec<String>,
    /// With `auto`: whether a commit that breaks something leads from `0.x` to `1.0.0`.
    #[serde(default)]
    pub(super) major_on_zero: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Source {
    #[default]
    File,
    Tag,
}

/// The version before and after.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Bumped {
    /// The version before.
    pub(super) old_version: String,
    /// The version now.
    pub(super) new_version: String,
    /// The files that changed, relative to the workspace.
    pub(super) files: Vec<String>,
    /// Whether there is something to release.
    pub(super) released: bool,
    /// The tag of the version.
    pub(super) tag: String,
    /// The tag of the release before, where the commits decided and there is one.
    pub(super) previous_tag: Option<String>,
    /// Whether the version is a pre-release.
    pub(super) prerelease: bool,
    /// Why this version, in a sentence.
    pub(super) reason: String,
}

impl StepHandler for VersionBump {
    const NAME: &'static str = "release.version_bump";
    // A second time would raise the version again.
    const EFFECT: Effect = Effect::Once;
    type Output = Bumped;

    fn metadata() -> Metadata {
        Metadata { title: "Bump the Version", category: "Release", icon: "⇧" }
    }

    fn requires() -> Vec<Capability> {
        vec![
            Capability::of::<dyn Files>(),
            Capability::of::<dyn VersionControl>(),
            Capability::of::<dyn History>(),
        ]
    }

    fn validate(&self, findings: &mut Findings) {
        let mut report = |code: &str, key: &str, message: String| {
            findings.error(format!("release::{code}"), ConfigPlace::Config(format!("/{key}")), message);
        };
        if let Some(version) = &self.version
            && Version::parse(version, self.scheme).is_err()
        {
            let example = self.scheme.example();
            report("version", "version", format!("`{version}` isn't a version such as {example}"));
        }
        if let Some(channel) = &self.channel
            && !is_channel(channel)
        {
            report("channel", "channel", format!("`{channel}` can't be a channel; {CHANNEL}"));
        }
        if let Some(build) = &self.build
            && (build.is_empty() || BuildMetadata::new(build).is_err())
        {
            let message =
                format!("`{build}` can't be build metadata; write letters, digits, dots and hyphens");
            report("build", "build", message);
        }
        let plain =
            !matches!(self.increment_type, Increment::Auto | Increment::Prerelease | Increment::Release);
        if plain && let Err(problem) = self.scheme.place(self.increment_type) {
            report("increment", "increment_type", format!("the scheme {problem}"));
        }
        if self.increment_type == Increment::Release && self.channel.is_some() {
            let message = "`release` ends a pre-release, so there can be no `channel`";
            report("channel", "channel", message.to_owned());
        }
        self.main().check("", findings);
        for (index, place) in self.files.iter().enumerate() {
            place.check(&format!("/files/{index}"), findings);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Bumped, StepError> {
        begin_anew(ctx).await?;
        let (edits, bumped) = bump_plan::plan(self, ctx).await?;
        apply(ctx, &edits, &bumped).await?;
        ctx.log().info(bumped.line("raised"));
        Ok(bumped)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Bumped>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Bumped>, StepError> {
        let (edits, bumped) = bump_plan::plan(self, ctx).await?;
        Ok(show(Preview::new(bumped.line("raises")), edits).output(bumped))
    }
}

impl Undo for VersionBump {
    async fn undo(&self, output: Option<&Bumped>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| !output.files.is_empty())).await
    }
}

register!(step VersionBump: undo);

impl VersionBump {
    /// The file that says which version it is now.
    pub(super) fn main(&self) -> Place {
        Place {
            file: self.version_file.clone(),
            key: self.key.clone(),
            search: self.search.clone(),
            replace: None,
            matches: 1,
        }
    }

    pub(super) fn parse(&self, version: &str) -> Result<Version, StepError> {
        Version::parse(version, self.scheme)
            .map_err(|problem| StepError::permanent(format!("the version {problem}")))
    }

    pub(super) fn output(&self, old: &Version, next: &Next, files: Vec<String>) -> Bumped {
        let new_version = next.version.to_string();
        Bumped {
            old_version: old.to_string(),
            tag: format!("{}{new_version}", self.tag_prefix),
            new_version,
            files,
            released: next.released,
            previous_tag: next.previous_tag.clone(),
            prerelease: next.version.is_prerelease(),
            reason: next.reason.clone(),
        }
    }
}

impl Bumped {
    fn line(&self, raises: &str) -> String {
        match self.released {
            false => format!("nothing to release: {}", self.reason),
            true if self.old_version == self.new_version => {
                format!("keeps {}: {}", self.new_version, self.reason)
            }
            true => format!("{raises} {} to {}: {}", self.old_version, self.new_version, self.reason),
        }
    }
}

fn is_channel(text: &str) -> bool {
    let parts = text.split('.').all(|part| !part.is_empty());
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    parts && letters && !text.bytes().all(|byte| byte.is_ascii_digit())
}

fn version_file() -> WorkspacePath {
    fixed("VERSION")
}

fn tag_prefix() -> String {
    "v".to_owned()
}

#[cfg(test)]
#[path = "version_bump_tests.rs"]
mod tests;
