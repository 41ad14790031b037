//! Where in a shell script a value stands: the quoting, as POSIX shells (and bash and zsh) read it.
//!
//! A reference to a variable is never read as code by a shell, so a mistake here can split a value
//! into words but not run it. The exceptions are the places that evaluate arithmetic, which are refused.

use std::collections::VecDeque;

use super::frame::{Brace, Commands, Ends, Frame, Heredoc};

/// How a reference must be written where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// Outside of quotes: the reference brings its own.
    Bare,
    /// Inside double quotes.
    Quoted,
    /// Inside a here-document, where quotes are plain text.
    Document,
}

/// Why no value can stand in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("stands inside single quotes, where the shell replaces nothing")]
    SingleQuotes,
    #[error("stands in a here-document whose end word is quoted, so the shell replaces nothing in it")]
    QuotedDocument,
    #[error("stands directly after a backslash")]
    Backslash,
    #[error("stands directly after a `$`")]
    Dollar,
    #[error("stands where the shell evaluates arithmetic, which can run commands hidden in a value")]
    Arithmetic,
    #[error("is the end word of a here-document, which must be fixed")]
    DocumentEnd,
    #[error("stands in place of a variable's name")]
    Name,
    #[error("stands in backticks that contain a backslash")]
    Backticks,
}

impl Refusal {
    /// What to write instead of `expression` (with its brackets).
    pub(super) fn help(self, expression: &str) -> String {
        match self {
            Self::SingleQuotes => format!("use double quotes: \"{expression}\""),
            Self::QuotedDocument => "write the end word without quotes: <<EOF".to_owned(),
            Self::Backslash => "remove the backslash: a value needs no escaping".to_owned(),
            Self::Dollar => "remove the `$`, or write `\\$` for a dollar sign".to_owned(),
            Self::Arithmetic => {
                format!("assign it first and make sure that it is a number: n={expression}; … $((n + 1))")
            }
            Self::DocumentEnd => "use a fixed word such as EOF".to_owned(),
            Self::Name => format!("use the value itself: \"{expression}\""),
            Self::Backticks => "write $(…) instead of backticks".to_owned(),
        }
    }
}

/// What each of the `holes` (byte offsets into the code, ascending) is, as the shell reads the code.
pub(super) fn spots(code: &str, holes: &[usize]) -> Vec<Result<Spot, Refusal>> {
    let mut lexer = Lexer {
        code: code.as_bytes(),
        holes,
        at: 0,
        frames: vec![Frame::Commands(Commands::new(Ends::Script))],
        documents: VecDeque::new(),
        refused: None,
        found: Vec::with_capacity(holes.len()),
    };
    while lexer.at < lexer.code.len() {
        lexer.fill_holes();
        lexer.step();
    }
    lexer.fill_holes();
    lexer.found
}

struct Lexer<'c> {
    code: &'c [u8],
    holes: &'c [usize],
    at: usize,
    /// Never empty: the bottom is the script itself.
    frames: Vec<Frame>,
    /// Here-documents whose bodies begin at the next line.
    documents: VecDeque<Heredoc>,
    /// Set when what was just read forbids a value right behind it.
    refused: Option<Refusal>,
    found: Vec<Result<Spot, Refusal>>,
}

