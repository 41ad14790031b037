//! Events of the parser into nodes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, StructureStyle, Tag};

use super::super::{NONE, Node, Value};
use super::scalar::{self, Plain};
use super::{Limits, syntax};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

pub(super) struct Builder<'s> {
    source: &'s Arc<Source>,
    limits: Limits,
    nodes: Vec<Node>,
    texts: Vec<Box<str>>,
    open: Vec<Open>,
    /// By the number that the parser gives them, from 1.
    anchors: Vec<Anchor<'s>>,
    /// The nodes so far, with those behind each alias counted again.
    expanded: u64,
    /// Whether the text has any tab; most have none, and need no further look.
    tabs: bool,
    findings: Vec<Diagnostic>,
}

/// A list or mapping whose end has not come yet.
struct Open {
    node: u32,
    mapping: bool,
    block: bool,
    last: u32,
    children: u32,
    height: usize,
    anchor: usize,
    expanded_before: u64,
}

/// A value that aliases may stand for; `size` and `height` are known when it has ended.
struct Anchor<'s> {
    name: Cow<'s, str>,
    node: u32,
    ended: Option<Extent>,
}

#[derive(Clone, Copy)]
struct Extent {
    size: u64,
    height: usize,
}

pub(super) type More = ControlFlow<()>;

