//! A text as a tree in which every value knows its place: structure without meaning.
//!
//! The tree is an arena: a node is 32 bytes, and text stays in the source wherever it stands there as it is.

pub mod path;
mod yaml;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::diagnostic::Diagnostics;
use crate::source::{Source, Span};
pub use path::Path;
pub use yaml::plain_value;

/// A parsed text.
pub struct Document {
    source: Arc<Source>,
    nodes: Vec<Node>,
    /// The texts that do not stand in the source as they are: escaped, folded, indented.
    texts: Vec<Box<str>>,
}

/// A value in a [`Document`]. Aliases are followed; only [`NodeRef::span`] tells them from what they stand for.
#[derive(Clone, Copy)]
pub struct NodeRef<'d> {
    document: &'d Document,
    at: u32,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind<'d> {
    /// Nothing: `null`, `~`, or no value at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another finite number.
    Float(f64),
    /// Text.
    Str(&'d str),
    /// A list; see [`NodeRef::items`].
    Seq,
    /// A mapping; see [`NodeRef::entries`].
    Map,
}

/// The key of an entry of a mapping. Any plain scalar is a key by its text, so `on:` and `1:` are text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'d> {
    /// The key.
    pub text: &'d str,
    /// Where it stands.
    pub span: Span,
}

/// The nodes of a list or mapping in their order; the keys and values of a mapping take turns.
struct Children<'d> {
    document: &'d Document,
    next: u32,
}

struct Node {
    value: Value,
    span: Span,
    next: u32,
    plain: bool,
}

enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Text that stands in the source as it is.
    Slice(Span),
    /// Text that does not; an index into the texts of the document.
    Text(u32),
    Seq {
        first: u32,
        len: u32,
    },
    Map {
        first: u32,
        len: u32,
    },
    Alias(u32),
}

/// The end of a list of siblings.
const NONE: u32 = u32::MAX;

impl Document {
    /// Reads a text.
    ///
    /// # Errors
    /// Everything that is wrong with it, up to the first place where its structure is lost.
    pub fn parse(source: Arc<Source>) -> Result<Self, Diagnostics> {
        yaml::parse(source, yaml::Limits::DEFAULT)
    }

    /// The text that was read.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The value that the document is.
    pub fn root(&self) -> NodeRef<'_> {
        NodeRef { document: self, at: 0 }
    }
}

