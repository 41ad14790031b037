//! Cargo manifests and lock files: where a version stands in them, to the byte.

use std::collections::BTreeSet;
use std::ops::Range;

use semver::VersionReq;
use toml_edit::{Item, Table, TableLike};

use super::places::{Found, Toml};
use super::version::{Notation, Scheme, Version};

/// The tables of a manifest in which dependencies are listed.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// A manifest whose version is to change.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The version and its places: of the package, of the workspace, or of both.
    pub(super) found: Found,
    /// The package that has this version itself.
    pub(super) package: Option<String>,
    /// Whether members of the workspace may inherit the version.
    pub(super) shared: bool,
}

/// Finds the version of a manifest.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn find(text: &str) -> Result<Manifest, String> {
    let toml = Toml::read(text)?;
    let own = version(&toml, "package")?;
    let shared = version(&toml, "workspace.package")?;
    let (has_own, has_shared) = (own.is_some(), shared.is_some());
    let found = match (own, shared) {
        (Some(own), Some(shared)) if own.version != shared.version => {
            return Err(format!(
                "holds two versions, {} for the package and {} for the workspace; make them one first",
                own.version, shared.version
            ));
        }
        (Some(own), Some(shared)) => Found { spans: [own.spans, shared.spans].concat(), ..own },
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) if inherits(&toml) => {
            return Err("inherits its version; name the manifest of the workspace instead".to_owned());
        }
        (None, None) => {
            return Err("has no version, neither in [package] nor in [workspace.package]".to_owned());
        }
    };
    let package = (has_own || inherits(&toml)).then(|| package_name(&toml)).flatten();
    Ok(Manifest { found, package, shared: has_shared })
}

/// The name of a package that inherits its version.
pub(super) fn inheriting_package(text: &str) -> Option<String> {
    let toml = Toml::read(text).ok()?;
    inherits(&toml).then(|| package_name(&toml)).flatten()
}

/// Whether a manifest is the root of a workspace.
pub(super) fn is_root(text: &str) -> bool {
    Toml::read(text).is_ok_and(|toml| toml.at("workspace").is_some())
}

/// Folders that may hold members of the workspace; patterns such as `crates/*` too. Listed ones,
/// and local dependencies: Cargo takes those for members by itself.
pub(super) fn members(text: &str) -> Vec<String> {
    let Ok(toml) = Toml::read(text) else { return Vec::new() };
    let listed = toml.strings("workspace.members").into_iter().map(ToOwned::to_owned);
    let local = dependencies(&toml).into_iter();
    let local = local.filter_map(|(_, dependency)| dependency.get("path")?.as_str().map(ToOwned::to_owned));
    listed.chain(local).collect()
}

/// Where a manifest requires the old version of one of `packages` by path, operators left out, and
/// what to require instead. A shorter requirement, such as `1.2`, changes only where it wouldn't
/// allow the new version, and stays as short as it was.
pub(super) fn requirements(
    text: &str,
    packages: &BTreeSet<String>,
    old: &Version,
    new: &Version,
) -> Vec<(Range<usize>, String)> {
    let Ok(toml) = Toml::read(text) else { return Vec::new() };
    let local = dependencies(&toml).into_iter().filter(|(name, dependency)| {
        let name = dependency.get("package").and_then(Item::as_str).unwrap_or(name);
        dependency.contains_key("path") && packages.contains(name)
    });
    let edits = local.filter_map(|(_, dependency)| {
        let (required, span) = toml.string(dependency.get("version")?)?;
        let bare = required.trim_start_matches(['=', '^', '~', '>', ' ']);
        let next = required_next(required, bare, old, new)?;
        Some((span.start + required.len() - bare.len()..span.end, next))
    });
    edits.collect()
}

fn required_next(required: &str, bare: &str, old: &Version, new: &Version) -> Option<String> {
    if bare == old.to_string() {
        return Some(new.to_string());
    }
    let requirement = VersionReq::parse(required).ok()?;
    let allows = |version: &Version| {
        semver::Version::parse(&version.to_string()).is_ok_and(|version| requirement.matches(&version))
    };
    if requirement.comparators.len() != 1 || !allows(old) || allows(new) {
        return None;
    }
    if new.is_prerelease() {
        return Some(new.to_string());
    }
    let parts = bare.split('.').count();
    Some(new.to_string().split('.').take(parts).collect::<Vec<_>>().join("."))
}

/// Where a lock file holds `version` of one of `packages` of the workspace itself.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn locked(
    text: &str,
    packages: &BTreeSet<String>,
    version: &Version,
) -> Result<Vec<Range<usize>>, String> {
    let toml = Toml::read(text)?;
    let version = version.to_string();
    let mut spans = Vec::new();
    let entries = toml.at("package").and_then(Item::as_array_of_tables);
    for entry in entries.into_iter().flatten() {
        spans.extend(locked_version(&toml, entry, packages, &version));
        let needs = entry.get("dependencies").and_then(Item::as_array).into_iter().flatten();
        for need in needs {
            // Only written with a version where two packages have the same name.
            let Some((name, of)) = need.as_str().and_then(|text| text.split_once(' ')) else { continue };
            if of == version
                && packages.contains(name)
                && let Some((_, span)) =
                    need.span().zip(need.as_str()).and_then(|(span, text)| toml.inner(span, text))
            {
                spans.push(span.end - version.len()..span.end);
            }
        }
    }
    Ok(spans)
}

fn locked_version(
    toml: &Toml<'_>,
    entry: &Table,
    packages: &BTreeSet<String>,
    version: &str,
) -> Option<Range<usize>> {
    let name = entry.get("name")?.as_str()?;
    let (text, span) = toml.string(entry.get("version")?)?;
    let ours = !entry.contains_key("source") && packages.contains(name) && text == version;
    ours.then_some(span)
}

/// The literal version in a table.
fn version(toml: &Toml<'_>, table: &str) -> Result<Option<Found>, String> {
    let Some(item) = toml.at(&format!("{table}.version")) else { return Ok(None) };
    match toml.string(item) {
        Some((text, span)) => {
            let version = Version::parse(text, Scheme::Semver)?;
            Ok(Some(Found { version, notation: Notation::Semver, spans: vec![span] }))
        }
        None if item.is_table_like() => Ok(None),
        None => Err(format!("has a version in [{table}] that isn't a plain string")),
    }
}

fn inherits(toml: &Toml<'_>) -> bool {
    toml.at("package.version.workspace").and_then(Item::as_bool) == Some(true)
}

fn package_name(toml: &Toml<'_>) -> Option<String> {
    toml.at("package.name").and_then(Item::as_str).map(ToOwned::to_owned)
}

/// The dependencies of a package, of its targets, and of a workspace.
fn dependencies<'t>(toml: &'t Toml<'_>) -> Vec<(&'t str, &'t dyn TableLike)> {
    let targets = toml.table("target").into_iter().flat_map(|targets| targets.iter());
    let targets = targets.filter_map(|(_, target)| target.as_table_like());
    let owners = toml.table_of_all().into_iter().chain(targets);
    let tables =
        owners.flat_map(|owner| DEPENDENCIES.iter().filter_map(move |name| owner.get(name)?.as_table_like()));
    let tables = tables.chain(toml.table("workspace.dependencies"));
    tables
        .flat_map(|table| table.iter())
        .filter_map(|(name, item)| Some((name, item.as_table_like()?)))
        .collect()
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
