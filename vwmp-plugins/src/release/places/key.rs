//! Paths of keys, such as `project.version`, and what stands at them.

use std::fmt::{self, Display};
use std::ops::Range;

use super::{json, toml, yaml};

/// The keys from the top of a file to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::release) struct KeyPath(Vec<String>);

/// A string in a text, and where it stands without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::release) struct Spot {
    pub(in crate::release) value: String,
    pub(in crate::release) span: Range<usize>,
}

/// A language that has keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum Format {
    Toml,
    Json,
    Yaml,
}

impl Format {
    /// The language of a file, by the end of its name.
    pub(in crate::release) fn of(path: &str) -> Option<Self> {
        match path.rsplit('.').next()? {
            "toml" | "lock" => Some(Self::Toml),
            "json" | "webmanifest" => Some(Self::Json),
            "yaml" | "yml" | "cff" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The strings at a key: none where there is no such key, several where it is written twice.
    ///
    /// # Errors
    /// What is wrong, to follow the file's name.
    pub(in crate::release) fn spots(self, text: &str, key: &KeyPath) -> Result<Vec<Spot>, String> {
        match self {
            Self::Toml => toml::spots(text, key),
            Self::Json => json::spots(text, key),
            Self::Yaml => yaml::spots(text, key),
        }
    }
}

impl KeyPath {
    /// Reads keys with dots between them; a key with dots or blanks in it goes in double quotes,
    /// and numbers count the elements of a list from 0.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::release) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, after) = match rest.strip_prefix('"') {
                Some(quoted) => {
                    quoted.split_once('"').ok_or_else(|| format!("`{text}` lacks a closing quote"))?
                }
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if part.is_empty() && !rest.starts_with('"') {
                return Err(format!("`{text}` has an empty key in it; write it such as `project.version`"));
            }
            parts.push(part.to_owned());
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(Self(parts)),
                None => return Err(format!("`{text}` lacks a dot after a quoted key")),
            }
        }
    }

    pub(in crate::release) fn new<const N: usize>(parts: [&str; N]) -> Self {
        Self(parts.map(ToOwned::to_owned).to_vec())
    }

    pub(in crate::release) fn parts(&self) -> &[String] {
        &self.0
    }
}

impl Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            f.write_str(if index > 0 { "." } else { "" })?;
            match part.is_empty() || part.contains(['.', ' ']) {
                true => write!(f, "\"{part}\"")?,
                false => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(file: &str, text: &str, key: &str) -> Result<Vec<String>, String> {
        let spots = Format::of(file).unwrap().spots(text, &KeyPath::parse(key)?)?;
        let shown = |spot: Spot| {
            assert_eq!(text[spot.span.clone()], spot.value);
            format!("{}@{}", spot.value, spot.span.start)
        };
        Ok(spots.into_iter().map(shown).collect())
    }

    #[test]
    fn values_are_found_to_the_byte() {
        for (file, text, key, found) in [
            ("a.toml", "a.b = '1.0' # x", "a.b", vec!["1.0@7"]),
            ("a.toml", "\u{feff}[[p]]\nv = \"1.0\"\n[[p]]\nv = \"2\"", "p.1.v", vec!["2@30"]),
            ("a.toml", "a = ['x', '1.0']", "a.1", vec!["1.0@11"]),
            ("a.toml", "[a]\nb = 1", "a.c", vec![]),
            ("a.json", "{\"a\": {\"\": {\"v\" : \"1.0\"}}}", "a.\"\".v", vec!["1.0@19"]),
            ("a.json", "\u{feff}{\"a\": [\"x\", \"1.0\"]}", "a.1", vec!["1.0@16"]),
            ("a.json", "{\"a\": \"1\", \"a\": \"2\"}", "a", vec!["1@7", "2@17"]),
            ("a.yml", "# v\na:\n  - {b: x}\n  - b: '1.0' # c\nb: 2\n", "a.1.b", vec!["1.0@26"]),
            ("a.yaml", "\u{feff}version: 1.0\n", "version", vec!["1.0@12"]),
            ("a.yaml", "ä: x\nv: 1.0\n---\nv: \"2\"\n", "v", vec!["1.0@9", "2@21"]),
            ("a.yaml", "a: {v: 1}\nb: {a: {v: 3}}\nv: 2\n", "v", vec!["2@28"]),
            ("a.yaml", "a: [1]\n", "a.b", vec![]),
        ] {
            assert_eq!(spots(file, text, key).unwrap(), found, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (file, text, key, message) in [
            ("a.toml", "a = 1", "a", "has no plain string at `a`"),
            ("a.json", "{\"a\": \"1\\u002e0\"}", "a", "has no plain string at `a`"),
            ("a.json", "{\"a\": {}}", "a", "has no plain string at `a`"),
            ("a.json", "{\"a\": 1,}", "a", "isn't valid JSON: key must be a string at line 1 column 9"),
            ("a.yaml", "a: &x 1\nb: *x\n", "b", "has no plain string at `b`"),
            ("a.yaml", "a: |\n  1.0\n", "a", "has no plain string at `a`"),
            ("a.yaml", "a: [1\n", "a", "isn't valid YAML: line 1: unclosed bracket '['"),
            ("a.toml", "", "a..b", "`a..b` has an empty key in it; write it such as `project.version`"),
            ("a.toml", "", "\"a", "`\"a` lacks a closing quote"),
            ("a.toml", "", "\"a\"b", "`\"a\"b` lacks a dot after a quoted key"),
        ] {
            assert_eq!(spots(file, text, key).unwrap_err(), message, "{text:?}");
        }
    }
}
