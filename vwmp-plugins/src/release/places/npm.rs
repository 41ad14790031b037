//! `package.json` and its lock files.

use std::ops::Range;

use super::json;
use super::{Found, KeyPath};
use crate::release::version::{Scheme, Version};

/// The lock files that npm writes. Those of yarn, pnpm and bun don't hold the version.
pub(in crate::release) const LOCKS: [&str; 2] = ["package-lock.json", "npm-shrinkwrap.json"];

/// Finds the version of a package.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn find(text: &str, scheme: Scheme) -> Result<Found, String> {
    let spots = json::spots(text, &KeyPath::new(["version"]))?;
    match spots.as_slice() {
        [] => Err("has no `version`".to_owned()),
        [spot] => {
            let version = Version::parse(&spot.value, scheme)?;
            Ok(Found { version, notation: scheme.notation(), spans: vec![spot.span.clone()] })
        }
        [first, second, ..] => {
            Err(format!("holds two versions, {} and {}; keep one", first.value, second.value))
        }
    }
}

/// Where a lock file holds `version` of the package in a folder; an empty one is its own.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(in crate::release) fn locked(
    text: &str,
    folder: &str,
    version: &str,
) -> Result<Vec<Range<usize>>, String> {
    let mut spots = json::spots(text, &KeyPath::new(["packages", folder, "version"]))?;
    if folder.is_empty() {
        spots.extend(json::spots(text, &KeyPath::new(["version"]))?);
    }
    Ok(spots.into_iter().filter(|spot| spot.value == version).map(|spot| spot.span).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::edit::replace_spans;

    #[test]
    fn packages_and_locks() {
        let text = "{\n\t\"name\": \"a\",\n\t\"version\":\"1.2.3\" ,\n\t\"dependencies\": {\"version\": \"1.2.3\"}\n}";
        let found = find(text, Scheme::Semver).unwrap();
        assert_eq!(replace_spans(text, found.spans, "2.0.0"), text.replacen("1.2.3", "2.0.0", 1));
        let lock = "{\"version\": \"1.2.3\", \"packages\": {\"\": {\"version\": \"1.2.3\"}, \"p/a\": {\"version\": \"1.2.3\"}}}";
        let spans = locked(lock, "", "1.2.3").unwrap();
        assert_eq!(replace_spans(lock, spans, "2.0.0"), lock.replacen("1.2.3", "2.0.0", 2));
        assert_eq!(locked(lock, "p/a", "1.2.3").unwrap().len(), 1);
        assert_eq!(locked(lock, "p/a", "1.2.2").unwrap().len(), 0);
        for (text, message) in [
            ("{}", "has no `version`"),
            (
                "{\"version\": \"1.0.0\", \"version\": \"1.0.1\"}",
                "holds two versions, 1.0.0 and 1.0.1; keep one",
            ),
            ("{\"version\": \"1\"}", "says `1`, which isn't a version such as 1.2.3"),
            ("{\"version\": 1}", "has no plain string at `version`"),
            ("{", "isn't valid JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            assert_eq!(find(text, Scheme::Semver).unwrap_err(), message);
        }
    }
}
