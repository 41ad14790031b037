//! Files that hold a version and nothing else.

use super::Found;
use crate::release::version::{Scheme, Version};

/// Finds the version of a file that holds it alone on its first line that isn't empty.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn find(text: &str, scheme: Scheme) -> Result<Found, String> {
    let lines = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim());
    let mut filled = lines.filter(|line| !line.is_empty());
    let Some(word) = filled.next() else {
        return Err(format!("is empty; it should hold a version such as {}", scheme.example()));
    };
    // `v1.2.3` is common, and the letter stays.
    let bare = word.strip_prefix('v').unwrap_or(word);
    let version = Version::parse(bare, scheme)
        .map_err(|_| format!("says `{word}`, which isn't a version such as {}", scheme.example()))?;
    if let Some(second) = filled.find_map(|line| Version::parse(line, scheme).ok()) {
        return Err(format!("holds two versions, {version} and {second}; keep one"));
    }
    // Only blanks stand before it, so the first place is the one.
    let end = text.find(word).unwrap_or_default() + word.len();
    let span = end - bare.len()..end;
    Ok(Found { version, notation: scheme.notation(), spans: Vec::from([span]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_files_hold_one_version() {
        for (text, found) in [
            ("1.2.3", Ok(("1.2.3", 0))),
            ("\u{feff}\r\n  1.2.3 \r\n\r\n# note\r\n", Ok(("1.2.3", 7))),
            ("\u{feff}1.2.3\n", Ok(("1.2.3", 3))),
            ("v1.2.3\n", Ok(("1.2.3", 1))),
            ("", Err("is empty; it should hold a version such as 1.2.3")),
            (" \n\n", Err("is empty; it should hold a version such as 1.2.3")),
            ("1.2\n", Err("says `1.2`, which isn't a version such as 1.2.3")),
            ("1.2.3\n\n1.2.4\n", Err("holds two versions, 1.2.3 and 1.2.4; keep one")),
        ] {
            let result =
                find(text, Scheme::Semver).map(|found| (found.version.to_string(), found.spans[0].start));
            let result = result.as_ref().map(|(version, at)| (version.as_str(), *at)).map_err(String::as_str);
            assert_eq!(result, found, "{text:?}");
        }
    }
}
