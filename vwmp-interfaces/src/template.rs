//! Where `$<…>` begins and ends in a text. What stands inside is not this module's business.

use std::ops::Range;

use thiserror::Error;

/// The names that an expression may begin with, as they are written outside of CEL.
pub const NAMESPACES: [&str; 10] =
    ["parameters", "config", "step-outputs", "steps", "env", "adapter", "secrets", "run", "item", "matrix"];

/// A part of a text. The ranges of all parts cover the text without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment<'t> {
    /// What it is.
    pub kind: SegmentKind,
    /// Text with `$$<` already read as `$<`, or an expression without its brackets.
    pub text: &'t str,
    /// The bytes it takes in the text, brackets and escapes included.
    pub range: Range<usize>,
}

/// What a [`Segment`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// Plain text.
    Text,
    /// The inside of `$<…>` or `${namespace.…}`.
    Expression,
}

/// An expression whose end can't be told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct ScanError {
    /// The bytes of the text that it is about.
    pub range: Range<usize>,
    /// What is wrong.
    pub problem: ScanProblem,
}

/// What is wrong with the brackets of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ScanProblem {
    /// Nothing closes it.
    #[error("`{0}` is never closed: no `{1}` follows")]
    Unterminated(&'static str, char),
    /// A quote or bracket inside it is still open at the end of the text.
    #[error("`{0}` is never closed: the {1} inside it is still open at the end of the text")]
    StillOpen(&'static str, char),
    /// A `>` with a space before it ends the expression, and was probably meant as an operator.
    #[error("the first `>` outside parentheses ends an expression; this one looks like an operator")]
    Operator,
}

impl ScanError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self.problem {
            ScanProblem::Operator => "put a comparison into parentheses: `$<(config.size > 3)>`",
            _ => {
                "close it with `>` (`>` as an operator goes into parentheses), or write `$$<` for a literal `$<`"
            }
        }
    }
}

/// Whether a text has anything for [`segments`] to find; nearly free for text without `$`.
pub fn has_expressions(text: &str) -> bool {
    text.contains('$') && text.match_indices('$').any(|(at, _)| Opening::at(text, at).is_some())
}

/// Cuts a text into plain text and expressions. Empty text has no segments.
///
/// # Errors
/// When an expression is not closed, or closed by what looks like an operator.
pub fn segments(text: &str) -> Result<Vec<Segment<'_>>, ScanError> {
    let mut found = Vec::new();
    let (mut plain, mut at) = (Plain::default(), 0);
    while let Some(dollar) = text[at..].find('$').map(|offset| at + offset) {
        match Opening::at(text, dollar) {
            None => at = dollar + 1,
            Some(Opening::Escape) => {
                plain.end(text, dollar, &mut found);
                plain = Plain { start: dollar, skipped: 1 };
                at = dollar + 3;
            }
            Some(opening) => {
                plain.end(text, dollar, &mut found);
                let inside = dollar + 2;
                let end = close(text, dollar, opening)?;
                found.push(Segment {
                    kind: SegmentKind::Expression,
                    text: &text[inside..end],
                    range: dollar..end + 1,
                });
                at = end + 1;
                plain = Plain { start: at, skipped: 0 };
            }
        }
    }
    plain.end(text, text.len(), &mut found);
    Ok(found)
}

/// The plain text that is being read: where it starts, and how many bytes of an escape to leave out there.
#[derive(Default)]
struct Plain {
    start: usize,
    skipped: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Opening {
    Escape,
    Angle,
    Brace,
}

impl Plain {
    fn end<'t>(&self, text: &'t str, end: usize, found: &mut Vec<Segment<'t>>) {
        if self.start < end {
            let inside = &text[self.start + self.skipped..end];
            found.push(Segment { kind: SegmentKind::Text, text: inside, range: self.start..end });
        }
    }
}