impl Lexer<'_> {
    fn fill_holes(&mut self) {
        while self.hole_at(self.at) {
            let spot = self.spot();
            self.found.push(spot);
        }
        self.refused = None;
    }

    /// Says the same of all values at this place.
    fn fill_holes_with(&mut self, spot: Result<Spot, Refusal>) {
        while self.hole_at(self.at) {
            self.found.push(spot);
        }
    }

    fn hole_at(&self, at: usize) -> bool {
        self.holes.get(self.found.len()) == Some(&at)
    }

    /// Whether a value stands anywhere from `from` to `to`.
    fn hole_within(&self, from: usize, to: usize) -> bool {
        self.holes.get(self.found.len()).is_some_and(|next| (from..=to).contains(next))
    }

    /// A byte ahead; NUL behind the end, and where a value stands before it.
    fn peek(&self, offset: usize) -> u8 {
        if offset > 0 && self.hole_within(self.at + 1, self.at + offset) {
            return 0;
        }
        self.code.get(self.at + offset).copied().unwrap_or(0)
    }

    /// Whether this text comes next, without a value in it.
    fn next_is(&self, text: &[u8]) -> bool {
        self.code[self.at..].starts_with(text)
            && (text.len() < 2 || !self.hole_within(self.at + 1, self.at + text.len() - 1))
    }

    fn push(&mut self, frame: Frame, bytes: usize) {
        self.frames.push(frame);
        self.at += bytes;
    }

    fn pop(&mut self, bytes: usize) {
        if self.frames.len() > 1 {
            self.frames.pop();
        }
        self.at += bytes;
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the script's own frame is never popped")
    }

    /// The innermost commands around this place.
    fn commands(&mut self) -> &mut Commands {
        let commands = self.frames.iter_mut().rev().find_map(|frame| match frame {
            Frame::Commands(commands) => Some(commands),
            _ => None,
        });
        commands.expect("the script's own frame is never popped")
    }

    fn spot(&mut self) -> Result<Spot, Refusal> {
        if let Some(refusal) = self.refused {
            return Err(refusal);
        }
        if self.frames.iter().any(|frame| matches!(frame, Frame::Commands(commands) if commands.murky)) {
            return Err(Refusal::Backticks);
        }
        let spot = match self.top() {
            Frame::Single | Frame::Escaped => return Err(Refusal::SingleQuotes),
            Frame::Document(document) if document.quoted => return Err(Refusal::QuotedDocument),
            Frame::Arithmetic { .. } | Frame::Brace(Brace::Subscript { .. } | Brace::Offset) => {
                return Err(Refusal::Arithmetic);
            }
            Frame::Brace(Brace::Name { .. }) => return Err(Refusal::Name),
            Frame::Document(_) => return Ok(Spot::Document),
            Frame::Brace(Brace::Word { quoted: true, pattern: false }) | Frame::Double => Spot::Quoted,
            Frame::Brace(Brace::Word { .. }) | Frame::Commands(_) => Spot::Bare,
        };
        let number = self.found.len();
        let commands = self.commands();
        if commands.evaluates() {
            return Err(Refusal::Arithmetic);
        }
        commands.take_value(number);
        Ok(spot)
    }

    fn step(&mut self) {
        let byte = self.peek(0);
        match self.top() {
            Frame::Commands(_) => self.step_commands(byte),
            Frame::Double => match byte {
                b'"' => self.pop(1),
                _ => self.step_expansion(byte, true),
            },
            Frame::Single => match byte {
                b'\'' => self.pop(1),
                _ => self.at += 1,
            },
            Frame::Escaped => match byte {
                b'\'' => self.pop(1),
                _ => self.at += if byte == b'\\' && self.peek(1) != 0 { 2 } else { 1 },
            },
            Frame::Brace(brace) => {
                let brace = *brace;
                self.step_brace(brace, byte);
            }
            Frame::Arithmetic { .. } => self.step_arithmetic(byte),
            Frame::Document(_) => self.step_document(byte),
        }
    }

    fn step_commands(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' => {
                self.end_word();
                self.at += 1;
            }
            b'\n' => self.end_line(),
            b';' | b'&' | b'|' => {
                self.end_word();
                let next_pattern = byte == b';' && matches!(self.peek(1), b';' | b'&' | b'|');
                self.commands().end_command(next_pattern);
                self.at += if next_pattern { 2 } else { 1 };
            }
            b'#' if self.commands().word.is_none() => self.skip_comment(),
            b'(' => self.open_parenthesis(),
            b')' => self.close_parenthesis(),
            b'`' if self.commands().ends == Ends::Backtick => {
                self.end_word();
                self.pop(1);
            }
            b'<' | b'>' => self.redirect(),
            b'"' | b'\'' => {
                self.commands().word().push(0);
                self.push(if byte == b'"' { Frame::Double } else { Frame::Single }, 1);
            }
            _ => {
                if byte != b'\\' || self.peek(1) != b'\n' {
                    self.commands().word().push(if matches!(byte, b'\\' | b'$' | b'`') { 0 } else { byte });
                }
                self.step_expansion(byte, false);
            }
        }
    }

    /// A byte of text in which `\`, `$` and backticks have a meaning.
    fn step_expansion(&mut self, byte: u8, quoted: bool) {
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

    fn step_brace(&mut self, brace: Brace, byte: u8) {
        let quoted = brace.quoted();
        match (brace, byte) {
            (Brace::Subscript { quoted }, b']') => {
                *self.top() = Frame::Brace(Brace::Name { first: false, quoted });
                self.at += 1;
            }
            (Brace::Subscript { .. }, b'}') | (_, b'}') => self.pop(1),
            (Brace::Name { first: true, quoted }, _) => {
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

    fn step_arithmetic(&mut self, byte: u8) {
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

    fn step_document(&mut self, byte: u8) {
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

    fn end_line(&mut self) {
        self.end_word();
        self.commands().end_command(false);
        self.at += 1;
        while let Some(document) = self.documents.pop_back() {
            self.frames.push(Frame::Document(document));
        }
    }

    fn end_word(&mut self) {
        // A `[[ … ]]` that compares numbers evaluates the values in it as arithmetic.
        for number in self.commands().end_word() {
            self.found[number] = Err(Refusal::Arithmetic);
        }
    }

    fn skip_comment(&mut self) {
        let end = if self.commands().ends == Ends::Backtick { b'`' } else { b'\n' };
        while self.at < self.code.len() && self.peek(0) != b'\n' && self.peek(0) != end {
            self.at += 1;
            self.fill_holes_with(Ok(Spot::Document));
        }
    }

    fn open_parenthesis(&mut self) {
        let in_word = self.commands().word.is_some();
        if self.commands().in_pattern() || self.commands().in_condition() {
            self.end_word();
            self.at += 1;
        } else if !in_word && self.next_is(b"((") {
            self.push(Frame::Arithmetic { depth: 0, close: b')' }, 2);
        } else {
            self.end_word();
            self.push(Frame::Commands(Commands::new(Ends::Subshell)), 1);
        }
    }

    fn close_parenthesis(&mut self) {
        self.end_word();
        let commands = self.commands();
        if commands.in_condition() {
            self.at += 1;
            return;
        }
        if commands.in_pattern() {
            commands.end_pattern();
            self.at += 1;
            return;
        }
        match commands.ends {
            Ends::Substitution => self.pop(1),
            Ends::Subshell => {
                self.pop(1);
                self.commands().end_command(false);
            }
            Ends::Script | Ends::Backtick => self.at += 1,
        }
    }

    fn redirect(&mut self) {
        self.end_word();
        if self.next_is(b"<<<") {
            self.at += 3;
        } else if self.next_is(b"<<") {
            self.at += 2;
            self.read_end_word();
        } else {
            self.at += 1;
        }
    }

    /// The end word of a here-document, behind `<<`.
    fn read_end_word(&mut self) {
        let mut document = Heredoc { strip: self.next_is(b"-"), ..Heredoc::default() };
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
}