impl<'s> Builder<'s> {
    pub(super) fn new(source: &'s Arc<Source>, limits: Limits) -> Self {
        Self {
            source,
            limits,
            nodes: Vec::new(),
            texts: Vec::new(),
            open: Vec::new(),
            anchors: Vec::new(),
            expanded: 0,
            tabs: source.text().contains('\t'),
            findings: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, event: Event<'s>, place: &granit_parser::Span) -> More {
        let span = bytes(place);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, style, anchor, tag.as_deref(), place)
            }
            Event::MappingStart(style, anchor, tag) => self.start(true, style, anchor, tag.as_deref(), place),
            Event::SequenceStart(style, anchor, tag) => {
                self.start(false, style, anchor, tag.as_deref(), place)
            }
            Event::MappingEnd | Event::SequenceEnd => {
                self.end(span);
                self.go_on()
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => self.unknown_anchor(&name, span),
            Event::Anchor(id, name) => {
                if let Some(anchor) = self.anchors.get_mut(id - 1) {
                    anchor.name = name;
                }
                More::Continue(())
            }
            Event::DocumentStart(..) if !self.nodes.is_empty() => self.second_document(span),
            _ => More::Continue(()),
        }
    }

    /// Notes something after which nothing more can be read.
    pub(super) fn stop(&mut self, diagnostic: Diagnostic) -> More {
        self.findings.push(diagnostic);
        More::Break(())
    }

    pub(super) fn finish(self) -> (Vec<Node>, Vec<Box<str>>, Vec<Diagnostic>) {
        (self.nodes, self.texts, self.findings)
    }

    fn scalar(
        &mut self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: &granit_parser::Span,
    ) -> More {
        let mut span = bytes(place);
        let plain = style == ScalarStyle::Plain;
        // The parser writes `~` for a value that is not there.
        let text = if plain && span.start == span.end { Cow::Borrowed("") } else { text };
        let value = if self.at_key() {
            self.check_key(&text, plain, tag, span, place);
            self.text(text, style, span)
        } else {
            match (tag, plain) {
                (Some(tag), _) => self.tagged(tag, text, style, span, place),
                (None, true) => self.plain(text, span),
                (None, false) => self.text(text, style, span),
            }
        };
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            span.end = span.start + self.source.slice(span).trim_end().len() as u32;
        }
        let node = self.push(value, span, plain);
        self.name(anchor, node, Some(Extent { size: 1, height: 0 }));
        self.go_on()
    }

    fn plain(&mut self, text: Cow<'s, str>, span: Span) -> Value {
        match scalar::resolve(&text) {
            Plain::Value(value) => value,
            Plain::Text => self.text(text, ScalarStyle::Plain, span),
            Plain::NotFinite => {
                let message = format!("`{text}` is not a finite number");
                self.find(
                    Diagnostic::error("vwmp::not-finite", message)
                        .at(self.source, span, "")
                        .help("write a number, or put it in quotes if text is meant"),
                );
                Value::Null
            }
        }
    }

    fn text(&mut self, text: Cow<'s, str>, style: ScalarStyle, span: Span) -> Value {
        let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        let start = span.start as usize + usize::from(quoted);
        let slice = start..start + text.len();
        let as_written = slice.end + usize::from(quoted) <= span.end as usize
            && (!quoted || slice.end + 1 == span.end as usize)
            && self.source.text().get(slice.clone()) == Some(&*text);
        if as_written {
            return Value::Slice(Span::new(slice.start, slice.end));
        }
        self.texts.push(text.into_owned().into_boxed_str());
        Value::Text(self.texts.len() as u32 - 1)
    }

    fn tagged(
        &mut self,
        tag: &Tag,
        text: Cow<'s, str>,
        style: ScalarStyle,
        span: Span,
        place: &granit_parser::Span,
    ) -> Value {
        let name = match tag.core_suffix() {
            Some(name) => name.to_owned(),
            // A lone `!` says: text, whatever it looks like.
            None if tag.original() == "!" => "str".to_owned(),
            None => {
                self.unknown_tag(tag, place);
                return Value::Null;
            }
        };
        if name == "str" {
            return self.text(text, style, span);
        }
        match (name.as_str(), scalar::resolve(&text)) {
            ("int", Plain::Value(value @ Value::Int(_)))
            | ("float", Plain::Value(value @ Value::Float(_)))
            | ("bool", Plain::Value(value @ Value::Bool(_)))
            | ("null", Plain::Value(value @ Value::Null)) => value,
            ("float", Plain::Value(Value::Int(value))) => Value::Float(value as f64),
            _ => {
                self.wrong_tag(&name, &format!("`{text}`"), span);
                Value::Null
            }
        }
    }

    fn start(
        &mut self,
        mapping: bool,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: &granit_parser::Span,
    ) -> More {
        let span = bytes(place);
        if self.open.len() == self.limits.depth {
            return self.stop(syntax::too_deep(self.source, span, self.limits.depth));
        }
        if self.at_key() {
            self.key_is_not_text(if mapping { "a mapping" } else { "a list" }, span);
        }
        if let Some(tag) = tag {
            self.check_tag(tag, mapping, place);
        }
        let block = style == StructureStyle::Block;
        if block && !mapping {
            self.check_indentation(span);
        }
        let expanded_before = self.expanded;
        let value =
            if mapping { Value::Map { first: NONE, len: 0 } } else { Value::Seq { first: NONE, len: 0 } };
        let node = self.push(value, span, false);
        self.name(anchor, node, None);
        self.open.push(Open {
            node,
            mapping,
            block,
            last: NONE,
            children: 0,
            height: 1,
            anchor,
            expanded_before,
        });
        self.go_on()
    }

    fn end(&mut self, end: Span) {
        let Some(open) = self.open.pop() else { return };
        let written_end = match open.last {
            // The end of a block, which has no text of its own, comes after the blank lines and comments that follow.
            last if last != NONE && end.start == end.end => self.nodes[last as usize].span.end,
            _ => end.end,
        };
        let node = &mut self.nodes[open.node as usize];
        node.span.end = written_end.max(node.span.start);
        if let Value::Seq { len, .. } | Value::Map { len, .. } = &mut node.value {
            *len = if open.mapping { open.children / 2 } else { open.children };
        }
        if open.mapping {
            self.find_duplicates(open.node);
        }
        let size = self.expanded - open.expanded_before;
        if let Some(anchor) = self.anchors.get_mut(open.anchor.wrapping_sub(1)) {
            anchor.ended = Some(Extent { size, height: open.height });
        }
        self.raise(open.height);
    }

    fn alias(&mut self, anchor: usize, span: Span) -> More {
        if self.at_key() {
            self.key_is_not_text("an alias", span);
        }
        let Some(&Anchor { node, ended, .. }) = self.anchors.get(anchor - 1) else { return self.go_on() };
        let Some(extent) = ended else { return self.recursive(node, span) };
        if self.open.len() + extent.height > self.limits.depth {
            return self.stop(syntax::too_deep(self.source, span, self.limits.depth));
        }
        self.push(Value::Alias(node), span, false);
        self.expanded = self.expanded.saturating_add(extent.size - 1);
        if self.expanded - self.nodes.len() as u64 > self.limits.aliased {
            return self.alias_bomb(span);
        }
        self.raise(extent.height);
        self.go_on()
    }

    /// Adds a node to the list or mapping that is open.
    fn push(&mut self, value: Value, span: Span, plain: bool) -> u32 {
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { value, span, next: NONE, plain });
        self.expanded += 1;
        if let Some(open) = self.open.last_mut() {
            open.children += 1;
            match std::mem::replace(&mut open.last, at) {
                NONE => {
                    if let Value::Seq { first, .. } | Value::Map { first, .. } =
                        &mut self.nodes[open.node as usize].value
                    {
                        *first = at;
                    }
                }
                last => self.nodes[last as usize].next = at,
            }
        }
        at
    }

    fn name(&mut self, anchor: usize, node: u32, ended: Option<Extent>) {
        if anchor > 0 {
            self.anchors.push(Anchor { name: Cow::Borrowed(""), node, ended });
        }
    }

    /// The list or mapping that is open is higher than the one in it.
    fn raise(&mut self, child: usize) {
        if let Some(open) = self.open.last_mut() {
            open.height = open.height.max(child + 1);
        }
    }

    fn at_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.mapping && open.children % 2 == 0)
    }

    fn go_on(&mut self) -> More {
        if self.nodes.len() > self.limits.nodes {
            let message = format!("the file holds more than {} values", self.limits.nodes);
            let diagnostic = Diagnostic::error("vwmp::too-large", message)
                .at(self.source, self.nodes[self.limits.nodes].span, "")
                .help("split the workflow, or call one workflow from another");
            return self.stop(diagnostic);
        }
        if self.findings.len() >= self.limits.findings { More::Break(()) } else { More::Continue(()) }
    }
}

mod findings;

fn bytes(place: &granit_parser::Span) -> Span {
    place.byte_range().map_or_else(Span::default, |range| Span::new(range.start, range.end))
}
