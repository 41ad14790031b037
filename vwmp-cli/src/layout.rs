//! One layout for workflow files: lines are moved, never rewritten.
//!
//! Each level is two columns deeper, lists stand below their key, steps of more than one line are a blank line
//! apart, nothing stands behind the end of a line. Comments, quotes, the order of keys and the lines of scripts stay.

mod held;
mod levels;

use std::collections::HashSet;
use std::sync::Arc;

use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::document::{Document, Kind, NodeRef};
use vwmp_core::source::Source;

use self::held::{Held, Hold};
use self::levels::{Levels, Moved};

/// Why a text has no layout.
#[derive(Debug)]
pub(crate) enum Unlaid {
    /// It is no YAML.
    Unreadable(Diagnostics),
    /// It would mean something else afterwards.
    WouldChange,
}

/// A text in the one layout.
pub(crate) fn laid_out(name: &str, text: &str) -> Result<String, Unlaid> {
    let text = text.replace("\r\n", "\n");
    let before = Document::parse(source(name, &text)).map_err(Unlaid::Unreadable)?;
    let laid = Layout::new(&before).lay(&text);
    match Document::parse(source(name, &laid)) {
        Ok(after) if same(before.root(), after.root()) => Ok(laid),
        _ => Err(Unlaid::WouldChange),
    }
}

/// The lines that were laid out, and those that wait for what follows them.
struct Layout {
    /// The lines that belong to the text or flow collection above them.
    held: Held,
    /// The lines that a blank line goes before.
    apart: HashSet<usize>,
    levels: Levels,
    out: String,
    waiting: Vec<Waiting>,
}

/// A line whose place depends on what follows.
enum Waiting {
    Blank,
    Comment { column: usize, text: String },
}

impl Layout {
    fn new(document: &Document) -> Self {
        Self {
            held: Held::of(document),
            apart: apart(document.root()),
            levels: Levels::default(),
            out: String::new(),
            waiting: Vec::new(),
        }
    }

    fn lay(mut self, text: &str) -> String {
        let mut hold = Hold::default();
        for (number, line) in text.lines().enumerate() {
            if let Some(kind) = self.held.at(number) {
                self.out.push_str(&hold.line(kind, line));
                self.out.push('\n');
                continue;
            }
            let content = line.trim_start_matches(' ');
            let column = line.len() - content.len();
            match content.trim_end() {
                "" => self.waiting.push(Waiting::Blank),
                comment if comment.starts_with('#') => {
                    self.waiting.push(Waiting::Comment { column, text: comment.to_owned() });
                }
                _ => hold = self.content(number, column, content),
            }
        }
        self.end()
    }

    /// A line with a key, an item or a value.
    fn content(&mut self, number: usize, column: usize, content: &str) -> Hold {
        let before = self.levels.clone();
        let moved = self.levels.enter(column, content);
        if self.apart.contains(&number) {
            self.set_apart(column);
        }
        self.flush(&before, Some((column, moved.column)));
        // A space that is escaped at the end of a line is part of a text.
        let text = if moved.text.ends_with("\\ ") { &*moved.text } else { moved.text.trim_end() };
        self.out.extend(std::iter::repeat_n(' ', moved.column));
        self.out.push_str(text);
        self.out.push('\n');
        let Moved { shift, body, .. } = moved;
        Hold::new(shift, body)
    }

    /// Puts a blank line before what waits and belongs to a new step: comments deeper than it do not.
    fn set_apart(&mut self, column: usize) {
        if self.waiting.iter().any(|one| matches!(one, Waiting::Blank)) {
            return;
        }
        let of_last = |one: &Waiting| matches!(one, Waiting::Comment { column: its, .. } if *its > column);
        let at = self.waiting.iter().rposition(of_last).map_or(0, |at| at + 1);
        self.waiting.insert(at, Waiting::Blank);
    }

    fn flush(&mut self, levels: &Levels, next: Option<(usize, usize)>) {
        for one in std::mem::take(&mut self.waiting) {
            match one {
                Waiting::Blank if self.out.is_empty() || self.out.ends_with("\n\n") => {}
                Waiting::Blank => self.out.push('\n'),
                Waiting::Comment { column, text } => {
                    self.out.extend(std::iter::repeat_n(' ', levels.of_comment(column, next)));
                    self.out.push_str(&text);
                    self.out.push('\n');
                }
            }
        }
    }

    fn end(mut self) -> String {
        while self.waiting.pop_if(|last| matches!(last, Waiting::Blank)).is_some() {}
        let levels = std::mem::take(&mut self.levels);
        self.flush(&levels, None);
        self.out
    }
}

/// The lines at which steps begin that are to be a blank line apart from the one before.
fn apart(root: NodeRef<'_>) -> HashSet<usize> {
    let mut lines = HashSet::new();
    for list in ["steps", "finally"].iter().filter_map(|key| root.get(key)) {
        let is_block = !list.source().text()[list.span().start as usize..].starts_with(['[', '*']);
        let lines_of = |node: NodeRef<'_>| held::lines(node.source(), node.span());
        if is_block && list.items().any(|step| lines_of(step).len() > 1) {
            let steps = list.items().skip(1).filter(|step| step.kind() == Kind::Map);
            lines.extend(steps.map(|step| lines_of(step).start));
        }
    }
    lines
}

/// Whether two values are the same, down to how their plain texts are written.
fn same(one: NodeRef<'_>, other: NodeRef<'_>) -> bool {
    match (one.kind(), other.kind()) {
        (Kind::Map, Kind::Map) => {
            one.len() == other.len()
                && one.entries().zip(other.entries()).all(|((a, x), (b, y))| a.text == b.text && same(x, y))
        }
        (Kind::Seq, Kind::Seq) => {
            one.len() == other.len() && one.items().zip(other.items()).all(|(x, y)| same(x, y))
        }
        (Kind::Str(a), Kind::Str(b)) => a == b,
        (Kind::Null, Kind::Null) => true,
        (a, b) => a == b && one.raw() == other.raw(),
    }
}

fn source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source::new(name, text))
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
