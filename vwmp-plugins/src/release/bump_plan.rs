//! What a bump would change.

use semver::BuildMetadata;
use vwmp_interfaces::capability::VersionControl;
use vwmp_interfaces::{StepContext, StepError, WorkspacePath};

use super::cargo::{self, beside, folders_above};
use super::conventional::{changes, level};
use super::edit::{Draft, Edit};
use super::past::{LastTag, commits_since, last_tag, tag_of};
use super::places::{Kind, Place, npm, python};
use super::version::{Increment, Version};
use super::version_bump::{Bumped, Source, VersionBump};

/// The version after the one that is there.
pub(super) struct Next {
    pub(super) version: Version,
    pub(super) released: bool,
    pub(super) previous_tag: Option<String>,
    pub(super) reason: String,
}

/// Works out every change, without making any.
pub(super) async fn plan(bump: &VersionBump, ctx: &StepContext) -> Result<(Vec<Edit>, Bumped), StepError> {
    let mut draft = Draft::new(ctx);
    let old = current(bump, &mut draft).await?;
    let next = next(bump, ctx, &old).await?;
    let edits = if next.version == old {
        Vec::new()
    } else {
        rewrite(bump, &mut draft, &places(bump), &old, &next.version).await?;
        draft.finish()?
    };
    let files = edits.iter().map(|edit| edit.path.to_string()).collect();
    Ok((edits, bump.output(&old, &next, files)))
}

/// The version that the project has.
async fn current(bump: &VersionBump, draft: &mut Draft<'_>) -> Result<Version, StepError> {
    if bump.source == Source::Tag {
        let tag = last_tag(draft.ctx(), &bump.tag_prefix, bump.scheme, true).await?;
        let zero = match bump.scheme.example() {
            "1.2.3.4" => "0.0.0.0",
            _ => "0.0.0",
        };
        return tag.map_or_else(|| bump.parse(zero), |tag| Ok(tag.version));
    }
    let file = &bump.version_file;
    let text = draft.text(file).await?.ok_or_else(|| {
        StepError::permanent(format!("there is no version file `{file}`; create it, or set `version_file`"))
    })?;
    let found = bump.main().find(&text, bump.scheme);
    Ok(found.map_err(|problem| StepError::permanent(format!("`{file}` {problem}")))?.version)
}

async fn next(bump: &VersionBump, ctx: &StepContext, old: &Version) -> Result<Next, StepError> {
    let fails = |problem: String| match bump.source {
        Source::File => StepError::permanent(format!("`{}` {problem}", bump.version_file)),
        Source::Tag => StepError::permanent(format!("the last tag {problem}")),
    };
    if let Some(wanted) = &bump.version {
        let version = with_build(bump, bump.parse(wanted)?);
        if version < *old {
            return Err(fails(format!("says {old} already, and {version} is lower; versions only go up")));
        }
        let reason = "as `version` says".to_owned();
        return Ok(Next { version, released: true, previous_tag: None, reason });
    }
    if bump.increment_type == Increment::Auto {
        return by_commits(bump, ctx, old, fails).await;
    }
    let raised = old.raised(bump.increment_type, bump.channel.as_deref()).map_err(&fails)?;
    let version = with_build(bump, raised);
    goes_up(old, &version).map_err(fails)?;
    let reason = "as `increment_type` says".to_owned();
    Ok(Next { version, released: true, previous_tag: None, reason })
}

/// Lets the commits since the last release decide.
async fn by_commits(
    bump: &VersionBump,
    ctx: &StepContext,
    old: &Version,
    fails: impl Fn(String) -> StepError,
) -> Result<Next, StepError> {
    let last = last_release(bump, ctx, old).await?;
    let previous_tag = last.as_ref().map(|tag| tag.name.clone());
    let commits = commits_since(ctx, previous_tag.as_deref(), None, &bump.paths).await?;
    let level = level(&changes(&commits), &bump.ignored_types);
    let since = previous_tag.as_ref().map_or("in the history".to_owned(), |tag| format!("since {tag}"));
    let Some(level) = level else {
        let left = unpushed(ctx, previous_tag.as_deref().filter(|_| commits.is_empty())).await?;
        let reason = format!("no commit {since} asks for a version{}", left.unwrap_or_default());
        return Ok(Next { version: old.clone(), released: false, previous_tag, reason });
    };
    let kept =
        |reason| Next { version: old.clone(), released: true, previous_tag: previous_tag.clone(), reason };
    let what = match &last {
        Some(last) if *old < last.version => {
            return Err(fails(format!(
                "says {old}, but {} is tagged already; set it to the version of the last release first",
                last.name
            )));
        }
        Some(last) if *old > last.version && !old.is_prerelease() => {
            return Ok(kept(format!("{old} is higher than the last tag {} already", last.name)));
        }
        None if !old.is_zero() && !old.is_prerelease() => {
            return Ok(kept(format!("{old} was never tagged with the prefix `{}`", bump.tag_prefix)));
        }
        _ => match level {
            Increment::Major => "a breaking change",
            Increment::Minor => "a feature",
            _ => "commits, none of them a feature,",
        },
    };
    let raised = old.raised(part(bump, old, level), bump.channel.as_deref()).map_err(&fails)?;
    let version = with_build(bump, raised);
    if let Some(taken) = tag_of(ctx, &bump.tag_prefix, &version).await? {
        return Err(fails(format!(
            "says {old}, which would become {version}, but the tag `{}` is there already, on another branch; \
             merge that release, or set `version`",
            taken.name
        )));
    }
    Ok(Next { version, released: true, previous_tag, reason: format!("{what} {since}") })
}

