//! What the lexer is inside of, innermost last.

use super::commands::Commands;

/// A part of a script that is read by its own rules.
#[derive(Debug)]
pub(super) enum Frame {
    /// Commands: the script, `$(…)`, `(…)` or backticks.
    Commands(Commands),
    /// `"…"`
    Double,
    /// `'…'`
    Single,
    /// `$'…'`
    Escaped,
    /// `${…}`
    Brace(Brace),
    /// `$((…))`, `((…))` or `$[…]`
    Arithmetic {
        /// Brackets that are open inside.
        depth: u32,
        /// `)` or `]`.
        close: u8,
    },
    /// The body of a here-document.
    Document(Heredoc),
}

/// The part of a `${…}`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Brace {
    /// The variable's name. The first byte may be a sign, as in `${#x}`.
    Name { first: bool, quoted: bool },
    /// The index of an array.
    Subscript { quoted: bool },
    /// The numbers in `${x:1:2}`.
    Offset,
    /// What follows an operator: text, or a pattern.
    Word { quoted: bool, pattern: bool },
}

impl Brace {
    /// Whether it stands in double quotes.
    pub(super) fn quoted(self) -> bool {
        match self {
            Self::Name { quoted, .. } | Self::Subscript { quoted } | Self::Word { quoted, .. } => quoted,
            Self::Offset => true,
        }
    }

    /// What a byte behind or in the name begins, and how many bytes that takes.
    pub(super) fn after_name(byte: u8, next: u8, quoted: bool) -> (Self, usize) {
        match (byte, next) {
            (b'[', _) => (Self::Subscript { quoted }, 1),
            (b':', b'-' | b'=' | b'+' | b'?') => (Self::Word { quoted, pattern: false }, 2),
            (b':', _) => (Self::Offset, 1),
            (b'-' | b'=' | b'+' | b'?', _) => (Self::Word { quoted, pattern: false }, 1),
            (b'#' | b'%' | b'/' | b'^' | b',' | b'@', _) => (Self::Word { quoted, pattern: true }, 1),
            _ => (Self::Name { first: false, quoted }, 1),
        }
    }
}

/// A here-document.
#[derive(Debug)]
pub(super) struct Heredoc {
    /// Its end word, without quotes.
    pub(super) end: Vec<u8>,
    /// Whether the end word was quoted.
    pub(super) quoted: bool,
    /// `<<-`: tabs at the beginning of lines don't count.
    pub(super) strip: bool,
    /// Whether a line begins here.
    pub(super) line_start: bool,
}

impl Default for Heredoc {
    fn default() -> Self {
        Self { end: Vec::new(), quoted: false, strip: false, line_start: true }
    }
}

impl Heredoc {
    pub(super) fn ends_with(&self, line: &[u8]) -> bool {
        let tabs = line.iter().take_while(|byte| self.strip && **byte == b'\t').count();
        line[tabs..] == self.end
    }
}
