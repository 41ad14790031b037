//! `release.verify`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Files, History, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place as ConfigPlace, Preview, StepContext, StepError,
    StepHandler, WorkspacePath, register,
};

use super::changelog;
use super::edit::{Draft, fixed};
use super::past::last_tag;
use super::places::Place;
use super::version::{Scheme, Version};

/// Checks that a release can go out: every place agrees on the version, the changelog knows it, it
/// is higher than that of the last tag, and its tag is free here and on the remote.
///
/// All that is wrong is said at once. It only looks. With `remote: ""` no remote is asked.
///
/// ```yaml
/// - id: verify
///   handler: release.verify
///   needs: [changelog]
///   config:
///     version: $<step-outputs.bump.new_version>
///     files: [{ file: VERSION }, { file: Cargo.toml }]
///     changelog: CHANGELOG.md
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct Verify {
    /// The version; that of the first of `files` where it isn't given.
    #[serde(default)]
    version: Option<String>,
    /// The files that name it.
    #[serde(default = "files")]
    files: Vec<Place>,
    /// The changelog that must have it, relative to the workspace.
    #[serde(default)]
    changelog: Option<WorkspacePath>,
    /// How versions are counted: `semver`, `four-part` or `pep440`.
    #[serde(default)]
    scheme: Scheme,
    /// What comes before the version in a tag.
    #[serde(default = "tag_prefix")]
    tag_prefix: String,
    /// The remote on which the tag must be free; the adapter's where it isn't given.
    #[serde(default)]
    remote: Option<String>,
}

/// What was checked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verified {
    /// The version.
    version: String,
    /// Its tag, which is free.
    tag: String,
    /// The tag of the release before, if any.
    previous_tag: Option<String>,
}

impl StepHandler for Verify {
    const NAME: &'static str = "release.verify";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Verified;

    fn metadata() -> Metadata {
        Metadata { title: "Verify a Release", category: "Release", icon: "✓" }
    }

    fn requires() -> Vec<Capability> {
        vec![
            Capability::of::<dyn Files>(),
            Capability::of::<dyn VersionControl>(),
            Capability::of::<dyn History>(),
        ]
    }

