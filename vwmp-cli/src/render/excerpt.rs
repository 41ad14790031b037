//! The lines of a source that labels point at, cut to what people can read.
//!
//! Only these lines reach the renderer, so that a diagnostic about a 10 MB file costs no more than
//! one about a small file.

use std::ops::Range;
use std::sync::Arc;

use vwmp_core::diagnostic::Label;
use vwmp_core::source::{Position, Source};

/// A few lines of a source, with places in them.
pub(super) struct Excerpt {
    pub(super) source: Arc<Source>,
    /// The number of the first line.
    pub(super) first_line: usize,
    pub(super) text: String,
    /// In the order of the labels.
    pub(super) marks: Vec<Mark>,
    /// Where the mark that the place is told of is in the source.
    position: Position,
    /// The column of that mark in the excerpt.
    column: u32,
}

/// A place in an [`Excerpt`].
pub(super) struct Mark {
    pub(super) range: Range<usize>,
    pub(super) text: String,
    /// Whether it belongs to the first label of the diagnostic.
    pub(super) main: bool,
}

/// A label on the one line that it is shown on.
struct Placed<'l> {
    label: &'l Label,
    position: Position,
    /// The line in the source, without its break.
    line: Range<usize>,
    main: bool,
}

/// Longer lines are cut.
const WIDEST: usize = 400;
/// What is kept before the first label of a line that is cut, and what is kept of the line.
const BEFORE: usize = 40;
const KEPT: usize = 160;
/// Labels with more lines between them get an excerpt each.
const NEAR: u32 = 4;

/// The excerpts that show these labels; the one with the main label comes first.
pub(super) fn excerpts(labels: &[Label]) -> Vec<Excerpt> {
    let mut placed: Vec<Placed<'_>> =
        labels.iter().enumerate().map(|(i, label)| Placed::new(label, i == 0)).collect();
    // Sources keep the order in which the labels name them.
    let named =
        |one: &Placed<'_>| labels.iter().position(|label| Arc::ptr_eq(&label.source, &one.label.source));
    placed.sort_by_key(|one| (named(one), one.position));
    let near = |a: &Placed<'_>, b: &Placed<'_>| {
        Arc::ptr_eq(&a.label.source, &b.label.source) && b.position.line - a.position.line <= NEAR
    };
    let mut excerpts: Vec<Excerpt> = placed.chunk_by(near).map(Excerpt::new).collect();
    excerpts.sort_by_key(|excerpt| !excerpt.marks.iter().any(|mark| mark.main));
    excerpts
}

impl<'l> Placed<'l> {
    fn new(label: &'l Label, main: bool) -> Self {
        let text = label.source.text();
        let start = floor(text, label.span.start as usize);
        let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        Self { label, position: label.position(), line: begin..end, main }
    }

    fn range(&self) -> Range<usize> {
        let text = self.label.source.text();
        let start = floor(text, self.label.span.start as usize);
        let end = floor(text, self.label.span.end as usize).clamp(start, self.line.end.max(start));
        start..end
    }
}

impl Excerpt {
    /// The place as it is in the excerpt and as it is in the source, where they differ.
    pub(super) fn misplaced(&self) -> Option<(String, String)> {
        let Position { line, column } = self.position;
        let place = |column: u32| format!("{}:{line}:{column}", self.source.name());
        (column != self.column).then(|| (place(self.column), place(column)))
    }

    /// Labels of one source, near each other, in the order of their places.
    fn new(placed: &[Placed<'_>]) -> Self {
        let first = &placed[0];
        let source = Arc::clone(&first.label.source);
        let main = placed.iter().find(|one| one.main).unwrap_or(first);
        let mut excerpt = Self {
            first_line: first.position.line as usize,
            text: String::new(),
            marks: Vec::new(),
            position: main.position,
            column: 0,
            source: Arc::clone(&source),
        };
        let mut end = first.line.start;
        for line in placed.chunk_by(|a, b| a.line == b.line) {
            excerpt.between(source.text().get(end..line[0].line.start).unwrap_or_default());
            excerpt.line(source.text(), line);
            end = (line[0].line.end + 1).min(source.text().len());
        }
        excerpt
    }

    /// Lines between those that have labels, each with its break.
    fn between(&mut self, lines: &str) {
        for line in lines.lines() {
            let kept = floor(line, KEPT);
            self.text.push_str(if line.len() > WIDEST { &line[..kept] } else { line });
            self.text.push_str(if line.len() > WIDEST { "…\n" } else { "\n" });
        }
    }

    /// A line that has labels.
    fn line(&mut self, text: &str, placed: &[Placed<'_>]) {
        let line = placed[0].line.clone();
        let window = if line.len() > WIDEST {
            let from = floor(text, placed[0].range().start.saturating_sub(BEFORE).max(line.start));
            from..floor(text, (from + KEPT).min(line.end))
        } else {
            line.clone()
        };
        if window.start > line.start {
            self.text.push('…');
        }
        let base = self.text.len();
        let cut = if window.start > line.start { 1 } else { 0 };
        self.text.push_str(text[window.clone()].trim_end_matches('\r'));
        for one in placed {
            let range = one.range();
            let within = |at: usize| base + at.clamp(window.start, window.end) - window.start;
            if one.position == self.position {
                self.column = text[window.start..range.start.clamp(window.start, window.end)].chars().count()
                    as u32
                    + 1
                    + cut;
            }
            self.marks.push(Mark {
                range: within(range.start)..within(range.end),
                text: one.label.text.clone(),
                main: one.main,
            });
        }
        self.text.push_str(if window.end < line.end { "…\n" } else { "\n" });
    }
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use vwmp_core::source::Span;

    use super::*;

    fn label(source: &Arc<Source>, start: usize, end: usize) -> Label {
        Label { source: Arc::clone(source), span: Span::new(start, end), text: String::new() }
    }

    #[test]
    fn far_labels_are_shown_apart_and_the_main_one_first() {
        let source = Arc::new(Source::new("w.yaml", "a: 1\nb: 2\n".repeat(50)));
        let all = excerpts(&[label(&source, 495, 496), label(&source, 0, 1), label(&source, 5, 6)]);
        let shown: Vec<_> = all.iter().map(|one| (one.first_line, one.text.as_str())).collect();
        assert_eq!(shown, [(100, "b: 2\n"), (1, "a: 1\nb: 2\n")]);
    }

    #[test]
    fn long_lines_are_cut_around_the_label() {
        let text = format!("key: {}X{}\n", "é".repeat(5_000_000), "y".repeat(1000));
        let source = Arc::new(Source::new("w.yaml", text));
        let excerpt = &excerpts(&[label(&source, 10_000_005, 10_000_006)])[0];
        assert!(excerpt.text.len() < 220, "{}", excerpt.text);
        assert_eq!(&excerpt.text[excerpt.marks[0].range.clone()], "X");
        assert_eq!(excerpt.misplaced(), Some(("w.yaml:1:22".into(), "w.yaml:1:5000006".into())));
    }

    #[test]
    fn a_label_over_many_lines_marks_the_first() {
        let source = Arc::new(Source::new("w.yaml", "a:\n  b: 1\n  c: 2\n"));
        let excerpt = &excerpts(&[label(&source, 0, 16)])[0];
        assert_eq!((excerpt.text.as_str(), excerpt.marks[0].range.clone()), ("a:\n", 0..2));
    }

    #[test]
    fn a_label_outside_the_text_is_put_at_its_end() {
        let source = Arc::new(Source::new("w.yaml", "a: 1"));
        assert_eq!(excerpts(&[label(&source, 90, 95)])[0].marks[0].range, 4..4);
    }
}
