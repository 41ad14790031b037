//! Cargo manifests and lock files: where a version stands in them, to the byte.

use std::collections::BTreeSet;
use std::ops::Range;

use semver::Version;
use toml_edit::{Document, Item, Table, TableLike};

use super::version::{Found, parse};

/// The tables of a manifest in which dependencies are listed.
const DEPENDENCIES: [&str; 4] =
    ["dependencies", "dev-dependencies", "build-dependencies", "workspace.dependencies"];

/// A manifest whose version is to change.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The version and its places: of the package, of the workspace, or of both.
    pub(super) found: Found,
    /// The package that has this version itself.
    pub(super) package: Option<String>,
    /// Folders that may hold packages which inherit the version; patterns such as `crates/*` too.
    pub(super) members: Vec<String>,
}

/// A TOML text and where its values are. A byte order mark isn't TOML, and is left out of it.
struct Toml<'t> {
    text: &'t str,
    document: Document<&'t str>,
    skipped: usize,
}

/// Finds the version of a manifest.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn find(text: &str) -> Result<Manifest, String> {
    let toml = Toml::read(text)?;
    let own = toml.version("package")?;
    let shared = toml.version("workspace.package")?;
    let inherits = toml.inherits();
    let has_own = own.is_some();
    let found = match (own, shared) {
        (Some(own), Some(shared)) if own.version != shared.version => {
            return Err(format!(
                "holds two versions, {} for the package and {} for the workspace; make them one first",
                own.version, shared.version
            ));
        }
        (Some(own), Some(shared)) => Found { spans: [own.spans, shared.spans].concat(), ..own },
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) if inherits => {
            return Err("inherits its version; name the manifest of the workspace instead".to_owned());
        }
        (None, None) => {
            return Err("has no version, neither in [package] nor in [workspace.package]".to_owned());
        }
    };
    let package = (has_own || inherits).then(|| toml.package_name()).flatten();
    Ok(Manifest { found, package, members: toml.members() })
}

/// The name of a package that inherits its version.
pub(super) fn inheriting_package(text: &str) -> Option<String> {
    let toml = Toml::read(text).ok()?;
    toml.inherits().then(|| toml.package_name()).flatten()
}

/// Where a manifest requires `version` of one of `packages` by path, operators left out.
pub(super) fn requirements(text: &str, packages: &BTreeSet<String>, version: &Version) -> Vec<Range<usize>> {
    let Ok(toml) = Toml::read(text) else { return Vec::new() };
    let wanted = version.to_string();
    let local = toml.dependencies().into_iter().filter(|(name, dependency)| {
        let name = dependency.get("package").and_then(Item::as_str).unwrap_or(name);
        dependency.contains_key("path") && packages.contains(name)
    });
    let spans = local.filter_map(|(_, dependency)| {
        let (required, span) = toml.string(dependency.get("version")?)?;
        let bare = required.trim_start_matches(['=', '^', '~', '>', ' ']);
        (bare == wanted).then(|| span.start + required.len() - bare.len()..span.end)
    });
    spans.collect()
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
    let entries = toml.document.get("package").and_then(Item::as_array_of_tables);
    for entry in entries.into_iter().flatten() {
        spans.extend(toml.locked_version(entry, packages, &version));
        let needs = entry.get("dependencies").and_then(Item::as_array).into_iter().flatten();
        for need in needs {
            // Only written with a version where two packages have the same name.
            let Some((name, of)) = need.as_str().and_then(|text| text.split_once(' ')) else { continue };
            if of == version
                && packages.contains(name)
                && let Some(span) = need.span()
            {
                let end = toml.skipped + span.end - 1;
                spans.push(end - version.len()..end);
            }
        }
    }
    Ok(spans)
}

impl<'t> Toml<'t> {
    fn read(text: &'t str) -> Result<Self, String> {
        let toml = text.trim_start_matches('\u{feff}');
        let document = Document::parse(toml).map_err(|error| {
            let line = error.span().map_or(1, |span| toml[..span.start].matches('\n').count() + 1);
            format!("isn't valid TOML: line {line}: {}", error.message())
        })?;
        Ok(Self { text, document, skipped: text.len() - toml.len() })
    }

    /// The item at a dotted path.
    fn at(&self, path: &str) -> Option<&Item> {
        path.split('.').try_fold(self.document.as_item(), |item, key| item.as_table_like()?.get(key))
    }

    /// The literal version in a table.
    fn version(&self, table: &str) -> Result<Option<Found>, String> {
        let Some(item) = self.at(&format!("{table}.version")) else { return Ok(None) };
        match self.string(item) {
            Some((text, span)) => Ok(Some(Found { version: parse(text)?, spans: vec![span] })),
            None if item.is_table_like() => Ok(None),
            None => Err(format!("has a version in [{table}] that isn't a plain string")),
        }
    }

    fn inherits(&self) -> bool {
        self.at("package.version.workspace").and_then(Item::as_bool) == Some(true)
    }

    fn package_name(&self) -> Option<String> {
        self.at("package.name").and_then(Item::as_str).map(ToOwned::to_owned)
    }

    /// Listed members, and local dependencies: Cargo takes those for members by itself.
    fn members(&self) -> Vec<String> {
        let listed = self.at("workspace.members").and_then(Item::as_array).into_iter().flatten();
        let listed = listed.filter_map(|member| member.as_str().map(ToOwned::to_owned));
        let local = self.dependencies().into_iter();
        let local =
            local.filter_map(|(_, dependency)| dependency.get("path")?.as_str().map(ToOwned::to_owned));
        listed.chain(local).collect()
    }

    fn dependencies(&self) -> Vec<(&str, &dyn TableLike)> {
        let tables = DEPENDENCIES.iter().filter_map(|path| self.at(path)?.as_table_like());
        tables
            .flat_map(|table| table.iter())
            .filter_map(|(name, item)| Some((name, item.as_table_like()?)))
            .collect()
    }

    fn locked_version(
        &self,
        entry: &Table,
        packages: &BTreeSet<String>,
        version: &str,
    ) -> Option<Range<usize>> {
        let name = entry.get("name")?.as_str()?;
        let (text, span) = self.string(entry.get("version")?)?;
        let ours = !entry.contains_key("source") && packages.contains(name) && text == version;
        ours.then_some(span)
    }

    /// A string without escapes, and where it stands between its quotes.
    fn string(&self, item: &Item) -> Option<(&'t str, Range<usize>)> {
        let span = item.span()?;
        let inner = self.skipped + span.start + 1..self.skipped + span.end - 1;
        let text = self.text.get(inner.clone())?;
        (item.as_str()? == text).then_some((text, inner))
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
