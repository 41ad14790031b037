//! `pyproject.toml`.

use super::{Found, Toml};
use crate::release::version::{Notation, Scheme, Version};

/// The tables that may hold the version.
const TABLES: [&str; 2] = ["project", "tool.poetry"];

/// Finds the version of a project, in `[project]`, `[tool.poetry]` or both.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn find(text: &str, scheme: Scheme) -> Result<Found, String> {
    let toml = Toml::read(text)?;
    let mut found: Option<Found> = None;
    for table in TABLES {
        let Some(item) = toml.at(&format!("{table}.version")) else { continue };
        let (value, span) = toml
            .string(item)
            .ok_or_else(|| format!("has a version in [{table}] that isn't a plain string"))?;
        let version = Version::read(value, scheme, Notation::Pep440)?;
        match &mut found {
            Some(first) if first.version != version => {
                return Err(format!(
                    "holds two versions, {} in [project] and {version} in [tool.poetry]; make them one first",
                    first.version
                ));
            }
            Some(first) => first.spans.push(span),
            None => found = Some(Found { version, notation: Notation::Pep440, spans: vec![span] }),
        }
    }
    found.ok_or_else(|| match toml.strings("project.dynamic").contains(&"version") {
        true => {
            "takes its version from elsewhere (`dynamic`); name that file as `version_file` instead, with \
                 `search`, or use `source: tag`"
                .to_owned()
        }
        false => "has no version, neither in [project] nor in [tool.poetry]".to_owned(),
    })
}

/// The name of a project.
pub(in crate::release) fn name(text: &str) -> Option<String> {
    let toml = Toml::read(text).ok()?;
    TABLES.iter().find_map(|table| toml.at(&format!("{table}.name"))?.as_str().map(ToOwned::to_owned))
}

/// Where a `uv.lock` holds the version of the project itself.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(in crate::release) fn locked(
    text: &str,
    name: &str,
    version: &Version,
) -> Result<Vec<std::ops::Range<usize>>, String> {
    let toml = Toml::read(text)?;
    let packages = toml.at("package").and_then(toml_edit::Item::as_array_of_tables);
    let spans = packages.into_iter().flatten().filter_map(|package| {
        let source = package.get("source")?.as_table_like()?;
        let ours = source.contains_key("editable") || source.contains_key("virtual");
        let (locked, span) = toml.string(package.get("version")?)?;
        let same = Version::parse(locked, Scheme::Pep440)
            .is_ok_and(|locked| locked.written(Notation::Pep440) == version.written(Notation::Pep440));
        (ours && same && normal(package.get("name")?.as_str()?) == normal(name)).then_some(span)
    });
    Ok(spans.collect())
}

/// A name as lock files write it.
fn normal(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::edit::replace_spans;

    #[test]
    fn a_version_is_found_and_every_other_byte_kept() {
        for text in [
            "[project]\r\nname = 'a'\r\nversion = '1.2.3' # keep\r\n",
            "[tool.poetry]\nversion = \"1.2.3\"\n",
            "[project]\nversion = \"1.2.3\"\n[tool.poetry]\nversion = \"1.2.3\"\n",
        ] {
            let found = find(text, Scheme::Semver).unwrap();
            assert_eq!(replace_spans(text, found.spans, "1.3.0rc1"), text.replace("1.2.3", "1.3.0rc1"));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            ("[project]\nname = 'a'\n", "has no version, neither in [project] nor in [tool.poetry]"),
            (
                "[project]\ndynamic = ['version']\n",
                "takes its version from elsewhere (`dynamic`); name that file as `version_file` instead, with \
                 `search`, or use `source: tag`",
            ),
            (
                "[project]\nversion = '1.0.0'\n[tool.poetry]\nversion = '1.0.1'\n",
                "holds two versions, 1.0.0 in [project] and 1.0.1 in [tool.poetry]; make them one first",
            ),
            ("[project]\nversion = 1\n", "has a version in [project] that isn't a plain string"),
            ("[project]\nversion = '1.x'\n", "says `1.x`, which isn't a version such as 1.2.3"),
        ] {
            assert_eq!(find(text, Scheme::Semver).unwrap_err(), message);
        }
    }

    #[test]
    fn the_lock_file_follows() {
        let lock = "[[package]]\nname = \"my-app\"\nversion = \"1.2.3\"\nsource = { editable = \".\" }\n\
                    [[package]]\nname = \"other\"\nversion = \"1.2.3\"\nsource = { registry = \"x\" }\n";
        let spans = locked(lock, "My_App", &Version::parse("1.2.3", Scheme::Semver).unwrap()).unwrap();
        assert_eq!(replace_spans(lock, spans, "2.0.0"), lock.replacen("1.2.3", "2.0.0", 1));
    }
}
