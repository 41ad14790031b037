//! Text that comes in pieces, with secrets across their borders.

use super::matcher::{before_cut, joined};
use super::{MASK, Masker};

/// One text in pieces: what comes out is the masked text, as early as that can be known.
#[derive(Debug, Default)]
pub struct MaskedStream {
    /// What may be a part of a secret that isn't whole yet.
    held: String,
    /// How much of `held` belongs to a secret whose mask came out already.
    covered: Option<usize>,
}

impl MaskedStream {
    /// Takes a piece, and gives what can be shown by now.
    pub fn push(&mut self, masker: &Masker, piece: &str) -> String {
        self.held.push_str(piece);
        let undecided = masker.0.as_ref().map_or(0, |matcher| matcher.longest() - 1);
        let decided = self.held.floor_char_boundary(self.held.len().saturating_sub(undecided));
        self.give(masker, before_cut(&self.held[..decided]))
    }

    /// Gives the rest. What comes next is another text.
    pub fn finish(&mut self, masker: &Masker) -> String {
        let rest = self.give(masker, self.held.len());
        *self = Self::default();
        rest
    }

    /// Gives what begins before `end`: where a secret begins there, all of it is held.
    fn give(&mut self, masker: &Masker, end: usize) -> String {
        let covered = self.covered.take();
        let ranges = joined(covered.map(|bytes| 0..bytes).into_iter().chain(masker.ranges(&self.held)));
        let (mut given, mut at) = (String::new(), 0);
        for (number, range) in ranges.into_iter().enumerate() {
            let shown = number == 0 && covered.is_some();
            if range.start >= end && !shown {
                break;
            }
            given.push_str(&self.held[at..range.start]);
            given.push_str(if shown { "" } else { MASK });
            at = range.end;
            self.covered = at.checked_sub(end);
        }
        given.push_str(self.held.get(at..end).unwrap_or_default());
        self.held.drain(..end);
        given
    }
}
