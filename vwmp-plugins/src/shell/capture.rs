//! What a program prints: every line to the log, and a bounded rest to look back at.

use std::borrow::Cow;

use vwmp_interfaces::log::{StepLog, Stream};

/// A longer line is cut into several.
const LONGEST_LINE: usize = 64 * 1024;

/// The two streams of a program.
pub(super) struct Captured<'l> {
    log: &'l StepLog,
    stdout: Lines,
    stderr: Lines,
}

/// One stream.
struct Lines {
    stream: Stream,
    /// The beginning of a line whose end didn't come yet.
    unfinished: Vec<u8>,
    /// The last bytes; up to twice as many as are wanted, so that old ones are seldom moved away.
    tail: Vec<u8>,
    keep: usize,
    total: usize,
}

impl<'l> Captured<'l> {
    /// Keeps the last `keep` bytes of the standard output.
    pub(super) fn new(log: &'l StepLog, keep: usize) -> Self {
        Self { log, stdout: Lines::new(Stream::Stdout, keep), stderr: Lines::new(Stream::Stderr, 8 * 1024) }
    }

    /// Takes what a program wrote.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8]) {
        let lines = if stream == Stream::Stderr { &mut self.stderr } else { &mut self.stdout };
        lines.take(bytes, self.log);
    }

    /// Says something about the program itself.
    pub(super) fn note(&mut self, text: &str) {
        self.log.warn(text);
    }

    /// Hands on what stands behind the last line break.
    pub(super) fn finish(&mut self) {
        self.stdout.finish(self.log);
        self.stderr.finish(self.log);
    }

    /// The end of the standard output, and how many bytes before it are gone.
    pub(super) fn stdout(&self) -> (Cow<'_, str>, usize) {
        let kept = self.stdout.kept();
        (String::from_utf8_lossy(kept), self.stdout.total - kept.len())
    }

    /// The last lines that may say what went wrong.
    pub(super) fn last_words(&self) -> Option<String> {
        let stream = if self.stderr.total > 0 { &self.stderr } else { &self.stdout };
        let text = String::from_utf8_lossy(stream.kept());
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let last = lines[lines.len().saturating_sub(10)..].join("\n");
        let cut = stream.total > stream.kept().len() && lines.len() <= 10;
        let (mark, last) = last_whole(&last, 4096, cut);
        (!last.is_empty()).then(|| format!("{mark}{last}"))
    }
}

/// The end of a text, which may be `cut` already, at most so many bytes of it, and what to write before it. Where it can't begin
/// with a whole line, it may begin with the rest of a secret, which can be masked only behind the sign for what was cut off.
pub(super) fn last_whole(text: &str, most: usize, cut: bool) -> (&'static str, &str) {
    let from = text.ceil_char_boundary(text.len().saturating_sub(most));
    let rest = &text[from..];
    if from == 0 && !cut {
        return ("", rest);
    }
    match rest.find('\n').map(|end| end + 1).filter(|next| *next < rest.len()) {
        Some(next) => ("", &rest[next..]),
        // Of a character that was cut in two, nothing is left to recognize.
        None => ("…", rest.trim_start_matches(char::REPLACEMENT_CHARACTER)),
    }
}

impl Lines {
    fn new(stream: Stream, keep: usize) -> Self {
        Self { stream, unfinished: Vec::new(), tail: Vec::new(), keep, total: 0 }
    }

    fn kept(&self) -> &[u8] {
        &self.tail[self.tail.len().saturating_sub(self.keep)..]
    }

    fn take(&mut self, bytes: &[u8], log: &StepLog) {
        self.total += bytes.len();
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > 2 * self.keep {
            self.tail.drain(..self.tail.len() - self.keep);
        }
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            self.unfinished.extend_from_slice(bytes);
            self.cut_unfinished(log);
            return;
        };
        let (lines, rest) = bytes.split_at(end + 1);
        if self.unfinished.is_empty() {
            write_lines(lines, self.stream, log);
        } else {
            self.unfinished.extend_from_slice(lines);
            write_lines(&self.unfinished, self.stream, log);
            self.unfinished.clear();
        }
        self.unfinished.extend_from_slice(rest);
        self.cut_unfinished(log);
    }

    fn cut_unfinished(&mut self, log: &StepLog) {
        while self.unfinished.len() > LONGEST_LINE {
            let end = cut(&self.unfinished);
            write_text(&self.unfinished[..end], self.stream, log);
            self.unfinished.drain(..end);
        }
    }

    fn finish(&mut self, log: &StepLog) {
        if !self.unfinished.is_empty() {
            write_lines(&self.unfinished, self.stream, log);
            self.unfinished.clear();
        }
    }
}

fn write_lines(bytes: &[u8], stream: Stream, log: &StepLog) {
    if bytes.len() <= LONGEST_LINE {
        return write_text(bytes, stream, log);
    }
    for mut line in bytes.split_inclusive(|byte| *byte == b'\n') {
        while line.len() > LONGEST_LINE {
            let (part, rest) = line.split_at(cut(line));
            write_text(part, stream, log);
            line = rest;
        }
        write_text(line, stream, log);
    }
}

fn write_text(bytes: &[u8], stream: Stream, log: &StepLog) {
    log.write(stream, &String::from_utf8_lossy(bytes));
}

/// Where to cut a line that is too long: not within a character.
fn cut(line: &[u8]) -> usize {
    let within = |at: &usize| line[*at] & 0b1100_0000 == 0b1000_0000;
    (LONGEST_LINE - 3..=LONGEST_LINE).rev().find(|at| !within(at)).unwrap_or(LONGEST_LINE)
}

#[cfg(test)]
mod tests {
    use super::last_whole;

    #[test]
    fn a_text_that_was_cut_begins_with_a_line_or_says_so() {
        let line = "a line of a program";
        assert_eq!(last_whole(line, 1000, false), ("", line));
        assert_eq!(last_whole(line, 1000, true), ("…", line));
        assert_eq!(last_whole(line, 7, false), ("…", "program"));
        assert_eq!(last_whole(&format!("{line}\nlast"), 1000, true), ("", "last"));
        assert_eq!(last_whole(&format!("{line}\n"), 8, false), ("…", "program\n"));
        assert_eq!(last_whole("\u{fffd}\u{fffd}é", 1000, true), ("…", "é"));
    }
}
