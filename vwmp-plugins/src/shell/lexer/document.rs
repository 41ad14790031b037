//! Here-documents.

use super::Lexer;
use crate::shell::frame::{Frame, Heredoc};
use crate::shell::spot::Refusal;

impl Lexer<'_> {
    /// The end word of a here-document, behind `<<`.
    pub(super) fn read_end_word(&mut self) {
        let mut document =
            Heredoc { strip: self.next_is(b"-") && !self.hole_at(self.at), ..Heredoc::default() };
        self.at += usize::from(document.strip);
        while matches!(self.peek(0), b' ' | b'\t') && !self.hole_at(self.at) {
            self.at += 1;
        }
        let mut quote = 0;
        while self.at < self.code.len() {
            self.fill_holes_with(Err(Refusal::DocumentEnd));
            let byte = self.peek(0);
            match byte {
                b'\n' => break,
                b' ' | b'\t' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' if quote == 0 => break,
                b'"' | b'\'' if quote == 0 => (quote, document.quoted) = (byte, true),
                _ if byte == quote => quote = 0,
                b'\\' if quote == 0 => document.quoted = true,
                _ => document.end.push(byte),
            }
            self.at += 1;
        }
        self.fill_holes_with(Err(Refusal::DocumentEnd));
        self.documents.push_back(document);
    }

    pub(super) fn step_document(&mut self, byte: u8) {
        if self.ends_document() {
            return;
        }
        let Frame::Document(document) = self.top() else { return };
        document.line_start = byte == b'\n';
        if document.quoted {
            self.at += 1;
        } else {
            self.step_expansion(byte, true);
        }
    }

    /// Leaves a here-document when this line is its end word.
    fn ends_document(&mut self) -> bool {
        let rest = &self.code[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = &rest[..length];
        let Some(Frame::Document(document)) = self.frames.last() else { return false };
        if !document.line_start || !document.ends_with(line) || self.hole_within(self.at, self.at + length) {
            return false;
        }
        self.pop((length + 1).min(rest.len()));
        true
    }
}