    fn validate(&self, findings: &mut Findings) {
        let mut report = |key: &str, message: String| {
            findings.error("release::verify", ConfigPlace::Config(format!("/{key}")), message);
        };
        if self.version.is_none() && self.files.is_empty() {
            report("files", "give a `version`, or `files` that name it".to_owned());
        }
        if let Some(version) = &self.version
            && Version::parse(version, self.scheme).is_err()
        {
            let example = self.scheme.example();
            report("version", format!("`{version}` isn't a version such as {example}"));
        }
        for (index, place) in self.files.iter().enumerate() {
            place.check(&format!("/files/{index}"), findings);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Verified, StepError> {
        let verified = ctx.unless_cancelled(self.look(ctx, false)).await?;
        ctx.log().info(format!("{} can go out as {}", verified.version, verified.tag));
        Ok(verified)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Verified>, StepError> {
        let verified = self.look(ctx, true).await?;
        Ok(Preview::new(format!("verifies that {} can go out", verified.version)).output(verified))
    }
}

register!(step Verify);

impl Verify {
    /// A plan asks no remote: it should work offline.
    async fn look(&self, ctx: &StepContext, offline: bool) -> Result<Verified, StepError> {
        let mut problems = Vec::new();
        let version = self.agreed(ctx, &mut problems).await?;
        let Some(version) = version else { return Err(failed(&problems)) };
        let tag = format!("{}{version}", self.tag_prefix);
        if let Some(path) = &self.changelog {
            match super::edit::read(ctx, path).await? {
                None => problems.push(format!("there is no changelog `{path}`")),
                Some(text) if !changelog::has(&text, &version.to_string()) => {
                    problems.push(format!("`{path}` has no heading for {version}"));
                }
                Some(_) => {}
            }
        }
        let last = last_tag(ctx, &self.tag_prefix, self.scheme, true).await?;
        if let Some(last) = &last
            && last.version >= version
        {
            problems.push(format!("{version} isn't higher than the last tag {}", last.name));
        }
        self.check_tag(ctx, &tag, offline, &mut problems).await?;
        if !problems.is_empty() {
            return Err(failed(&problems));
        }
        Ok(Verified { version: version.to_string(), tag, previous_tag: last.map(|tag| tag.name) })
    }

    /// The version that all places should say: the one given, or that of the first place.
    async fn agreed(
        &self,
        ctx: &StepContext,
        problems: &mut Vec<String>,
    ) -> Result<Option<Version>, StepError> {
        let given = self.version.as_deref().map(|version| Version::parse(version, self.scheme));
        let mut agreed =
            given.transpose().map_err(|problem| StepError::invalid(format!("the version {problem}")))?;
        let mut draft = Draft::new(ctx);
        for place in &self.files {
            let file = &place.file;
            let found = match draft.text(file).await? {
                None => Err(format!("there is no file `{file}`")),
                Some(text) => place.find(&text, self.scheme).map_err(|problem| format!("`{file}` {problem}")),
            };
            match (found, &agreed) {
                (Err(problem), _) => problems.push(problem),
                (Ok(found), None) => agreed = Some(found.version),
                (Ok(found), Some(version)) if found.version != *version => {
                    problems.push(format!("`{file}` says {}, not {version}", found.version));
                }
                _ => {}
            }
        }
        Ok(agreed)
    }

    async fn check_tag(
        &self,
        ctx: &StepContext,
        tag: &str,
        offline: bool,
        problems: &mut Vec<String>,
    ) -> Result<(), StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        if let Some(commit) = git.tag(tag).await? {
            let short = commit.get(..7).unwrap_or(&commit);
            problems.push(format!("the tag `{tag}` is there already, at {short}"));
        }
        let remote = self.remote.as_deref().unwrap_or(git.default_remote());
        if !offline && !remote.is_empty() {
            let wanted = format!("refs/tags/{tag}");
            let refs = git.remote_refs(remote, std::slice::from_ref(&wanted)).await?;
            if refs.iter().any(|found| found.name == wanted) {
                problems.push(format!("the tag `{tag}` is on {remote} already; run `git fetch --tags`"));
            }
        }
        Ok(())
    }
}

fn failed(problems: &[String]) -> StepError {
    StepError::permanent(format!("the release isn't ready: {}", problems.join("; ")))
}

fn files() -> Vec<Place> {
    vec![Place { file: fixed("VERSION"), key: None, search: None, replace: None, matches: 1 }]
}

fn tag_prefix() -> String {
    "v".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;
    use crate::release::repository_for_tests::{commit, git, repository};

    #[tokio::test]
    async fn all_that_is_wrong_is_said_at_once() {
        let remote = TestRun::new();
        git(&remote, &["init", "--quiet", "--bare", "."]);
        let run = repository().await;
        git(&run, &["remote", "add", "origin", remote.workspace().to_str().unwrap()]);
        run.write("VERSION", "1.2.0\n").write("package.json", "{\"version\": \"1.2.0\"}");
        run.write("CHANGELOG.md", "# Log\n\n## 1.2.0\n");
        commit(&run, "first");
        git(&run, &["tag", "v1.1.0"]);
        let config = json!({
            "files": [{ "file": "VERSION" }, { "file": "package.json" }],
            "changelog": "CHANGELOG.md",
        });
        let ctx = run.context("verify");
        let output = execute::<Verify>(config.clone(), &ctx).await.unwrap();
        assert_eq!(output, json!({ "version": "1.2.0", "tag": "v1.2.0", "previous_tag": "v1.1.0" }));

        git(&run, &["tag", "v1.2.0"]);
        git(&run, &["push", "--quiet", "origin", "v1.2.0"]);
        run.write("package.json", "{\"version\": \"1.2.1\"}").write("CHANGELOG.md", "");
        let short = &git(&run, &["rev-parse", "HEAD"])[..7];
        let here = format!(
            "the release isn't ready: `package.json` says 1.2.1, not 1.2.0; `CHANGELOG.md` has no heading for \
             1.2.0; 1.2.0 isn't higher than the last tag v1.2.0; the tag `v1.2.0` is there already, at {short}"
        );
        let all = format!("{here}; the tag `v1.2.0` is on origin already; run `git fetch --tags`");
        assert_eq!(execute::<Verify>(config.clone(), &ctx).await.unwrap_err().message(), all);
        assert_eq!(preview::<Verify>(config, &ctx).await.unwrap_err().message(), here);
    }
}
