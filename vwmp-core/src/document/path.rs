//! Paths in messages, `steps[2].config.url`, and as JSON pointers, `/steps/2/config/url`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::{Kind, NodeRef};
use crate::source::Span;

/// A way from the root of a document to a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path(Vec<Segment>);

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Into an entry of a mapping.
    Key(String),
    /// Into a value of a list, counted from 0.
    Index(usize),
}

/// A text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a path: {expected} was expected at character {at}; a path looks like `steps[2].config.url`"
)]
pub struct PathError {
    text: String,
    at: usize,
    expected: &'static str,
}

impl Path {
    /// The path of a JSON pointer; the document tells an index from a key that is a number.
    pub fn from_pointer(root: NodeRef<'_>, pointer: &str) -> Self {
        let mut node = Some(root);
        let segments = pointer_segments(pointer).map(|text| {
            let in_list = node.is_some_and(|node| node.kind() == Kind::Seq);
            node = node.and_then(|node| node.child(&text));
            match index(&text) {
                Some(index) if in_list => Segment::Index(index),
                _ => Segment::Key(text.into_owned()),
            }
        });
        Self(segments.collect())
    }

    /// The path as a JSON pointer.
    pub fn to_pointer(&self) -> String {
        self.0.iter().fold(String::new(), |pointer, segment| match segment {
            Segment::Key(key) => pointer + "/" + &key.replace('~', "~0").replace('/', "~1"),
            Segment::Index(index) => format!("{pointer}/{index}"),
        })
    }

    /// The segments, from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// This path with one more key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// This path with one more index.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// The value that the path leads to.
    pub fn find<'d>(&self, root: NodeRef<'d>) -> Option<NodeRef<'d>> {
        self.0.iter().try_fold(root, |node, segment| match segment {
            Segment::Key(key) => node.get(key),
            Segment::Index(index) => node.items().nth(*index),
        })
    }

    /// Where the value stands that the path leads to.
    pub fn span(&self, root: NodeRef<'_>) -> Option<Span> {
        self.find(root).map(NodeRef::span)
    }
}

impl FromIterator<Segment> for Path {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if !is_bare(key) => {
                    write!(f, "[{}]", serde_json::Value::from(key.as_str()))?;
                }
                Segment::Key(key) => write!(f, "{}{key}", if i == 0 { "" } else { "." })?,
            }
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let error = |rest: &str, expected| {
            let at = text[..text.len() - rest.len()].chars().count() + 1;
            PathError { text: text.to_owned(), at, expected }
        };
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (segment, after) = if let Some(inside) = rest.strip_prefix('[') {
                bracketed(inside).ok_or_else(|| error(inside, "an index and `]`"))?
            } else {
                let name = match rest.strip_prefix('.') {
                    Some(name) if !segments.is_empty() => name,
                    None if segments.is_empty() => rest,
                    _ => return Err(error(rest, if segments.is_empty() { "a name" } else { "`.` or `[`" })),
                };
                let end = name.find(|c| !is_bare_char(c)).unwrap_or(name.len());
                if end == 0 {
                    return Err(error(name, "a name"));
                }
                (Segment::Key(name[..end].to_owned()), &name[end..])
            };
            segments.push(segment);
            rest = after;
        }
        Ok(Self(segments))
    }
}

/// What follows `[`: an index or a quoted key, then `]`.
fn bracketed(inside: &str) -> Option<(Segment, &str)> {
    if inside.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        let key = values.next()?.ok()?;
        return Some((Segment::Key(key), inside[values.byte_offset()..].strip_prefix(']')?));
    }
    let (number, after) = inside.split_once(']')?;
    Some((Segment::Index(index(number)?), after))
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_bare_char)
}

fn is_bare_char(c: char) -> bool {
    !matches!(c, '.' | '[' | ']' | '"') && !c.is_whitespace() && !c.is_control()
}

/// The segments of a JSON pointer.
pub(super) fn pointer_segments(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer.split('/').skip(1).map(|segment| {
        if segment.contains('~') {
            segment.replace("~1", "/").replace("~0", "~").into()
        } else {
            segment.into()
        }
    })
}

/// A number as JSON pointers and paths write it: digits alone, no leading zero.
pub(super) fn index(text: &str) -> Option<usize> {
    let bare = text == "0" || text.starts_with(|c: char| ('1'..='9').contains(&c));
    text.parse().ok().filter(|_| bare)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::document::Document;
    use crate::source::Source;

    #[test]
    fn a_path_prints_as_it_was_read() {
        for text in [
            "",
            "steps[2].config.url",
            "[0][1].a",
            r#"a["b.c"].d"#,
            r#"["é \" ]"]"#,
            "step-outputs.step-1.files[0]",
        ] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for (text, at, expected) in [
            (".a", 1, "a name"),
            ("a..b", 3, "a name"),
            ("é.", 3, "a name"),
            ("a[", 3, "an index and `]`"),
            ("a[01]", 3, "an index and `]`"),
            ("a[\"x]", 3, "an index and `]`"),
            ("a[0]b", 5, "`.` or `[`"),
            ("a b", 2, "`.` or `[`"),
        ] {
            let message = format!(
                "`{text}` is not a path: {expected} was expected at character {at}; a path looks like `steps[2].config.url`"
            );
            assert_eq!(text.parse::<Path>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_path_and_a_pointer_lead_to_the_same_place() {
        let source = Arc::new(Source::new("w.yaml", "steps: [x, {a/b: {'0': here}}]\n"));
        let document = Document::parse(source).unwrap();
        let root = document.root();
        let path: Path = "steps[1].a/b.0".parse().unwrap();
        assert_eq!(path.to_pointer(), "/steps/1/a~1b/0");
        assert_eq!(Path::from_pointer(root, "/steps/1/a~1b/0"), path);
        assert_eq!(path.find(root).unwrap().as_str(), Some("here"));
        assert_eq!(path.span(root), root.at_pointer("/steps/1/a~1b/0").map(NodeRef::span));
        assert_eq!(root.document().source().slice(root.key_at_pointer("/steps/1/a~1b").unwrap()), "a/b");
        assert_eq!(root.key_at_pointer("/steps/1"), None);
    }
}
