//! Where in a shell script a value stands: the quoting, as POSIX shells (and bash and zsh) read it.
//!
//! A reference to a variable is never read as code by a shell, so a mistake here can split a value
//! into words but not run it. The exceptions are the places that evaluate arithmetic, which are refused.

mod document;
mod expansion;

use std::collections::{BTreeSet, VecDeque};

use super::commands::{Commands, Ends};
use super::frame::{Brace, Frame, Heredoc};
use super::spot::{Refusal, Spot};

/// What each of the `holes` (byte offsets into the code, ascending) is, as the shell reads the code.
pub(super) fn spots(code: &str, holes: &[usize]) -> Vec<Result<Spot, Refusal>> {
    let lexed = Lexer::run(code, holes, BTreeSet::new());
    if lexed.numbers.is_empty() {
        return lexed.found;
    }
    // A loop can come back to what stands before the declaration.
    Lexer::run(code, holes, lexed.numbers).found
}

impl<'c> Lexer<'c> {
    fn run(code: &'c str, holes: &'c [usize], numbers: BTreeSet<Vec<u8>>) -> Self {
        let mut lexer = Lexer {
            code: code.as_bytes(),
            numbers,
            holes,
            at: 0,
            frames: vec![Frame::Commands(Commands::new(Ends::Script))],
            documents: VecDeque::new(),
            refused: None,
            split: false,
            found: Vec::with_capacity(holes.len()),
        };
        while lexer.at < lexer.code.len() {
            lexer.fill_holes();
            lexer.step();
        }
        lexer.fill_holes();
        lexer.end_word();
        lexer
    }
}

struct Lexer<'c> {
    code: &'c [u8],
    holes: &'c [usize],
    at: usize,
    /// The variables that the script declares as numbers or references, as far as it was read.
    numbers: BTreeSet<Vec<u8>>,
    /// Never empty: the bottom is the script itself.
    frames: Vec<Frame>,
    /// Here-documents whose bodies begin at the next line.
    documents: VecDeque<Heredoc>,
    /// Set when what was just read forbids a value right behind it.
    refused: Option<Refusal>,
    /// Whether signs that mean something together were taken apart by the end of a line: from there on it is not certain
    /// what is inside of what.
    split: bool,
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
        commands_of(&mut self.frames)
    }

    fn spot(&mut self) -> Result<Spot, Refusal> {
        if let Some(refusal) = self.refused {
            return Err(refusal);
        }
        if self.split {
            return Err(Refusal::SplitSigns);
        }
        if self.frames.iter().any(|frame| matches!(frame, Frame::Commands(commands) if commands.murky)) {
            return Err(Refusal::Backticks);
        }
        if self.in_arithmetic() {
            return Err(Refusal::Arithmetic);
        }
        let spot = match self.top() {
            Frame::Single | Frame::Escaped => return Err(Refusal::SingleQuotes),
            Frame::Document(document) if document.quoted => return Err(Refusal::QuotedDocument),
            Frame::Brace(Brace::Name { .. }) => return Err(Refusal::Name),
            Frame::Document(document) => {
                document.line_start = false;
                return Ok(Spot::Document);
            }
            Frame::Brace(Brace::Word { quoted: true, pattern: false }) | Frame::Double => Spot::Quoted,
            Frame::Brace(_) | Frame::Arithmetic { .. } | Frame::Commands(_) => Spot::Bare,
        };
        let number = self.found.len();
        let refusal = commands_of(&mut self.frames).refusal(&self.numbers);
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        self.commands().take_value(number);
        Ok(spot)
    }

    /// Whether what stands here becomes a part of an arithmetic expression, as in `$((${x:-…}))`.
    fn in_arithmetic(&self) -> bool {
        let text = self.frames.iter().rev();
        let mut text = text.take_while(|frame| !matches!(frame, Frame::Commands(_) | Frame::Document(_)));
        text.any(|frame| {
            matches!(frame, Frame::Arithmetic { .. } | Frame::Brace(Brace::Subscript { .. } | Brace::Offset))
        })
    }

    fn step(&mut self) {
        let byte = self.peek(0);
        match self.top() {
            Frame::Commands(_) => self.step_commands(byte),
            Frame::Double => match byte {
                b'"' => self.pop(1),
                _ => {
                    self.note_quoted(byte);
                    self.step_expansion(byte, true);
                }
            },
            Frame::Single => match byte {
                b'\'' => self.pop(1),
                _ => {
                    self.note_quoted(byte);
                    self.at += 1;
                }
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

    /// Adds a byte in quotes to the word around them.
    fn note_quoted(&mut self, byte: u8) {
        if let [.., Frame::Commands(commands), _] = self.frames.as_mut_slice() {
            commands.take_quoted(byte);
        }
    }

    fn step_commands(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' => {
                self.end_word();
                self.at += 1;
            }
            b'\n' => self.end_line(),
            b'&' if self.peek(1) == b'>' => {
                self.end_word();
                self.at += 1;
                self.redirect();
            }
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
                let next = self.peek(1);
                match byte {
                    b'\\' if next == b'\n' => {}
                    b'\\' => {
                        self.commands().word().push(0);
                        self.commands().take_quoted(next);
                    }
                    b'$' | b'`' => self.commands().word().push(0),
                    _ => self.commands().take(byte),
                }
                self.step_expansion(byte, false);
            }
        }
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
        let commands = commands_of(&mut self.frames);
        let refused = commands.end_word(&self.numbers);
        self.numbers.extend(std::mem::take(&mut commands.numbers));
        for number in refused {
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
        if self.commands().in_pattern() {
            self.end_word();
            self.commands().open_pattern();
            self.at += 1;
        } else if self.commands().in_condition() {
            self.end_word();
            self.at += 1;
        } else if self.next_is(b"((") {
            self.end_word();
            self.push(Frame::Arithmetic { depth: 0, close: b')' }, 2);
        } else {
            let inside = self.commands().in_parentheses();
            self.end_word();
            self.push(Frame::Commands(inside), 1);
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
            Ends::Subshell if commands.array => self.pop(1),
            Ends::Subshell => {
                self.pop(1);
                self.commands().end_command(false);
            }
            Ends::Script | Ends::Backtick => self.at += 1,
        }
    }

    fn redirect(&mut self) {
        if self.commands().in_condition() {
            self.end_word();
            self.at += 1;
            return;
        }
        self.commands().begin_redirection();
        self.end_word();
        if self.next_is(b"<<") && !self.next_is(b"<<<") {
            self.at += 2;
            return self.read_end_word();
        }
        if self.next_is(b"<(") || self.next_is(b">(") {
            self.commands().word().push(0);
            return self.push(Frame::Commands(Commands::new(Ends::Substitution)), 2);
        }
        let signs = [b"<<<".as_slice(), b">>", b">&", b">|", b"<&", b"<>"];
        self.at += signs.into_iter().find(|sign| self.next_is(sign)).map_or(1, <[u8]>::len);
        self.commands().expect_target();
    }
}

fn commands_of(frames: &mut [Frame]) -> &mut Commands {
    let commands = frames.iter_mut().rev().find_map(|frame| match frame {
        Frame::Commands(commands) => Some(commands),
        _ => None,
    });
    commands.expect("the script's own frame is never popped")
}