impl<'d> NodeRef<'d> {
    /// What the value is.
    pub fn kind(self) -> Kind<'d> {
        match self.node().value {
            Value::Bool(value) => Kind::Bool(value),
            Value::Int(value) => Kind::Int(value),
            Value::Float(value) => Kind::Float(value),
            Value::Slice(_) | Value::Text(_) => Kind::Str(self.text()),
            Value::Seq { .. } => Kind::Seq,
            Value::Map { .. } => Kind::Map,
            Value::Null | Value::Alias(_) => Kind::Null,
        }
    }

    /// Where the value is written: the place of the alias, when it is one; the quotes, when it has any.
    ///
    /// A list or mapping in block style goes from its first dash or key to the end of its last value.
    pub fn span(self) -> Span {
        self.placed().span
    }

    /// The document that the value is in.
    pub fn document(self) -> &'d Document {
        self.document
    }

    /// The source that the value is in.
    pub fn source(self) -> &'d Arc<Source> {
        &self.document.source
    }

    /// The value, when it is text.
    pub fn as_str(self) -> Option<&'d str> {
        match self.kind() {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value as it is written, such as `1.10`; with its quotes, when it has any.
    pub fn raw(self) -> &'d str {
        self.document.source.slice(self.node().span)
    }

    /// Whether the value is a scalar without quotes.
    pub fn is_plain(self) -> bool {
        self.node().plain
    }

    /// What the value is, in the words of messages.
    pub fn describe(self) -> &'static str {
        match self.kind() {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Int(_) | Kind::Float(_) => "a number",
            Kind::Str(_) => "text",
            Kind::Seq => "a list",
            Kind::Map => "a mapping",
        }
    }

    /// The values of a list; none for anything else.
    pub fn items(self) -> impl Iterator<Item = NodeRef<'d>> {
        let first = if let Value::Seq { first, .. } = self.node().value { first } else { NONE };
        Children { document: self.document, next: first }
    }

    /// The entries of a mapping, as written; none for anything else.
    pub fn entries(self) -> impl Iterator<Item = (Key<'d>, NodeRef<'d>)> {
        let first = if let Value::Map { first, .. } = self.node().value { first } else { NONE };
        let mut children = Children { document: self.document, next: first };
        std::iter::from_fn(move || {
            let key = children.next()?;
            Some((Key { text: key.text(), span: key.span() }, children.next()?))
        })
    }

    /// The value of a key, when this is a mapping that has it.
    pub fn get(self, key: &str) -> Option<NodeRef<'d>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The number of values of a list or entries of a mapping; 0 for anything else.
    #[expect(clippy::len_without_is_empty, reason = "an empty list and a number are not alike")]
    pub fn len(self) -> usize {
        match self.node().value {
            Value::Seq { len, .. } | Value::Map { len, .. } => len as usize,
            _ => 0,
        }
    }

    /// The value that a JSON pointer leads to from here.
    pub fn at_pointer(self, pointer: &str) -> Option<NodeRef<'d>> {
        path::pointer_segments(pointer).try_fold(self, |node, segment| node.child(&segment))
    }

    /// Where the key stands that a JSON pointer ends with, when it leads to an entry of a mapping.
    pub fn key_at_pointer(self, pointer: &str) -> Option<Span> {
        let (parent, _) = pointer.rsplit_once('/')?;
        let last = path::pointer_segments(pointer).last()?;
        let (key, _) = self.at_pointer(parent)?.entry(&last)?;
        Some(key.span)
    }

    /// The value as JSON.
    pub fn to_json(self) -> Json {
        match self.kind() {
            Kind::Null => Json::Null,
            Kind::Bool(value) => Json::from(value),
            Kind::Int(value) => Json::from(value),
            Kind::Float(value) => Json::from(value),
            Kind::Str(text) => Json::from(text),
            Kind::Seq => self.items().map(Self::to_json).collect(),
            Kind::Map => self.entries().map(|(key, value)| (key.text.to_owned(), value.to_json())).collect(),
        }
    }

    /// The byte at which the text begins, when it stands in the source as it is.
    ///
    /// A place inside the value is then at the same distance from it. `None` for text with escapes or folded lines.
    pub fn offset_of_text(self) -> Option<u32> {
        match self.node().value {
            Value::Slice(span) => Some(span.start),
            _ => None,
        }
    }

    /// Where a part of the text was written, in bytes of the text; all of it where that can't be told.
    pub fn span_of_part(self, part: Range<usize>) -> Span {
        if let Some(start) = self.offset_of_text() {
            return Span { start, end: start }.part(part);
        }
        let (whole, text) = (self.span(), self.text());
        let wanted = text.get(part.clone()).filter(|wanted| !wanted.is_empty());
        let found = wanted.and_then(|wanted| {
            let before = text[..part.start].matches(wanted).count();
            let (at, _) = self.source().slice(whole).match_indices(wanted).nth(before)?;
            Some(Span::new(at, at + wanted.len()))
        });
        found.map_or(whole, |found| Span { start: whole.start, end: whole.start }.part(found.into()))
    }

    fn child(self, segment: &str) -> Option<Self> {
        match self.kind() {
            Kind::Seq => self.items().nth(path::index(segment)?),
            _ => self.get(segment),
        }
    }

    fn entry(self, key: &str) -> Option<(Key<'d>, Self)> {
        self.entries().find(|(found, _)| found.text == key)
    }

    fn text(self) -> &'d str {
        match self.node().value {
            Value::Slice(span) => self.document.source.slice(span),
            Value::Text(index) => &self.document.texts[index as usize],
            _ => "",
        }
    }

    /// The node that stands here; an alias is not followed.
    fn placed(self) -> &'d Node {
        &self.document.nodes[self.at as usize]
    }

    fn node(self) -> &'d Node {
        match self.placed() {
            Node { value: Value::Alias(target), .. } => &self.document.nodes[*target as usize],
            node => node,
        }
    }
}

impl<'d> Iterator for Children<'d> {
    type Item = NodeRef<'d>;

    fn next(&mut self) -> Option<NodeRef<'d>> {
        let at = self.next;
        self.next = self.document.nodes.get(at as usize)?.next;
        Some(NodeRef { document: self.document, at })
    }
}

/// The entries of mappings that lie over each other, the highest first: each key once, with its values in the same order.
///
/// What lies below something that is no mapping is hidden by it.
pub fn overlaid<'d>(layers: &[NodeRef<'d>]) -> Vec<(Key<'d>, Vec<NodeRef<'d>>)> {
    let mut entries: Vec<(Key<'d>, Vec<NodeRef<'d>>)> = Vec::new();
    for (layer, node) in layers.iter().take_while(|node| node.kind() == Kind::Map).enumerate() {
        for (key, value) in node.entries() {
            // The keys of one mapping differ from each other.
            let known = (layer > 0).then(|| entries.iter_mut().find(|(known, _)| known.text == key.text));
            match known.flatten() {
                Some((_, values)) => values.push(value),
                None => entries.push((key, vec![value])),
            }
        }
    }
    entries
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({:?}, {} nodes)", self.source.name(), self.nodes.len())
    }
}

impl fmt::Debug for NodeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeRef({}, {:?})", self.source().position(self.span().start), self.kind())
    }
}

#[cfg(test)]
mod tests;
