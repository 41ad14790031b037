//! What happened since the last release.

use std::fs;

use vwmp_interfaces::capability::{History, LogEntry, LogRequest, VersionControl};
use vwmp_interfaces::{StepContext, StepError};

use super::version::{Scheme, Version};

/// The release before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastTag {
    pub(super) name: String,
    pub(super) version: Version,
}

/// The tag of the highest version that the last commit builds on. Pre-releases count where
/// `prereleases` says so.
///
/// # Errors
/// When there is none though there should be: in a shallow clone, or with another prefix.
pub(super) async fn last_tag(
    ctx: &StepContext,
    prefix: &str,
    scheme: Scheme,
    prereleases: bool,
) -> Result<Option<LastTag>, StepError> {
    let history = ctx.require::<dyn History>()?;
    let tags = history.reached_tags().await?;
    let versions = |prefix: &str| -> Vec<LastTag> {
        let tag = |name: &String| {
            let version = Version::parse(name.strip_prefix(prefix)?, scheme).ok()?;
            Some(LastTag { name: name.clone(), version })
        };
        tags.iter().filter_map(|found| tag(&found.name)).collect()
    };
    let ours = versions(prefix).into_iter().filter(|tag| prereleases || !tag.version.is_prerelease());
    let last = ours.max_by(|one, other| one.version.cmp(&other.version));
    if last.is_none() {
        if history.is_shallow().await? {
            return Err(StepError::permanent(
                "the clone is shallow, and the last release isn't in it; run `git fetch --unshallow --tags` \
                 before, or set `fetch-depth: 0` in your CI",
            ));
        }
        let other = if prefix.is_empty() { "v" } else { "" };
        if let Some(tag) = versions(other).into_iter().max_by(|a, b| a.version.cmp(&b.version))
            && versions(prefix).is_empty()
        {
            return Err(StepError::permanent(format!(
                "no tag begins with `{prefix}` and a version, but there is `{}`; set `tag_prefix: \"{other}\"`",
                tag.name
            )));
        }
    }
    Ok(last)
}

/// The tag of a version, on whatever branch.
pub(super) async fn tag_of(
    ctx: &StepContext,
    prefix: &str,
    version: &Version,
) -> Result<Option<LastTag>, StepError> {
    let name = format!("{prefix}{version}");
    let there = ctx.require::<dyn VersionControl>()?.tag(&name).await?;
    Ok(there.map(|_| LastTag { name, version: version.clone() }))
}

/// The commits after a tag, newest first; all where there is no tag.
pub(super) async fn commits_since(
    ctx: &StepContext,
    since: Option<&str>,
    until: Option<&str>,
    paths: &[String],
) -> Result<Vec<LogEntry>, StepError> {
    let git = ctx.require::<dyn VersionControl>()?;
    if git.head().await?.is_none() {
        return Ok(Vec::new());
    }
    let inside = inside(ctx, &*git);
    let paths = paths.iter().map(|path| match path.strip_prefix('!') {
        Some(left_out) => format!("!{inside}{left_out}"),
        None => format!("{inside}{path}"),
    });
    let request = LogRequest {
        since: since.map(|tag| format!("refs/tags/{tag}")),
        until: until.map(ToOwned::to_owned),
        paths: paths.collect(),
    };
    ctx.require::<dyn History>()?.log(&request).await
}

/// The folder of the run in its repository, with a slash behind it; empty at the top.
fn inside(ctx: &StepContext, git: &dyn VersionControl) -> String {
    let workspace = fs::canonicalize(ctx.workspace()).unwrap_or_else(|_| ctx.workspace().to_owned());
    match workspace.strip_prefix(git.root()) {
        Ok(inside) if inside.as_os_str().is_empty() => String::new(),
        Ok(inside) => format!("{}/", inside.to_string_lossy()),
        Err(_) => String::new(),
    }
}
