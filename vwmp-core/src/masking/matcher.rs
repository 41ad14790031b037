//! Where in a text secrets are.

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::AhoCorasick;

/// Of a longer form, this much at either end is looked for: messages quote the beginning of a long text, and bounded
/// captures keep its end.
const END: usize = 32;

/// What stands where a text was cut off, at its end or at its beginning.
const CUT: char = '…';

/// Of a secret that was cut off, this much is masked.
const LEAST: usize = 4;

/// Finds the forms of secrets, all at once.
pub(super) struct Matcher {
    automaton: AhoCorasick,
    /// What each pattern of the automaton is.
    patterns: Vec<Pattern>,
    /// The first [`END`] bytes of each form, about.
    beginnings: BTreeSet<Box<str>>,
    /// The last ones.
    endings: BTreeSet<Box<str>>,
    longest: usize,
}

enum Pattern {
    /// A whole form.
    Whole,
    /// The beginning of this form.
    Head(Box<str>),
    /// The end of this form.
    Tail(Box<str>),
}

impl Matcher {
    /// A matcher, unless there is nothing to find.
    ///
    /// # Panics
    /// With more than 2^31 bytes of patterns, which secrets don't have.
    pub(super) fn new(forms: &BTreeSet<String>) -> Option<Self> {
        let longest = forms.iter().map(String::len).max()?;
        let beginning = |form: &String| form[..form.floor_char_boundary(END)].into();
        let beginnings = forms.iter().map(beginning).collect();
        let ending = |form: &String| form[form.ceil_char_boundary(form.len().saturating_sub(END))..].into();
        let endings = forms.iter().map(ending).collect();
        let (mut texts, mut patterns) = (Vec::new(), Vec::new());
        let mut put = |text: &str, pattern: Pattern| {
            texts.push(text.to_owned());
            patterns.push(pattern);
        };
        for form in forms {
            if form.len() <= END {
                put(form, Pattern::Whole);
                continue;
            }
            put(&form[..form.ceil_char_boundary(END)], Pattern::Head(form.as_str().into()));
            put(&form[form.floor_char_boundary(form.len() - END)..], Pattern::Tail(form.as_str().into()));
        }
        let automaton = AhoCorasick::new(&texts).expect("secrets are shorter than 2^31 bytes");
        Some(Self { automaton, patterns, beginnings, endings, longest })
    }

    /// Whether a place is the beginning of a secret is known once as many bytes are.
    pub(super) fn longest(&self) -> usize {
        self.longest + CUT.len_utf8()
    }

    pub(super) fn finds(&self, text: &str) -> bool {
        self.automaton.is_match(text) || self.cut_off(text).chain(self.begun(text)).next().is_some()
    }

    /// The parts that secrets cover, in order and apart from each other. Not the leftmost matches alone: where two
    /// secrets overlap, nothing of either may stay.
    pub(super) fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        if !self.finds(text) {
            return Vec::new();
        }
        let found = self.automaton.find_overlapping_iter(text);
        let whole = found.map(|one| match &self.patterns[one.pattern().as_usize()] {
            Pattern::Whole => one.range(),
            Pattern::Head(form) => {
                let same = form.bytes().zip(text[one.start()..].bytes()).take_while(|(a, b)| a == b).count();
                one.start()..text.floor_char_boundary(one.start() + same)
            }
            Pattern::Tail(form) => {
                let before = text[..one.end()].bytes().rev();
                let same = form.bytes().rev().zip(before).take_while(|(a, b)| a == b).count();
                text.ceil_char_boundary(one.end() - same)..one.end()
            }
        });
        joined(whole.chain(self.cut_off(text)).chain(self.begun(text)))
    }

    /// The beginnings of secrets that stand where a text was cut off.
    fn cut_off<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        text.match_indices(CUT).filter_map(|(cut, _)| {
            let before = &text[..cut];
            let length = |secret: &str| {
                let mut ends = secret.char_indices().map(|(at, char)| at + char.len_utf8()).rev();
                ends.find(|&end| end >= LEAST && before.ends_with(&secret[..end]))
            };
            let longest = self.beginnings.iter().filter_map(|secret| length(secret)).max()?;
            Some(cut - longest..cut)
        })
    }

    /// The ends of secrets that stand where the beginning of a text was cut off.
    fn begun<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        text.match_indices(CUT).filter_map(|(cut, mark)| {
            let from = cut + mark.len();
            let behind = &text[from..];
            let length = |secret: &str| {
                let mut ends = secret.char_indices().map(|(at, _)| &secret[at..]);
                Some(ends.find(|end| end.len() >= LEAST && behind.starts_with(end))?.len())
            };
            let longest = self.endings.iter().filter_map(|secret| length(secret)).max()?;
            Some(from..from + longest)
        })
    }
}

/// Where a text can be parted so that what is found in its second part is what is found there in the whole: a [`CUT`] stays
/// with what follows.
pub(super) fn before_cut(text: &str) -> usize {
    text.strip_suffix(CUT).unwrap_or(text).len()
}

/// Ranges that overlap or touch become one.
pub(super) fn joined(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = ranges.collect();
    all.sort_unstable_by_key(|range| range.start);
    all.into_iter().fold(Vec::new(), |mut joined: Vec<Range<usize>>, range| {
        match joined.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => joined.push(range),
        }
        joined
    })
}
