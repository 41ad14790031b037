//! The headings of a changelog: which version each is about, and how the next one would look.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// A heading.
#[derive(Debug, Clone)]
pub(super) struct Heading<'t> {
    /// The text, without marks.
    pub(super) title: &'t str,
    /// 1 for the highest.
    pub(super) level: usize,
    /// What is below the text, where that makes it a heading.
    underline: Option<char>,
    /// The place of all of it, the line break included.
    pub(super) span: Range<usize>,
}

/// What may come before the version in a heading that is about one.
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    let version = r"[0-9]+\.[0-9]+(?:\.[0-9]+)*(?:-[0-9A-Za-z.-]*[0-9A-Za-z])?(?:\+[0-9A-Za-z.-]*[0-9A-Za-z])?(?:(?:a|b|rc|\.dev)[0-9]+)?";
    Regex::new(&format!(r"^(?i:version |release )?\[?v?({version})(?:[\]\s:,(/]|$)"))
        .expect("a valid expression")
});
static DATE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").expect("a valid expression"));

/// The place of the version in the title of a heading.
pub(super) fn version_in(title: &str) -> Option<Range<usize>> {
    Some(VERSION.captures(title)?.get(1)?.range())
}

/// Whether a title stands for what isn't released yet.
pub(super) fn is_unreleased(title: &str) -> bool {
    let name = title.trim_start_matches('[').split([']', '(']).next().unwrap_or_default().trim();
    // `master / unreleased` is common, and so is the name alone.
    let last = name.split_whitespace().next_back().unwrap_or_default();
    let alone = ["tbd", "next", "upcoming"].iter().any(|open| name.eq_ignore_ascii_case(open));
    alone || (last.eq_ignore_ascii_case("unreleased") && name.split_whitespace().count() <= 3)
}

/// The headings of the level on which the versions are; not those in code.
pub(super) fn ours(text: &str) -> Vec<Heading<'_>> {
    let all = all(text);
    let about = |heading: &&Heading<'_>| version_in(heading.title).is_some() || is_unreleased(heading.title);
    let Some(level) = all.iter().find(about).map(|heading| heading.level) else { return Vec::new() };
    all.into_iter().filter(|heading| heading.level == level && about(&heading)).collect()
}

fn all(text: &str) -> Vec<Heading<'_>> {
    let mut headings = Vec::new();
    let mut fenced = false;
    let mut before: Option<(&str, Range<usize>)> = None;
    for (line, span) in lines(text) {
        if line.starts_with("```") || line.starts_with("~~~") {
            fenced = !fenced;
        }
        let line = line.trim_start_matches('\u{feff}');
        let level = line.bytes().take_while(|&byte| byte == b'#').count();
        let underline = line.chars().next().filter(|&mark| {
            "=-".contains(mark) && line.len() > 2 && line.trim_end().chars().all(|other| other == mark)
        });
        let heading =
            match (&before, underline) {
                _ if fenced => None,
                (_, None) if (1..=3).contains(&level) => line[level..]
                    .strip_prefix(' ')
                    .map(|title| Heading { title: title.trim(), level, underline: None, span: span.clone() }),
                (Some((title, start)), Some(mark)) => Some(Heading {
                    title: title.trim(),
                    level: if mark == '=' { 1 } else { 2 },
                    underline: Some(mark),
                    span: start.start..span.end,
                }),
                _ => None,
            };
        before =
            (heading.is_none() && !line.trim().is_empty() && underline.is_none()).then_some((line, span));
        headings.extend(heading);
    }
    headings
}

impl Heading<'_> {
    /// The heading of another version in the same style. What follows the date is left out.
    pub(super) fn renamed(&self, version: &str, date: &str) -> String {
        let own = version_in(self.title).unwrap_or_default();
        let old = &self.title[own.clone()];
        let rest = &self.title[own.end..];
        let after = match DATE.find(rest) {
            Some(found) => {
                let close = rest[found.end()..].chars().next().filter(|next| ")]".contains(*next));
                let between = linked(&rest[..found.start()], old, version);
                format!("{between}{date}{}", close.map(String::from).unwrap_or_default())
            }
            None => {
                let link = rest.split_whitespace().next().filter(|_| rest.starts_with([']', '(']));
                linked(link.unwrap_or_default(), old, version)
            }
        };
        let title = format!("{}{version}{after}", &self.title[..own.start]);
        match self.underline {
            Some(mark) => format!("{title}\n{}", mark.to_string().repeat(title.chars().count())),
            None => format!("{} {title}", "#".repeat(self.level)),
        }
    }
}

/// The text between a version and its date, with its link moved on.
fn linked(text: &str, old: &str, version: &str) -> String {
    let Some((base, range)) = text.split_once("/compare/") else { return text.replace(old, version) };
    // Two dots or three.
    let Some((_, to)) = range.split_once("..") else { return text.replace(old, version) };
    let dots = if to.starts_with('.') { "..." } else { ".." };
    let to = to.trim_start_matches('.');
    let tag = to.split(')').next().unwrap_or_default();
    format!("{base}/compare/{tag}{dots}{}", to.replace(old, version))
}

/// Lines without their line breaks, with their places, breaks included.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((line.trim_end_matches(['\n', '\r']), start..*at))
    })
}
