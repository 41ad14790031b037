//! Places that are found by the text around them.

use std::ops::Range;

use regex::{Regex, escape};

use super::Found;
use crate::release::version::{Notation, Scheme, Version};

/// What stands for the version in a search and in its replacement.
pub(in crate::release) const MARK: &str = "{version}";

/// A version of any scheme, as far as an expression can say.
const ANY: &str = r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z.-]*[0-9A-Za-z])?(?:\+[0-9A-Za-z.-]*[0-9A-Za-z])?";

/// Finds the one version that stands in `matches` places with `search` around it.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn find_any(
    text: &str,
    search: &str,
    matches: usize,
    scheme: Scheme,
    notation: Notation,
) -> Result<Found, String> {
    let spans = spans_of(text, search, ANY);
    let versions = spans.iter().flatten().map(|span| Version::read(&text[span.clone()], scheme, notation));
    let mut versions: Vec<Version> = versions.collect::<Result<_, _>>()?;
    expect(spans.len(), matches, search)?;
    versions.dedup();
    match versions.as_slice() {
        [one] => Ok(Found { version: one.clone(), notation, spans: spans.concat() }),
        [one, other, ..] => Err(format!("holds two versions, {one} and {other}; make them one first")),
        [] => Err(format!("has no `{search}`")),
    }
}

/// Where `search` stands with `version` in it: the whole match, and the version in it.
///
/// # Errors
/// When there are more or fewer matches than expected; to follow the file's name.
pub(in crate::release) fn find_exact(
    text: &str,
    search: &str,
    version: &str,
    matches: usize,
) -> Result<Vec<Range<usize>>, String> {
    let expression = expression(search, &escape(version));
    let found = expression.find_iter(text).map(|found| found.range());
    let found: Vec<Range<usize>> = found.filter(|span| stands_alone(text, span, search)).collect();
    expect(found.len(), matches, &search.replace(MARK, version))?;
    Ok(found)
}

/// Fails where something is found more or less often than expected.
fn expect(found: usize, matches: usize, what: &str) -> Result<(), String> {
    let times = |count| match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    if found == matches {
        return Ok(());
    }
    Err(format!("has `{what}` {}, not {} as `matches` says", times(found), times(matches)))
}

fn spans_of(text: &str, search: &str, version: &str) -> Vec<Vec<Range<usize>>> {
    let found = expression(search, version);
    let found = found.captures_iter(text).filter_map(|captures| {
        stands_alone(text, &captures.get(0)?.range(), search)
            .then(|| captures.iter().skip(1).flatten().map(|group| group.range()).collect::<Vec<_>>())
    });
    found.collect()
}

/// The search as an expression; line breaks are those of the file.
fn expression(search: &str, version: &str) -> Regex {
    let parts: Vec<String> = search.split(MARK).map(|part| escape(part).replace('\n', "\r?\n")).collect();
    Regex::new(&parts.join(&format!("({version})"))).expect("an expression of escaped parts")
}

/// Whether a match doesn't cut a longer version in two, at an end where the search has the
/// version itself.
fn stands_alone(text: &str, span: &Range<usize>, search: &str) -> bool {
    let before = text[..span.start].chars().next_back();
    let mut after = text[span.end..].chars();
    let (next, second) = (after.next(), after.next());
    let goes_on = match next {
        Some(next) if next.is_ascii_alphanumeric() => true,
        Some('.' | '-' | '+') => second.is_some_and(|second| second.is_ascii_alphanumeric()),
        _ => false,
    };
    let begun = before.is_some_and(|before| before.is_ascii_digit() || before == '.');
    let cut = (search.starts_with(MARK) && begun) || (search.ends_with(MARK) && goes_on);
    !cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(text: &str, search: &str, matches: usize) -> Result<(String, Vec<(usize, usize)>), String> {
        let found = find_any(text, search, matches, Scheme::Semver, Notation::Semver)?;
        Ok((found.version.to_string(), found.spans.iter().map(|span| (span.start, span.end)).collect()))
    }

    #[test]
    fn a_version_is_found_by_what_is_around_it() {
        let text = "__version__ = \"1.2.3\"\nlog(\"1.2.3\")\n";
        assert_eq!(any(text, "version__ = \"{version}\"", 1), Ok(("1.2.3".into(), vec![(15, 20)])));
        assert_eq!(any(text, "\"{version}\"", 2), Ok(("1.2.3".into(), vec![(15, 20), (27, 32)])));
        assert_eq!(
            any("a\r\nb 1.2.3-rc.1.\r\n", "a\nb {version}", 1),
            Ok(("1.2.3-rc.1".into(), vec![(5, 15)]))
        );
        assert_eq!(
            any("\"1.2.3\" \"1.2.4\"", "\"{version}\"", 2).unwrap_err(),
            "holds two versions, 1.2.3 and 1.2.4; make them one first"
        );
        assert_eq!(
            any(text, "v{version}", 1).unwrap_err(),
            "has `v{version}` never, not once as `matches` says"
        );
        assert_eq!(
            any("v = 1.2\n", "v = {version}", 1).unwrap_err(),
            "says `1.2`, which isn't a version such as 1.2.3"
        );
    }

    #[test]
    fn a_longer_version_is_another_one() {
        let text = "1.2.3 11.2.3 1.2.30 1.2.3-rc.1 1.2.3.4 0.1.2.3 v1.2.3, 1.2.3.\n";
        assert_eq!(find_exact(text, "{version}", "1.2.3", 3), Ok(vec![0..5, 48..53, 55..60]));
        assert_eq!(
            find_exact(text, "{version}", "1.2.3", 2).unwrap_err(),
            "has `1.2.3` 3 times, not 2 times as `matches` says"
        );
        assert_eq!(find_exact(text, "v{version}", "1.2.3", 1).unwrap()[0], 47..53);
    }
}
