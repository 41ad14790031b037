//! `release_host.publish`.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{AssetFile, HostedRelease, ReleaseHost, ReleaseRequest};
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, OrFail, Place, Preview, StepContext, StepError,
    StepHandler, WorkspacePath, register,
};

use crate::checksum::sha256_of;
use crate::filesystem::inside::real_path;
use crate::matching::matching;

/// Publishes a release on a code host: the page with notes and files that belongs to a tag.
///
/// It can be repeated: a release that is there is brought up to date, and files that are there already are kept. Users
/// see a new one when all its files are there. The step fails for a while when the host is busy, and with its own word on when to
/// come back, which a `retry` obeys.
///
/// What is published can't be taken back: a run that fails after it is continued, not rolled back.
///
/// Two adapters serve this, `github` and `gitlab`; the step picks one.
///
/// ```yaml
/// - id: publish
///   handler: release_host.publish
///   adapters: [github]
///   retry: { max_attempts: 3 }
///   config:
///     tag: v$<parameters.version>
///     notes_file: docs/changelog/$<parameters.version>.md
///     assets: ["dist/*.tar.gz", dist/SHA256SUMS]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// The tag. The host creates it where it isn't pushed yet.
    #[schemars(length(min = 1))]
    tag: String,
    /// The commit or branch that the host creates the tag at; its default branch where this isn't given.
    #[serde(default)]
    target: Option<String>,
    /// The title; the tag where this isn't given.
    #[serde(default)]
    title: Option<String>,
    /// The notes, as Markdown. Either this or `notes_file`.
    #[serde(default)]
    notes: Option<String>,
    /// The file with the notes. Either this or `notes`.
    #[serde(default)]
    notes_file: Option<WorkspacePath>,
    /// Whether only the project's members may see it. A release that everybody sees is never hidden again.
    #[serde(default)]
    draft: bool,
    /// Whether it isn't for everybody's use yet.
    #[serde(default)]
    prerelease: bool,
    /// The files to attach, relative to the workspace. `*` in a file's name stands for anything.
    #[serde(default)]
    assets: Vec<WorkspacePath>,
    /// What to do with a release of the tag that is there already.
    #[serde(default)]
    existing: Existing,
}

/// What to do with a release that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Existing {
    /// Make it what this step says.
    #[default]
    Update,
    /// Leave it as it is.
    Keep,
    /// Fail.
    Fail,
}

/// The release.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Published {
    /// What the host calls it.
    id: String,
    /// The page for its users.
    url: String,
    /// The tag.
    tag: String,
    /// Whether this step created it.
    created: bool,
    /// Whether only the project's members can see it.
    draft: bool,
    /// Its files.
    assets: Vec<Attached>,
}

/// A file of a release.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Attached {
    /// The name.
    name: String,
    /// Where it can be had.
    url: String,
    /// Whether this step uploaded it.
    uploaded: bool,
}

impl StepHandler for Publish {
    const NAME: &'static str = "release_host.publish";
    const EFFECT: Effect = Effect::Idempotent;
    const POINT_OF_NO_RETURN: bool = true;
    type Output = Published;

