//! The text of a changelog.

use std::ops::Range;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::{Clock, OrFail, StepError};

use super::changelog_headings::{Heading, is_unreleased, lines, ours, version_in};

/// What a new changelog begins with.
const HEADER: &str =
    "# Changelog\n\nAll notable changes to this project are written down here.\n\n## [Unreleased]\n";

// No doc comments on the variants: see `Scheme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Style {
    #[default]
    Auto,
    KeepAChangelog,
    Plain,
}

/// A release to be added.
pub(super) struct Release<'a> {
    pub(super) version: &'a str,
    pub(super) date: String,
    pub(super) summary: &'a str,
    pub(super) notes: &'a str,
    pub(super) style: Style,
}

/// The parts of a changelog that matter, as places in its text.
struct Layout<'t> {
    /// The heading of the last release.
    last: Option<Heading<'t>>,
    /// The heading of what isn't released yet.
    open: Option<Heading<'t>>,
    /// Just after that heading, and where that part ends.
    unreleased: Option<Range<usize>>,
    /// Where the first release, or else the links at the bottom, begin.
    releases: usize,
    /// Where the links at the bottom begin.
    links: usize,
}

/// The day, in UTC.
pub(super) fn today(clock: &dyn Clock) -> Result<String, StepError> {
    Ok(timestamp(clock)?.to_zoned(TimeZone::UTC).date().to_string())
}

/// The time to the second, in UTC.
pub(super) fn now(clock: &dyn Clock) -> Result<String, StepError> {
    let seconds = timestamp(clock)?.as_second();
    let whole = jiff::Timestamp::from_second(seconds).or_permanent("the clock is far in the future")?;
    Ok(whole.to_string())
}

fn timestamp(clock: &dyn Clock) -> Result<jiff::Timestamp, StepError> {
    let micros = i64::try_from(clock.now().as_micros()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros).or_permanent("the clock is far in the future")
}

/// Whether a changelog has a heading for the version.
pub(super) fn has(text: &str, version: &str) -> bool {
    let bare = version.strip_prefix('v').unwrap_or(version);
    ours(text)
        .iter()
        .any(|heading| version_in(heading.title).is_some_and(|found| &heading.title[found] == bare))
}

/// What stands below the heading of what isn't released yet.
pub(super) fn unreleased(text: &str) -> &str {
    Layout::of(text).unreleased.map_or("", |span| text[span].trim())
}

/// The changelog with the release in it, below what isn't released yet, whose content it takes
/// over; nothing when the version is there already. Elsewhere only blank lines at the seams change.
pub(super) fn add_release(text: Option<&str>, release: &Release<'_>) -> Option<String> {
    let text =
        text.filter(|text| !text.trim_matches(['\u{feff}', '\n', '\r', ' ']).is_empty()).unwrap_or(HEADER);
    if has(text, release.version) {
        return None;
    }
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let layout = Layout::of(text);
    let unreleased = layout.unreleased.clone().unwrap_or(layout.releases..layout.releases);
    let (head, taken) = (&text[..unreleased.start], text[unreleased.clone()].trim_matches(['\n', '\r']));
    let tail = &text[unreleased.end..layout.links.max(unreleased.end)];
    let links = renewed_links(&text[layout.links.max(unreleased.end)..], release.version, eol);

    let lines = |text: &str| text.trim().lines().collect::<Vec<_>>().join(eol);
    let (summary, notes) = (lines(release.summary), lines(release.notes));
    let heading = lines(&layout.heading(release));
    let blocks =
        [head.trim_end(), &heading, &summary, taken.trim_end(), &notes, tail.trim_end(), links.trim_end()];
    let filled: Vec<&str> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
    Some(filled.join(&eol.repeat(2)) + eol)
}

impl<'t> Layout<'t> {
    fn of(text: &'t str) -> Self {
        let links = links(text);
        let headings = ours(text);
        let releases = headings.first().map_or(links, |heading| heading.span.start);
        let open = headings.iter().position(|heading| is_unreleased(heading.title));
        // A version above what isn't released yet is one of the future.
        let version = |heading: &Heading<'_>| version_in(heading.title).is_some();
        let below = open.unwrap_or_default();
        let last = headings.iter().skip(below).position(version).map(|last| last + below);
        let last = last.or_else(|| headings.iter().position(version));
        let unreleased = open.map(|open| {
            let start = headings[open].span.end;
            start..headings.get(open + 1).map_or(links.max(start), |next| next.span.start)
        });
        let first_release = last.map_or(releases, |last| headings[last].span.start);
        let heading = |index: Option<usize>| index.map(|index| headings[index].clone());
        Self { last: heading(last), open: heading(open), unreleased, releases: first_release, links }
    }

    /// The heading of the release, in the style of the one before it.
    fn heading(&self, release: &Release<'_>) -> String {
        let Release { version, date, .. } = release;
        let level = self.last.as_ref().or(self.open.as_ref()).map_or(2, |heading| heading.level);
        let marks = "#".repeat(level);
        let own = match release.style {
            Style::KeepAChangelog => None,
            Style::Plain => return format!("{marks} {version} ({date})"),
            Style::Auto => self.last.as_ref().map(|last| last.renamed(version, date)),
        };
        own.unwrap_or_else(|| format!("{marks} [{version}] - {date}"))
    }
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
        let (base, range) = url.trim().rsplit_once("/compare/").filter(|_| is_unreleased(&label[1..]))?;
        let (old, head) = range.split_once("...")?;
        let prefix = &old[..old.find(|c: char| c.is_ascii_digit())?];
        let counted = old[prefix.len()..].split('.').all(|part| part.contains(|c: char| c.is_ascii_digit()));
        (counted && old.contains('.')).then_some(())?;
        let new = format!("{prefix}{version}");
        Some(format!(
            "{label}]: {base}/compare/{new}...{head}{eol}[{version}]: {base}/compare/{old}...{new}{eol}"
        ))
    };
    links.split_inclusive('\n').map(|line| renewed(line).unwrap_or_else(|| line.to_owned())).collect()
}

#[cfg(test)]
#[path = "changelog_tests.rs"]
mod tests;