impl Opening {
    /// What the `$` at `at` opens.
    fn at(text: &str, at: usize) -> Option<Self> {
        let rest = text.get(at + 1..)?;
        if rest.starts_with('<') {
            return Some(Self::Angle);
        }
        if rest.starts_with("$<") {
            return Some(Self::Escape);
        }
        // A shell variable's name has no dot, so no shell text is taken for an expression.
        let name = rest.strip_prefix('{')?;
        let known =
            NAMESPACES.iter().any(|one| name.strip_prefix(one).is_some_and(|path| path.starts_with('.')));
        known.then_some(Self::Brace)
    }

    fn text(self) -> &'static str {
        if self == Self::Brace { "${" } else { "$<" }
    }

    fn closing(self) -> char {
        if self == Self::Brace { '}' } else { '>' }
    }
}

/// The byte of the bracket that closes the expression that starts at `start`.
fn close(text: &str, start: usize, opening: Opening) -> Result<usize, ScanError> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut chars = text[start + 2..].char_indices();
    while let Some((offset, char)) = chars.next() {
        match (quote, char) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(end), _) if char == end => quote = None,
            (None, '"' | '\'') => quote = Some(char),
            (None, _) if open.is_empty() && char == opening.closing() => {
                return refuse_operator(text, start, start + 2 + offset);
            }
            (None, '(' | '[' | '{') => open.push(char),
            (None, ')' | ']' | '}') => {
                open.pop();
            }
            _ => {}
        }
    }
    let problem = match quote.or(open.pop()) {
        Some(inner) => ScanProblem::StillOpen(opening.text(), inner),
        None => ScanProblem::Unterminated(opening.text(), opening.closing()),
    };
    Err(ScanError { range: start..text.len(), problem })
}

/// `$<config.size > 3>` would end at the first `>` and silently mean something else. Only a `>` that has a
/// space before it while the opening has none behind it is refused: `$< config.size >` is fine.
fn refuse_operator(text: &str, start: usize, end: usize) -> Result<usize, ScanError> {
    let inside = &text[start + 2..end];
    if text[end..].starts_with('>') && inside.ends_with(' ') && !inside.starts_with(' ') {
        return Err(ScanError { range: end..end + 1, problem: ScanProblem::Operator });
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match segments(text) {
            Ok(all) => all
                .iter()
                .map(|one| match one.kind {
                    SegmentKind::Text => format!("{:?}", one.text),
                    SegmentKind::Expression => format!("<{}>", one.text),
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => format!("{:?}: {error}", error.range),
        }
    }

    #[test]
    fn texts_are_cut_at_their_expressions() {
        for (text, expected) in [
            ("", ""),
            ("plain $HOME ${x} $(date) $", r#""plain $HOME ${x} $(date) $""#),
            ("$<config.a>", "<config.a>"),
            ("a $<b>$<c> d", r#""a " <b> <c> " d""#),
            ("$< config.a >", "< config.a >"),
            ("$<(a > b) ? [1] : {\"x\": '>'}>!", r#"<(a > b) ? [1] : {"x": '>'}> "!""#),
            (r#"$<a["\">"]>"#, r#"<a["\">"]>"#),
            ("a $$<b> $<c>", r#""a " "$<b> " <c>"#),
            ("$$$<x>", r#""$" "$<x>""#),
            ("${config.a}${configs.a} ${env.HOME}", r#"<config.a> "${configs.a} " <env.HOME>"#),
            ("${step-outputs.a}${steps}", r#"<step-outputs.a> "${steps}""#),
            ("é$<ü>ß", r#""é" <ü> "ß""#),
            ("a $<b", "2..5: `$<` is never closed: no `>` follows"),
            ("$<a(b>", "0..6: `$<` is never closed: the ( inside it is still open at the end of the text"),
            ("$<a['b>", "0..7: `$<` is never closed: the ' inside it is still open at the end of the text"),
            ("${run.id", "0..8: `${` is never closed: no `}` follows"),
            (
                "$<config.a > 3>",
                "11..12: the first `>` outside parentheses ends an expression; this one looks like an operator",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn only_what_has_something_to_do_has_expressions() {
        for (text, expected) in
            [("", false), ("$", false), ("$HOME", false), ("${x.y}", false), ("$<", true), ("a $$<b", true)]
        {
            assert_eq!(has_expressions(text), expected, "{text}");
        }
    }
}