    fn metadata() -> Metadata {
        Metadata { title: "Publish a Release", category: "Release Host", icon: "📦" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn ReleaseHost>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if self.notes.is_some() && self.notes_file.is_some() {
            let message = "both `notes` and `notes_file` are given; remove one";
            findings.error("release_host::two-notes", Place::Config("/notes_file".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Published, StepError> {
        let host = ctx.require::<dyn ReleaseHost>()?;
        let request = self.request(ctx, true)?;
        ctx.unless_cancelled(async {
            if self.existing != Existing::Update
                && let Some(there) = host.find(&self.tag).await?
            {
                return self.found(there, host.project(), ctx);
            }
            let release = host.publish(&request).await?;
            let what = if release.created { "created" } else { "up to date" };
            ctx.log().info(format!(
                "the release {} of {} is {what}: {}",
                self.tag,
                host.project(),
                release.url
            ));
            Ok(self.output(release))
        })
        .await
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Published>, StepError> {
        let host = ctx.require::<dyn ReleaseHost>()?;
        let there = ctx.unless_cancelled(host.find(&self.tag)).await?;
        let Some(there) = there.filter(|there| self.draft || !there.draft) else { return Ok(Done::No) };
        let wanted = self.files(ctx, false)?;
        let whole = wanted.iter().all(|file| there.assets.iter().any(|asset| asset.name == file.name));
        Ok(if whole { Done::Yes(self.output(there)) } else { Done::Unknown })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Published>, StepError> {
        let host = ctx.require::<dyn ReleaseHost>()?;
        let request = self.request(ctx, false)?;
        let (tag, project) = (&self.tag, host.project().to_owned());
        let there = host.find(tag).await?;
        let preview = match (there, self.existing) {
            (None, _) => Preview::new(format!("publishes the release {tag}"))
                .action(format!("create the release {tag} of {project}{}", attached(&request)))
                .known("created", true),
            (Some(there), Existing::Update) => Preview::new(format!("brings the release {tag} up to date"))
                .action(format!("update the release {tag} of {project}{}", attached(&request)))
                .known("created", false)
                .known("url", there.url),
            (Some(there), _) => {
                let output = self.found(there, &project, ctx)?;
                Preview::new(format!("finds the release {tag} in place")).output(output)
            }
        };
        Ok(preview.known("tag", tag.clone()))
    }
}

register!(step Publish);

impl Publish {
    fn request(&self, ctx: &StepContext, for_real: bool) -> Result<ReleaseRequest, StepError> {
        Ok(ReleaseRequest {
            tag: self.tag.clone(),
            target: self.target.clone(),
            title: self.title.clone().unwrap_or_else(|| self.tag.clone()),
            notes: self.notes(ctx)?,
            draft: self.draft,
            prerelease: self.prerelease,
            assets: self.files(ctx, for_real)?,
        })
    }

    fn notes(&self, ctx: &StepContext) -> Result<String, StepError> {
        let Some(file) = &self.notes_file else { return Ok(self.notes.clone().unwrap_or_default()) };
        if let Some(Some(planned)) = ctx.planned_file(file.as_str()) {
            return Ok(planned.to_owned());
        }
        std::fs::read_to_string(real_path(&workspace(ctx)?, file)?)
            .or_permanent(format!("can't read the notes in `{file}`"))
    }

    /// The files to attach. A preview knows only those that are there, and doesn't read them.
    fn files(&self, ctx: &StepContext, for_real: bool) -> Result<Vec<AssetFile>, StepError> {
        let root = workspace(ctx)?;
        let mut files = Vec::new();
        for written in &self.assets {
            let paths = matching(&root, written)?;
            if paths.is_empty() && for_real {
                return Err(StepError::permanent(format!("there is no file `{written}` to attach")));
            }
            for path in paths {
                files.push(asset(&root, &path, for_real)?);
            }
        }
        let mut names = BTreeSet::new();
        match files.iter().find(|file| !names.insert(file.name.as_str())) {
            Some(twice) => Err(StepError::invalid(format!(
                "two files to attach are called `{}`; rename one",
                twice.name
            ))),
            None => Ok(files),
        }
    }

    fn found(&self, there: HostedRelease, project: &str, ctx: &StepContext) -> Result<Published, StepError> {
        if self.existing == Existing::Fail {
            return Err(StepError::permanent(format!(
                "{project} has a release of {} already: {}; choose another tag, or write `existing: update`",
                self.tag, there.url
            )));
        }
        ctx.log().info(format!("the release {} of {project} is kept: {}", self.tag, there.url));
        Ok(self.output(there))
    }

    fn output(&self, release: HostedRelease) -> Published {
        let assets = release.assets.into_iter();
        Published {
            id: release.id,
            url: release.url,
            tag: self.tag.clone(),
            created: release.created,
            draft: release.draft,
            assets: assets
                .map(|asset| Attached { name: asset.name, url: asset.url, uploaded: asset.uploaded })
                .collect(),
        }
    }
}

fn workspace(ctx: &StepContext) -> Result<std::path::PathBuf, StepError> {
    ctx.workspace().canonicalize().or_permanent("can't open the workspace")
}

fn asset(root: &Path, path: &WorkspacePath, for_real: bool) -> Result<AssetFile, StepError> {
    let unreadable = || format!("can't read `{path}`");
    let real = real_path(root, path)?;
    let size = real.metadata().or_permanent(unreadable())?.len();
    let sha256 = if for_real { sha256_of(&real).or_permanent(unreadable())? } else { None };
    let name = path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    Ok(AssetFile { name, path: real, size, sha256: sha256.unwrap_or_default() })
}

fn attached(request: &ReleaseRequest) -> String {
    let names: Vec<&str> = request.assets.iter().map(|file| file.name.as_str()).collect();
    match names.len() {
        0 => String::new(),
        1 => format!(" with the file {}", names[0]),
        count => format!(" with {count} files: {}", names.join(", ")),
    }
}
