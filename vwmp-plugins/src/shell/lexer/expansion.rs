//! What `\`, `$` and backticks begin.

use super::Lexer;
use crate::shell::commands::{Commands, Ends};
use crate::shell::frame::{Brace, Frame};
use crate::shell::spot::Refusal;

impl Lexer<'_> {
    /// A byte of text in which `\`, `$` and backticks have a meaning.
    pub(super) fn step_expansion(&mut self, byte: u8, quoted: bool) {
        match byte {
            b'\\' => self.escape(),
            b'$' => self.dollar(quoted),
            b'`' => self.push(Frame::Commands(Commands::new(Ends::Backtick)), 1),
            _ => self.at += 1,
        }
    }

    fn escape(&mut self) {
        if self.hole_at(self.at + 1) {
            self.refused = Some(Refusal::Backslash);
            self.at += 1;
            return;
        }
        self.split |= self.peek(1) == b'\n' && self.splits_signs();
        if matches!(self.peek(1), b'`' | b'"' | b'\\' | b'$') {
            // Backticks take one level of backslashes away before their content is read.
            let backticks = self.frames.iter_mut().rev().find_map(|frame| match frame {
                Frame::Commands(commands) if commands.ends == Ends::Backtick => Some(commands),
                _ => None,
            });
            if let Some(commands) = backticks {
                commands.murky = true;
            }
        }
        self.at = (self.at + 2).min(self.code.len());
    }

    /// Whether signs stand on both sides of the end of a line that is no end for the shell.
    fn splits_signs(&self) -> bool {
        const CONTINUED: &[u8] = b"\\\n";
        let (mut before, mut after) = (&self.code[..self.at], &self.code[self.at..]);
        while let Some(rest) = before.strip_suffix(CONTINUED) {
            before = rest;
        }
        while let Some(rest) = after.strip_prefix(CONTINUED) {
            after = rest;
        }
        let sign = |byte: Option<&u8>| byte.is_some_and(|byte| b"$()[]{};<>&|".contains(byte));
        sign(before.last()) && sign(after.first())
    }

    fn dollar(&mut self, quoted: bool) {
        if self.hole_at(self.at + 1) {
            self.refused = Some(Refusal::Dollar);
            self.at += 1;
        } else if self.next_is(b"$((") {
            self.push(Frame::Arithmetic { depth: 0, close: b')' }, 3);
        } else if self.next_is(b"$(") {
            self.push(Frame::Commands(Commands::new(Ends::Substitution)), 2);
        } else if self.next_is(b"${") {
            self.push(Frame::Brace(Brace::Name { first: true, quoted }), 2);
        } else if self.next_is(b"$[") {
            self.push(Frame::Arithmetic { depth: 0, close: b']' }, 2);
        } else if !quoted && self.next_is(b"$'") {
            self.push(Frame::Escaped, 2);
        } else {
            // `$$`, `$#` and the like are one thing: what follows does not belong to the `$`.
            self.at += if matches!(self.peek(1), b'$' | b'#' | b'?' | b'!' | b'*' | b'@') { 2 } else { 1 };
        }
    }

    pub(super) fn step_brace(&mut self, brace: Brace, byte: u8) {
        let quoted = brace.quoted();
        match (brace, byte) {
            (_, b'}') => self.pop(1),
            (Brace::Subscript { quoted }, b']') | (Brace::Name { first: true, quoted }, _) => {
                *self.top() = Frame::Brace(Brace::Name { first: false, quoted });
                self.at += 1;
            }
            (Brace::Name { quoted, .. }, _) => {
                let (part, bytes) = Brace::after_name(byte, self.peek(1), quoted);
                *self.top() = Frame::Brace(part);
                self.at += bytes;
            }
            (_, b'"') => self.push(Frame::Double, 1),
            (Brace::Word { quoted: false, .. } | Brace::Word { pattern: true, .. }, b'\'') => {
                self.push(Frame::Single, 1);
            }
            _ => self.step_expansion(byte, quoted),
        }
    }

    pub(super) fn step_arithmetic(&mut self, byte: u8) {
        let next = self.peek(1);
        let Frame::Arithmetic { depth, close } = self.top() else { return };
        let open = if *close == b')' { b'(' } else { b'[' };
        if byte == open {
            *depth += 1;
            self.at += 1;
        } else if byte == *close && *depth > 0 {
            *depth -= 1;
            self.at += 1;
        } else if byte == *close {
            let bytes = if byte == b')' && next == b')' { 2 } else { 1 };
            self.pop(bytes);
        } else {
            self.step_expansion(byte, true);
        }
    }
}
