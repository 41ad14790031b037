//! Text with a name, and places in it.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use crate::diagnostic::Diagnostic;

/// A text that came from somewhere: a file, a template of a workflow type, a command line.
pub struct Source {
    name: String,
    text: String,
    line_starts: OnceLock<Vec<u32>>,
}

/// A range of bytes in a [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl Source {
    /// The largest text that is read, in bytes.
    pub const MAX_BYTES: usize = 256 << 20;

    /// A source from text that is already in memory.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), line_starts: OnceLock::new() }
    }

    /// A source from the bytes of a file.
    ///
    /// # Errors
    /// When there are more than [`Source::MAX_BYTES`], or when they are not UTF-8.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        let name = name.into();
        if bytes.len() > Self::MAX_BYTES {
            return Err(Diagnostic::error(
                "vwmp::too-large",
                format!("{name} has {} bytes; at most {} are read", bytes.len(), Self::MAX_BYTES),
            )
            .help("split the workflow, or call one workflow from another"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let before = &error.as_bytes()[..at];
                let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
                Err(Diagnostic::error(
                    "vwmp::not-utf-8",
                    format!("{name} is not UTF-8: byte {at} (line {line}) starts no character"),
                )
                .help("save the file as UTF-8"))
            }
        }
    }

    /// What the text is called in messages, usually its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty when the span is not in this source.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(Range::<usize>::from(span)).unwrap_or_default()
    }

    /// Where a byte is.
    pub fn position(&self, offset: u32) -> Position {
        let starts = self.line_starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect()
        });
        let line = starts.partition_point(|&start| start <= offset);
        let start = starts[line - 1] as usize;
        let end = (offset as usize).min(self.text.len());
        let column = self.text.get(start..end).map_or(0, |before| before.chars().count());
        Position { line: line as u32, column: column as u32 + 1 }
    }
}

/// What tells texts apart (FNV-1a, 64 bits); for people and mistakes, not against malice.
pub(crate) fn fingerprint<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?}, {} bytes)", self.name, self.text.len())
    }
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// A part of this span, counted from its start.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        Self { start: self.start + range.start as u32, end: self.start + range.end as u32 }
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.start as usize..span.end as usize
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let source = Source::new("a.yaml", "é: 1\nname: x\n");
        assert_eq!(source.position(0).to_string(), "1:1");
        assert_eq!(source.position(2).to_string(), "1:2");
        assert_eq!(source.position(6).to_string(), "2:1");
        assert_eq!(source.position(99).to_string(), "3:1");
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        let error = Source::from_bytes("a.yaml", b"a: 1\nb: \xff\n".to_vec()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error[vwmp::not-utf-8]: a.yaml is not UTF-8: byte 8 (line 2) starts no character\n  = help: save the file as UTF-8"
        );
    }
}
