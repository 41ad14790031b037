//! One place that names the version, as a config says it.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::{Findings, Place as ConfigPlace, WorkspacePath};

use super::{Format, Found, KeyPath, MARK, find_exact, npm, plain, python, search};
use crate::release::version::{Scheme, Version};

/// A file that names the version. Without `key` and `search` it is read by its name: `Cargo.toml`,
/// `package.json`, `pyproject.toml`, or else a file that holds the version alone.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct Place {
    /// The file, relative to the workspace.
    pub(in crate::release) file: WorkspacePath,
    /// Where the version stands in a TOML, JSON or YAML file, such as `project.version`; numbers
    /// count the elements of a list from 0, and a key with dots in it goes in double quotes.
    #[serde(default)]
    pub(in crate::release) key: Option<String>,
    /// Text around the version, with `{version}` for the version itself.
    #[serde(default)]
    pub(in crate::release) search: Option<String>,
    /// What takes its place, with `{version}` for the new version; `search` with the new version
    /// where it isn't given.
    #[serde(default)]
    pub(in crate::release) replace: Option<String>,
    /// How often `search` must be found.
    #[serde(default = "once")]
    #[schemars(range(min = 1))]
    pub(in crate::release) matches: usize,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum Kind<'p> {
    Plain,
    Cargo,
    Npm,
    Python,
    Key(&'p str),
    Search(&'p str),
}

impl Place {
    pub(in crate::release) fn kind(&self) -> Kind<'_> {
        match (&self.search, &self.key, name_of(&self.file)) {
            (Some(search), ..) => Kind::Search(search),
            (_, Some(key), _) => Kind::Key(key),
            (.., "Cargo.toml") => Kind::Cargo,
            (.., "package.json") => Kind::Npm,
            (.., "pyproject.toml") => Kind::Python,
            _ => Kind::Plain,
        }
    }

    /// Reports what the schema can't say.
    pub(in crate::release) fn check(&self, at: &str, findings: &mut Findings) {
        let mut report = |key: &str, message: String| {
            findings.error("release::place", ConfigPlace::Config(format!("{at}/{key}")), message);
        };
        if let Some(key) = &self.key {
            if let Err(problem) = KeyPath::parse(key) {
                report("key", problem);
            } else if self.search.is_some() {
                report("key", "`key` and `search` can't go together; keep one".to_owned());
            } else if Format::of(self.file.as_str()).is_none() {
                let message = "`key` needs a file in TOML, JSON or YAML, by its name; use `search` instead";
                report("key", message.to_owned());
            }
        }
        if self.search.as_ref().is_some_and(|search| !search.contains(MARK)) {
            report("search", format!("`search` needs `{MARK}` where the version stands"));
        }
        match &self.replace {
            Some(_) if self.search.is_none() => report("replace", "`replace` needs `search`".to_owned()),
            Some(replace) if !replace.contains(MARK) => {
                report("replace", format!("`replace` needs `{MARK}` where the new version goes"));
            }
            _ => {}
        }
    }

    /// Finds the version, whichever it is. Not for a `Cargo.toml`, which isn't read alone.
    ///
    /// # Errors
    /// What is wrong, to follow the file's name.
    pub(in crate::release) fn find(&self, text: &str, scheme: Scheme) -> Result<Found, String> {
        match self.kind() {
            Kind::Search(around) => search::find_any(text, around, self.matches, scheme, scheme.notation()),
            Kind::Key(key) => find_key(text, self.file.as_str(), key, scheme),
            Kind::Npm => npm::find(text, scheme),
            Kind::Python => python::find(text, scheme),
            Kind::Cargo => crate::release::manifest::find(text).map(|manifest| manifest.found),
            Kind::Plain => plain::find(text, scheme),
        }
    }

    /// What to write where, to turn `old` into `new`.
    ///
    /// # Errors
    /// What is wrong, to follow the file's name.
    pub(in crate::release) fn edits(
        &self,
        text: &str,
        scheme: Scheme,
        old: &Version,
        new: &Version,
    ) -> Result<Vec<(Range<usize>, String)>, String> {
        let Kind::Search(around) = self.kind() else {
            let found = self.find(text, scheme)?;
            agrees(&found.version, old)?;
            let new = new.written(found.notation);
            return Ok(found.spans.into_iter().map(|span| (span, new.clone())).collect());
        };
        let (old, new) = (old.written(scheme.notation()), new.written(scheme.notation()));
        let spans = find_exact(text, around, &old, self.matches)?;
        let with = self.replace.as_deref().unwrap_or(around).replace(MARK, &new);
        let edit = |span: Range<usize>| {
            let with =
                if text[span.clone()].contains("\r\n") { with.replace('\n', "\r\n") } else { with.clone() };
            (span, with)
        };
        Ok(spans.into_iter().map(edit).collect())
    }
}

/// Fails where a place doesn't say the version of the others.
pub(in crate::release) fn agrees(found: &Version, old: &Version) -> Result<(), String> {
    match found == old {
        true => Ok(()),
        false => Err(format!("says {found}, where {old} is expected; make all places agree first")),
    }
}

pub(in crate::release) fn name_of(path: &WorkspacePath) -> &str {
    path.as_str().rsplit('/').next().unwrap_or_default()
}

fn find_key(text: &str, file: &str, key: &str, scheme: Scheme) -> Result<Found, String> {
    let format = Format::of(file).ok_or("isn't TOML, JSON or YAML by its name")?;
    let spots = format.spots(text, &KeyPath::parse(key)?)?;
    let (first, others) = spots.split_first().ok_or_else(|| format!("has no `{key}`"))?;
    if let Some(second) = others.first() {
        return Err(format!("holds two versions, {} and {}; keep one", first.value, second.value));
    }
    // `v1.2.3` is common, and the letter stays.
    let bare = first.value.strip_prefix('v').unwrap_or(&first.value);
    let notation = scheme.notation();
    let version = Version::read(bare, scheme, notation)?;
    let span = first.span.end - bare.len()..first.span.end;
    Ok(Found { version, notation, spans: Vec::from([span]) })
}

fn once() -> usize {
    1
}
