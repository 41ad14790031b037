//! `release.version_bump`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    WorkspacePath, register,
};

use super::edit::{Edit, apply, fixed, read, replace_spans, show};
use super::manifest::{self, Manifest};
use super::version::{Increment, find_plain, parse, raise};

/// Raises the version in a version file.
///
/// The file holds the version alone on its first line, or is a `Cargo.toml`: then the version of
/// the package or the workspace is raised, and with it that of the same packages in `Cargo.lock`
/// and in the local dependencies of the workspace. Every other byte stays as it is.
///
/// A pre-release such as `1.2.3-rc.1` becomes `1.2.3`. With `version` the version is set instead
/// of raised. Fails where the file is missing or holds no version or two, and where the version
/// would go down.
///
/// Undoing it puts the old version back; it refuses when somebody has changed the version since.
///
/// ```yaml
/// - id: bump
///   handler: release.version_bump
///   config:
///     version_file: VERSION
///     increment_type: minor
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionBump {
    /// The file that holds the version, relative to the workspace.
    #[serde(default = "version_file")]
    version_file: WorkspacePath,
    /// Which part to raise.
    #[serde(default)]
    increment_type: Increment,
    /// The version to set; where it is given, `increment_type` doesn't matter.
    #[serde(default)]
    version: Option<String>,
}

