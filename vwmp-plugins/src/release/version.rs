//! Versions: how they are raised, and where a plain version file holds one.

use std::ops::Range;

use schemars::JsonSchema;
use semver::{BuildMetadata, Prerelease, Version};
use serde::Deserialize;

// The variants have no doc comments on purpose: with them the schema is a `oneOf`, whose errors
// don't list what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Increment {
    #[default]
    Patch,
    Minor,
    Major,
}

/// A version and every place where a text holds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) version: Version,
    pub(super) spans: Vec<Range<usize>>,
}

/// The next version. A pre-release is raised to the release it leads to where that is enough:
/// `1.2.3-rc.1` becomes `1.2.3`. Build metadata goes.
///
/// # Errors
/// When the number is the largest there is; to follow the file's name.
pub(super) fn raise(version: &Version, increment: Increment) -> Result<Version, String> {
    let next = |number: u64| {
        number.checked_add(1).ok_or_else(|| format!("says {version}, which can't be raised any further"))
    };
    let Version { major, minor, patch, .. } = *version;
    let unreleased = !version.pre.is_empty();
    let (major, minor, patch) = match increment {
        Increment::Patch if unreleased => (major, minor, patch),
        Increment::Patch => (major, minor, next(patch)?),
        Increment::Minor if unreleased && patch == 0 => (major, minor, 0),
        Increment::Minor => (major, next(minor)?, 0),
        Increment::Major if unreleased && minor == 0 && patch == 0 => (major, 0, 0),
        Increment::Major => (next(major)?, 0, 0),
    };
    Ok(Version { major, minor, patch, pre: Prerelease::EMPTY, build: BuildMetadata::EMPTY })
}

/// Finds the version of a file that holds it alone on its first line that isn't empty.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn find_plain(text: &str) -> Result<Found, String> {
    let lines = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim());
    let mut filled = lines.filter(|line| !line.is_empty());
    let Some(word) = filled.next() else {
        return Err("is empty; it should hold a version such as 1.2.3".to_owned());
    };
    let version = parse(word)?;
    if let Some(second) = filled.find_map(|line| Version::parse(line).ok()) {
        return Err(format!("holds two versions, {version} and {second}; keep one"));
    }
    // Only blanks stand before it, so the first place is the one.
    let start = text.find(word).unwrap_or_default();
    let span = start..start + word.len();
    Ok(Found { version, spans: vec![span] })
}

/// Reads a version that a file holds.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn parse(text: &str) -> Result<Version, String> {
    Version::parse(text).map_err(|_| format!("says `{text}`, which isn't a version such as 1.2.3"))
}

/// Why a text can't be a version in a changelog; nothing when it can. Looser than semver: not
/// every project counts that way.
pub(super) fn label_problem(version: &str) -> Option<String> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "/\\[]()".contains(c);
    let problem = match version {
        "" => "it is empty",
        _ if version.starts_with('.') => "it begins with `.`",
        _ if version.contains(bad) => "it has a blank, a slash or a bracket in it",
        _ => return None,
    };
    Some(format!("`{version}` can't be a version: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_raised() {
        use Increment::{Major, Minor, Patch};
        for (old, increment, new) in [
            ("1.2.3", Patch, "1.2.4"),
            ("1.2.3", Minor, "1.3.0"),
            ("1.2.3", Major, "2.0.0"),
            ("1.2.3-rc.1", Patch, "1.2.3"),
            ("1.2.3-rc.1", Minor, "1.3.0"),
            ("1.3.0-rc.1", Minor, "1.3.0"),
            ("1.3.0-rc.1", Major, "2.0.0"),
            ("2.0.0-alpha", Major, "2.0.0"),
            ("0.1.0+build.5", Patch, "0.1.1"),
        ] {
            let raised = raise(&Version::parse(old).unwrap(), increment).unwrap();
            assert_eq!(raised.to_string(), new, "{old} {increment:?}");
        }
        let largest = Version::new(1, 2, u64::MAX);
        let message = "says 1.2.18446744073709551615, which can't be raised any further";
        assert_eq!(raise(&largest, Patch), Err(message.to_owned()));
    }

    #[test]
    fn plain_files_hold_one_version() {
        for (text, found) in [
            ("1.2.3", Ok(("1.2.3", 0))),
            ("\u{feff}\r\n  1.2.3 \r\n\r\n# note\r\n", Ok(("1.2.3", 7))),
            ("\u{feff}1.2.3\n", Ok(("1.2.3", 3))),
            ("", Err("is empty; it should hold a version such as 1.2.3")),
            (" \n\n", Err("is empty; it should hold a version such as 1.2.3")),
            ("v1.2.3\n", Err("says `v1.2.3`, which isn't a version such as 1.2.3")),
            ("1.2\n", Err("says `1.2`, which isn't a version such as 1.2.3")),
            ("1.2.3\n\n1.2.4\n", Err("holds two versions, 1.2.3 and 1.2.4; keep one")),
        ] {
            let result = find_plain(text).map(|found| (found.version.to_string(), found.spans[0].start));
            let result = result.as_ref().map(|(version, at)| (version.as_str(), *at)).map_err(String::as_str);
            assert_eq!(result, found, "{text:?}");
        }
    }
}
