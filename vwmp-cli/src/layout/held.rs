//! Lines that belong to a text or a flow collection that began above them.

use std::collections::HashMap;
use std::ops::Range;

use vwmp_core::document::{Document, Kind, NodeRef};
use vwmp_core::source::{Source, Span};

/// The lines of a document that belong to what began above them.
pub(super) struct Held(HashMap<usize, Holder>);

/// What a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A text in block style: its lines stay as they are, beside a common indentation.
    Block {
        /// That indentation.
        indent: usize,
    },
    /// Anything else that takes several lines.
    Other,
}

/// How the lines below a line move.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hold {
    shift: isize,
    body: usize,
}

impl Held {
    pub(super) fn of(document: &Document) -> Self {
        let mut held = Self(HashMap::new());
        let written: Vec<&str> = document.source().text().lines().collect();
        held.walk(document.root(), &written);
        held
    }

    pub(super) fn at(&self, line: usize) -> Option<Holder> {
        self.0.get(&line).copied()
    }

    fn walk(&mut self, node: NodeRef<'_>, written: &[&str]) {
        let source = node.source();
        let rest = &source.text()[node.span().start as usize..];
        let lines = lines(source, node.span());
        if rest.starts_with('*') {
            return;
        }
        if rest.starts_with(['[', '{']) && matches!(node.kind(), Kind::Seq | Kind::Map) {
            return self.hold(lines, Holder::Other);
        }
        match node.kind() {
            Kind::Map => node.entries().for_each(|(_, value)| self.walk(value, written)),
            Kind::Seq => node.items().for_each(|item| self.walk(item, written)),
            Kind::Str(_) if !node.is_plain() && !rest.starts_with(['"', '\'']) => self.block(written, lines),
            _ => self.hold(lines, Holder::Other),
        }
    }

    /// A text in block style; `lines` are those of its content.
    fn block(&mut self, written: &[&str], lines: Range<usize>) {
        let blank = |line: &&str| line.trim().is_empty();
        let Some(head) = written[..lines.start].iter().rposition(|line| !blank(line)) else { return };
        let body = &written[head + 1..];
        let Some(first) = body.iter().find(|line| !blank(line)) else { return };
        let indent = first.len() - first.trim_start_matches(' ').len();
        let header = header(written[head]);
        // Blank lines at its end are part of a text that says so.
        let kept = if header.contains('+') {
            written[lines.end..].iter().take_while(|line| blank(line)).count()
        } else {
            0
        };
        let explicit = header.contains(|c: char| c.is_ascii_digit());
        let holder = if explicit { Holder::Other } else { Holder::Block { indent } };
        self.hold(head..lines.end + kept, holder);
    }

    fn hold(&mut self, lines: Range<usize>, holder: Holder) {
        self.0.extend(lines.skip(1).map(|line| (line, holder)));
    }
}

impl Hold {
    pub(super) fn new(shift: isize, body: usize) -> Self {
        Self { shift, body }
    }

    /// A held line in its new place.
    pub(super) fn line(&self, holder: Holder, line: &str) -> String {
        let column = line.len() - line.trim_start_matches(' ').len();
        match holder {
            Holder::Block { indent } if column >= indent && line.len() > indent => {
                format!("{:1$}{2}", "", self.body, &line[indent..])
            }
            _ if line.trim().is_empty() => String::new(),
            Holder::Block { .. } => line.to_owned(),
            Holder::Other => {
                let moved = column.saturating_add_signed(self.shift);
                format!("{:moved$}{}", "", &line[column..])
            }
        }
    }
}

/// What the line above a text in block style says about it, such as `|-`.
fn header(line: &str) -> &str {
    let text = line.split(" #").next().unwrap_or_default();
    text.rfind(['|', '>']).map_or("", |at| &text[at..])
}

/// The lines that a span is on, counted from 0.
pub(super) fn lines(source: &Source, span: Span) -> Range<usize> {
    let line = |at: u32| source.position(at).line as usize - 1;
    line(span.start)..line(span.end.max(span.start + 1) - 1) + 1
}
