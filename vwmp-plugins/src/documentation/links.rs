//! The links and the anchors of a Markdown text.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

/// What a Markdown text links to, and what can be linked to in it.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) links: Vec<Link>,
    pub(super) anchors: BTreeSet<String>,
}

/// A link.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The line it stands in, from 1.
    pub(super) line: usize,
    /// Where it leads.
    pub(super) target: String,
}

impl Page {
    /// Reads a text the way GitHub and GitLab do.
    pub(super) fn read(text: &str) -> Self {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        let (mut page, mut seen, mut heading) = (Self::default(), BTreeMap::new(), None::<String>);
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.insert(numbered(&slug(&heading.take().unwrap_or_default()), &mut seen));
                }
                Event::Text(words) | Event::Code(words) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&words));
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.link(text, range.start, &dest_url);
                }
                Event::Html(html) | Event::InlineHtml(html) => page.html(text, range.start, &html),
                _ => {}
            }
        }
        page
    }

    fn link(&mut self, text: &str, at: usize, target: &str) {
        let line = text[..at].matches('\n').count() + 1;
        self.links.push(Link { line, target: target.to_owned() });
    }

    #[expect(clippy::unwrap_used, reason = "the pattern is known")]
    fn html(&mut self, text: &str, at: usize, html: &str) {
        let attribute = Regex::new(r#"(?i)\s(id|name|href|src)\s*=\s*["']([^"']*)["']"#).unwrap();
        for found in attribute.captures_iter(html) {
            let value = &found[2];
            if matches!(found[1].to_ascii_lowercase().as_str(), "href" | "src") {
                self.link(text, at + found.get(0).map_or(0, |all| all.start()), value);
            } else {
                self.anchors.insert(value.to_owned());
            }
        }
    }
}

/// A heading as an anchor: small letters, digits, `-` and `_`, blanks as `-`.
fn slug(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The second heading of a name gets a `-1`, the third a `-2`.
fn numbered(slug: &str, seen: &mut BTreeMap<String, usize>) -> String {
    let count = seen.entry(slug.to_owned()).or_default();
    *count += 1;
    if *count == 1 { slug.to_owned() } else { format!("{slug}-{}", *count - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_anchors_of_a_page() {
        let page = Page::read(
            "# A `b` & C!\n\n[one](a.md#x \"t\") ![two](<b c.png>)\n\n```\n[no](no.md)\n```\n`[no](no.md)`\n\n\
             [three][ref] <https://example.com>\n\n[ref]: d.md\n\n## Ü_ü\n## Ü_ü\n<a id=\"own\" href='e.md'>x</a>\n",
        );
        let links: Vec<_> = page.links.iter().map(|link| (link.line, link.target.as_str())).collect();
        assert_eq!(
            links,
            [(3, "a.md#x"), (3, "b c.png"), (10, "d.md"), (10, "https://example.com"), (16, "e.md")]
        );
        let anchors: Vec<_> = page.anchors.iter().map(String::as_str).collect();
        assert_eq!(anchors, ["a-b--c", "own", "ü_ü", "ü_ü-1"]);
    }
}