/// A word on a release that was tagged here and seems not to have been pushed. Asks no remote.
async fn unpushed(ctx: &StepContext, tag: Option<&str>) -> Result<Option<String>, StepError> {
    let git = ctx.require::<dyn VersionControl>()?;
    let (Some(tag), Some(branch), Some(head)) = (tag, git.branch().await?, git.head().await?) else {
        return Ok(None);
    };
    let remote = git.default_remote();
    let Some(pushed) = git.resolve(&format!("refs/remotes/{remote}/{branch}")).await? else {
        return Ok(None);
    };
    let left = git.tag(tag).await?.as_ref() == Some(&head) && pushed != head && git.contains(&pushed).await?;
    Ok(left.then(|| {
        format!(
            "; but {branch} is ahead of {remote}/{branch}: if {tag} wasn't pushed, \
             `git push --atomic {remote} {branch} {tag}` does it"
        )
    }))
}

/// The tag of the version that is there, also on another branch, or else the last one that the
/// last commit builds on. A release ends its pre-releases, so it counts what they brought.
async fn last_release(
    bump: &VersionBump,
    ctx: &StepContext,
    old: &Version,
) -> Result<Option<LastTag>, StepError> {
    let prereleases = bump.channel.is_some();
    if (prereleases || !old.is_prerelease())
        && let Some(own) = tag_of(ctx, &bump.tag_prefix, old).await?
    {
        return Ok(Some(own));
    }
    last_tag(ctx, &bump.tag_prefix, bump.scheme, prereleases).await
}

/// The part of the version that a level means: while the version is `0.x`, nothing is promised yet.
fn part(bump: &VersionBump, old: &Version, level: Increment) -> Increment {
    let four = bump.scheme.place(Increment::FeatureSet).is_ok();
    match level {
        Increment::Major if old.major() > 0 || bump.major_on_zero => Increment::Major,
        Increment::Major if four => Increment::FeatureSet,
        Increment::Major => Increment::Minor,
        Increment::Minor if four => Increment::Feature,
        other => other,
    }
}

fn with_build(bump: &VersionBump, version: Version) -> Version {
    match bump.build.as_deref().map(BuildMetadata::new) {
        Some(Ok(build)) => version.with_build(build),
        _ => version,
    }
}

fn goes_up(old: &Version, new: &Version) -> Result<(), String> {
    if new < old {
        return Err(format!("says {old} already, and {new} is lower; versions only go up"));
    }
    Ok(())
}

fn places(bump: &VersionBump) -> Vec<Place> {
    let main = (bump.source == Source::File).then(|| bump.main());
    main.into_iter().chain(bump.files.iter().cloned()).collect()
}

async fn rewrite(
    bump: &VersionBump,
    draft: &mut Draft<'_>,
    places: &[Place],
    old: &Version,
    new: &Version,
) -> Result<(), StepError> {
    let mut manifests: Vec<&WorkspacePath> = Vec::new();
    for place in places {
        let file = &place.file;
        let fails = |problem: String| StepError::permanent(format!("`{file}` {problem}"));
        let text = draft.text(file).await?;
        let text = text.ok_or_else(|| StepError::permanent(format!("there is no file `{file}`")))?;
        if place.kind() == Kind::Cargo {
            manifests.push(file);
            continue;
        }
        let edits = place.edits(&text, bump.scheme, old, new).map_err(fails)?;
        draft.replace(file, edits);
        match place.kind() {
            Kind::Npm => follow_npm(draft, file, old, new).await?,
            Kind::Python => follow_python(draft, file, &text, old, new).await?,
            _ => {}
        }
    }
    cargo::raise(draft, &manifests, old, new).await
}

/// Lock files of npm, beside the package or at the root of its workspace.
async fn follow_npm(
    draft: &mut Draft<'_>,
    file: &WorkspacePath,
    old: &Version,
    new: &Version,
) -> Result<(), StepError> {
    let own = file.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    for name in npm::LOCKS {
        for folder in folders_above(file) {
            let Some(path) = beside(folder, name) else { continue };
            let Some(text) = draft.text(&path).await? else { continue };
            let package = own.strip_prefix(folder).unwrap_or(own).trim_start_matches('/');
            let spans = npm::locked(&text, package, &old.to_string())
                .map_err(|problem| StepError::permanent(format!("`{path}` {problem}")))?;
            draft.replace(&path, spans.into_iter().map(|span| (span, new.to_string())));
            break;
        }
    }
    Ok(())
}

/// The lock file of uv, beside the project or at the root of its workspace.
async fn follow_python(
    draft: &mut Draft<'_>,
    file: &WorkspacePath,
    text: &str,
    old: &Version,
    new: &Version,
) -> Result<(), StepError> {
    let Some(name) = python::name(text) else { return Ok(()) };
    for folder in folders_above(file) {
        let Some(path) = beside(folder, "uv.lock") else { continue };
        let Some(text) = draft.text(&path).await? else { continue };
        let spans = python::locked(&text, &name, old)
            .map_err(|problem| StepError::permanent(format!("`{path}` {problem}")))?;
        let new = new.written(super::version::Notation::Pep440);
        draft.replace(&path, spans.into_iter().map(|span| (span, new.clone())));
        break;
    }
    Ok(())
}
