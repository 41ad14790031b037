//! The text of a changelog in the style of Keep a Changelog.

use std::ops::Range;

use jiff::tz::TimeZone;
use semver::Version;
use vwmp_interfaces::{Clock, OrFail, StepError};

/// What a new changelog begins with.
const HEADER: &str =
    "# Changelog\n\nAll notable changes to this project are written down here.\n\n## [Unreleased]\n";

/// A release to be added.
pub(super) struct Release<'a> {
    pub(super) version: &'a str,
    pub(super) date: String,
    pub(super) summary: &'a str,
}

/// The parts of a changelog that matter, as places in its text.
struct Layout {
    /// Just after the heading of what isn't released yet, and where that part ends.
    unreleased: Option<Range<usize>>,
    /// Where the first release, or else the links at the bottom, begin.
    releases: usize,
    /// Where the links at the bottom begin.
    links: usize,
}

/// The day, in UTC.
pub(super) fn today(clock: &dyn Clock) -> Result<String, StepError> {
    let micros = i64::try_from(clock.now().as_micros()).unwrap_or(i64::MAX);
    let now = jiff::Timestamp::from_microsecond(micros).or_permanent("the clock is far in the future")?;
    Ok(now.to_zoned(TimeZone::UTC).date().to_string())
}

/// The changelog with the release in it, below what isn't released yet, whose content it takes
/// over; nothing when the version is there already. Elsewhere only blank lines at the seams change.
pub(super) fn add_release(text: Option<&str>, release: &Release<'_>) -> Option<String> {
    let text =
        text.filter(|text| !text.trim_matches(['\u{feff}', '\n', '\r', ' ']).is_empty()).unwrap_or(HEADER);
    if headings(text).any(|(name, _)| is_version(name, release.version)) {
        return None;
    }
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let layout = Layout::of(text);
    let unreleased = layout.unreleased.unwrap_or(layout.releases..layout.releases);
    let (head, taken) = (&text[..unreleased.start], text[unreleased.clone()].trim_matches(['\n', '\r']));
    let tail = &text[unreleased.end..layout.links.max(unreleased.end)];
    let links = renewed_links(&text[layout.links.max(unreleased.end)..], release.version, eol);

    let summary = release.summary.trim().lines().collect::<Vec<_>>().join(eol);
    let heading = format!("## [{}] - {}", release.version, release.date);
    let blocks = [head.trim_end(), &heading, &summary, taken.trim_end(), tail.trim_end(), links.trim_end()];
    let filled: Vec<&str> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
    Some(filled.join(&eol.repeat(2)) + eol)
}

impl Layout {
    fn of(text: &str) -> Self {
        let links = links(text);
        let headings: Vec<(&str, Range<usize>)> = headings(text).collect();
        let releases = headings.first().map_or(links, |(_, span)| span.start);
        let open = headings.iter().position(|(name, _)| name.eq_ignore_ascii_case("unreleased"));
        let unreleased = open.map(|open| {
            let start = headings[open].1.end;
            start..headings.get(open + 1).map_or(links.max(start), |(_, next)| next.start)
        });
        Self { unreleased, releases, links }
    }
}

/// The names in headings of the second level, with the places of the headings; not those in code.
fn headings(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut fenced = false;
    lines(text).filter_map(move |(line, span)| {
        if line.starts_with("```") || line.starts_with("~~~") {
            fenced = !fenced;
        }
        let title = line.strip_prefix("## ").filter(|_| !fenced)?.trim();
        let name = match title.strip_prefix('[') {
            Some(linked) => linked.split(']').next(),
            None => title.split_whitespace().next(),
        };
        Some((name.unwrap_or_default(), span))
    })
}

fn is_version(name: &str, version: &str) -> bool {
    name.strip_prefix('v').unwrap_or(name) == version.strip_prefix('v').unwrap_or(version)
}

/// Where the link definitions at the bottom begin.
fn links(text: &str) -> usize {
    let all: Vec<(&str, Range<usize>)> = lines(text).collect();
    let bottom = all.iter().rev().take_while(|(line, _)| line.trim().is_empty() || is_link(line));
    bottom.filter(|(line, _)| is_link(line)).last().map_or(text.len(), |(_, span)| span.start)
}

fn is_link(line: &str) -> bool {
    line.starts_with('[') && line.contains("]: ")
}

/// The link definitions, with the one of the release added, where the one of what isn't released
/// compares a version with the head. Otherwise they stay.
fn renewed_links(links: &str, version: &str, eol: &str) -> String {
    let renewed = |line: &str| {
        let (label, url) = line.split_once("]: ")?;
        let unreleased = label[1..].eq_ignore_ascii_case("unreleased");
        let (base, range) = url.trim().rsplit_once("/compare/").filter(|_| unreleased)?;
        let (old, head) = range.split_once("...")?;
        let prefix = &old[..old.find(|c: char| c.is_ascii_digit())?];
        Version::parse(&old[prefix.len()..]).ok()?;
        let new = format!("{prefix}{version}");
        Some(format!(
            "{label}]: {base}/compare/{new}...{head}{eol}[{version}]: {base}/compare/{old}...{new}{eol}"
        ))
    };
    links.split_inclusive('\n').map(|line| renewed(line).unwrap_or_else(|| line.to_owned())).collect()
}

/// Lines without their line breaks, with their places, breaks included.
fn lines(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((line.trim_end_matches(['\n', '\r']), start..*at))
    })
}

#[cfg(test)]
#[path = "changelog_tests.rs"]
mod tests;