/// The version before and after.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Bumped {
    /// The version before.
    old_version: String,
    /// The version now.
    new_version: String,
    /// The files that changed, relative to the workspace.
    files: Vec<String>,
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
        vec![Capability::of::<dyn Files>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if let Some(version) = &self.version
            && Version::parse(version).is_err()
        {
            let message = format!("`{version}` isn't a version such as 1.2.3");
            findings.error("release::version", Place::Config("/version".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Bumped, StepError> {
        let (edits, bumped) = self.plan(ctx, |old| self.next(old)).await?;
        apply(ctx, &edits).await?;
        ctx.log().info(format!("raised {} to {}", bumped.old_version, bumped.new_version));
        Ok(bumped)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Bumped>, StepError> {
        let (edits, bumped) = self.plan(ctx, |old| self.next(old)).await?;
        let summary = format!("raises {} to {}", bumped.old_version, bumped.new_version);
        Ok(show(Preview::new(summary), edits).output(bumped))
    }
}

impl Undo for VersionBump {
    async fn undo(&self, output: &Bumped, ctx: &StepContext) -> Result<(), StepError> {
        let back = |now: &Version| {
            if now.to_string() != output.new_version {
                return Err(format!(
                    "says {now}, not {}: it has been changed since, and is left alone",
                    output.new_version
                ));
            }
            parse(&output.old_version)
        };
        let (edits, _) = self.plan(ctx, back).await?;
        apply(ctx, &edits).await
    }
}

register!(step VersionBump: undo);

impl VersionBump {
    /// Works out every change, without making any.
    async fn plan(
        &self,
        ctx: &StepContext,
        next: impl FnOnce(&Version) -> Result<Version, String>,
    ) -> Result<(Vec<Edit>, Bumped), StepError> {
        let file = &self.version_file;
        let fails = |problem: String| StepError::permanent(format!("`{file}` {problem}"));
        let text = read(ctx, file).await?.ok_or_else(|| {
            StepError::permanent(format!(
                "there is no version file `{file}`; create it, or set `version_file`"
            ))
        })?;
        let is_manifest = file.as_str().rsplit('/').next() == Some("Cargo.toml");
        let (old, new, edits) = if is_manifest {
            let manifest = manifest::find(&text).map_err(fails)?;
            let new = next(&manifest.found.version).map_err(fails)?;
            let edits = self.manifest_edits(ctx, text, &manifest, &new).await?;
            (manifest.found.version, new, edits)
        } else {
            let found = find_plain(&text).map_err(fails)?;
            let new = next(&found.version).map_err(fails)?;
            let after = replace_spans(&text, found.spans, &new.to_string());
            (found.version, new, vec![Edit { path: file.clone(), before: Some(text), after }])
        };
        let edits: Vec<Edit> = edits.into_iter().filter(Edit::changes).collect();
        let files = edits.iter().map(|edit| edit.path.to_string()).collect();
        Ok((edits, Bumped { old_version: old.to_string(), new_version: new.to_string(), files }))
    }

    /// The version after `old`.
    fn next(&self, old: &Version) -> Result<Version, String> {
        let Some(wanted) = &self.version else { return raise(old, self.increment_type) };
        let wanted = parse(wanted)?;
        if wanted < *old {
            return Err(format!("says {old} already, and {wanted} is lower; versions only go up"));
        }
        Ok(wanted)
    }

    async fn manifest_edits(
        &self,
        ctx: &StepContext,
        text: String,
        manifest: &Manifest,
        new: &Version,
    ) -> Result<Vec<Edit>, StepError> {
        let old = &manifest.found.version;
        let members = members(ctx, &self.version_file, &manifest.members).await?;
        let inheriting = members.iter().filter_map(|(_, text)| manifest::inheriting_package(text));
        let packages: BTreeSet<String> = manifest.package.clone().into_iter().chain(inheriting).collect();

        let mut edits = Vec::new();
        let own = [manifest.found.spans.clone(), manifest::requirements(&text, &packages, old)].concat();
        edits.push((self.version_file.clone(), text, own));
        for (path, text) in members {
            let spans = manifest::requirements(&text, &packages, old);
            edits.push((path, text, spans));
        }
        if let Some((path, text)) = lock_file(ctx, &self.version_file).await? {
            let spans = manifest::locked(&text, &packages, old)
                .map_err(|problem| StepError::permanent(format!("`{path}` {problem}")))?;
            edits.push((path, text, spans));
        }
        let new = new.to_string();
        let edit = |(path, text, spans): (_, String, _)| Edit {
            path,
            after: replace_spans(&text, spans, &new),
            before: Some(text),
        };
        Ok(edits.into_iter().map(edit).collect())
    }
}

/// The manifests of the member folders, each once; patterns match one level.
async fn members(
    ctx: &StepContext,
    manifest: &WorkspacePath,
    patterns: &[String],
) -> Result<Vec<(WorkspacePath, String)>, StepError> {
    let mut paths: Vec<WorkspacePath> = Vec::new();
    for pattern in patterns {
        for folder in folders(ctx, folder_of(manifest), pattern).await? {
            // A member outside the workspace of the run is none of its business.
            let path = WorkspacePath::parse(&format!("{folder}/Cargo.toml")).ok();
            paths.extend(path.filter(|path| path != manifest && !paths.contains(path)));
        }
    }
    let mut found = Vec::new();
    for path in paths {
        if let Some(text) = read(ctx, &path).await? {
            found.push((path, text));
        }
    }
    Ok(found)
}

/// The folders that a pattern such as `crates/*` means.
async fn folders(ctx: &StepContext, base: &str, pattern: &str) -> Result<Vec<String>, StepError> {
    let mut folders = vec![if base.is_empty() { ".".to_owned() } else { base.to_owned() }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let Some((before, after)) = part.split_once('*') else {
            folders = folders.iter().map(|folder| format!("{folder}/{part}")).collect();
            continue;
        };
        let mut next = Vec::new();
        for folder in folders {
            for name in names_in(ctx, &folder).await? {
                if name.len() >= part.len() - 1 && name.starts_with(before) && name.ends_with(after) {
                    next.push(format!("{folder}/{name}"));
                }
            }
        }
        folders = next;
    }
    Ok(folders)
}

async fn names_in(ctx: &StepContext, folder: &str) -> Result<Vec<String>, StepError> {
    let folder = match folder {
        "." => None,
        _ => match WorkspacePath::parse(folder) {
            Ok(folder) => Some(folder),
            Err(_) => return Ok(Vec::new()),
        },
    };
    ctx.require::<dyn Files>()?.names_in(folder.as_ref()).await
}

/// The nearest lock file, beside the manifest or above it.
async fn lock_file(
    ctx: &StepContext,
    manifest: &WorkspacePath,
) -> Result<Option<(WorkspacePath, String)>, StepError> {
    let mut folder = folder_of(manifest);
    loop {
        if let Ok(path) = WorkspacePath::parse(&format!("./{folder}/Cargo.lock"))
            && let Some(text) = read(ctx, &path).await?
        {
            return Ok(Some((path, text)));
        }
        if folder.is_empty() {
            return Ok(None);
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

fn folder_of(path: &WorkspacePath) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn version_file() -> WorkspacePath {
    fixed("VERSION")
}

#[cfg(test)]
#[path = "version_bump_tests.rs"]
mod tests;
