//! The parser's errors in plain words.

use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

pub(super) fn diagnostic(source: &Arc<Source>, error: &ScanError, max_depth: usize) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or_default();
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(source, character(source, at), max_depth),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => {
            tab(source, indenting_tab(source.text(), at).unwrap_or_else(|| character(source, at)))
        }
        kind => {
            let (message, help) = explain(kind);
            Diagnostic::error("vwmp::yaml-syntax", format!("this is not YAML: {message}"))
                .at(source, character(source, at), "")
                .help(help)
        }
    }
}

pub(super) fn too_deep(source: &Arc<Source>, span: Span, max_depth: usize) -> Diagnostic {
    Diagnostic::error(
        "vwmp::too-deep",
        format!("lists and mappings are nested deeper than {max_depth} levels"),
    )
    .at(source, span, "")
    .help("make the structure flatter")
}

pub(super) fn tab(source: &Arc<Source>, span: Span) -> Diagnostic {
    Diagnostic::error("vwmp::tab", "a tab can't indent a line")
        .at(source, span, "")
        .help("indent with spaces")
}

/// The first tab that indents a line, from the line of a byte on.
pub(super) fn indenting_tab(text: &str, from: usize) -> Option<Span> {
    let mut start = text.get(..from).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    text[start..].split_inclusive('\n').find_map(|line| {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let tab = line[..indent].find('\t').map(|at| Span::new(start + at, start + at + 1));
        start += line.len();
        tab
    })
}

fn explain(kind: &ErrorKind) -> (String, &'static str) {
    const QUOTES: &str = "put the text in quotes";
    const INDENTATION: &str = "check the indentation: what belongs together starts in the same column";
    let (message, help) = match kind {
        ErrorKind::MappingValueNotAllowed => (
            "no `key: value` can stand here",
            "put text that holds `: ` in quotes; if a key is meant, check the indentation",
        ),
        ErrorKind::UnexpectedCharacter { character: '`' } => ("text can't start with a backtick", QUOTES),
        ErrorKind::UnexpectedCharacter { character: '\0' } => {
            ("a NUL character can't stand in YAML", "take it out, or write it as `\\0` in double quotes")
        }
        ErrorKind::UnexpectedCharacter { character } => {
            return (format!("text can't start with `{}`", character.escape_default()), QUOTES);
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("this `{open}` is never closed"), "add the bracket that closes it");
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("`{open}` is closed by `{close}`"), "use a pair of brackets of one kind");
        }
        ErrorKind::MisplacedFlowCollectionEnd => ("this bracket closes nothing", QUOTES),
        ErrorKind::InvalidColonPlacement
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::InvalidFlowScalarIndent => {
            ("a `,` or a closing bracket is missing", "close the `[` or `{` before this place")
        }
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("a quoted text is not closed", "add the quote that closes it")
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("something follows the closing quote", "put all of the text inside the quotes")
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            ("an unknown escape in double quotes", "write `\\\\` for a backslash, or use single quotes")
        }
        ErrorKind::ExpectedBlockSequenceEntry => ("a list entry, `- `, was expected", INDENTATION),
        ErrorKind::ExpectedBlockMappingKey => ("a key was expected", INDENTATION),
        ErrorKind::InvalidIndentation => ("the line fits no indentation above it", INDENTATION),
        ErrorKind::SimpleKeyExpected => ("a `:` is missing after a key", "write `key: value`"),
        ErrorKind::BlockSequenceEntryNotAllowed => (
            "a list can't start here",
            "start the list on a line of its own; put text that starts with `- ` in quotes",
        ),
        ErrorKind::MissingAnchorOrAliasName => ("a name must follow `&` and `*`", QUOTES),
        other => return (other.to_string(), "see https://yaml.org/spec/1.2.2"),
    };
    (message.to_owned(), help)
}

/// The character that a byte starts; nothing at the end of the text.
fn character(source: &Source, at: usize) -> Span {
    let length = source.text().get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    Span::new(at, at + length)
}
