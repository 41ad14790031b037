//! Names: of steps, parameters and variables.

use std::collections::HashSet;

/// Ids that were given away.
#[derive(Debug, Default)]
pub(super) struct Ids(HashSet<String>);

impl Ids {
    /// An id that is like `wanted` and that no other step has.
    pub(super) fn free(&mut self, wanted: &str) -> String {
        let base = name(wanted);
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let mut all = std::iter::once(base.clone()).chain(numbered);
        let id = all.find(|id| !self.0.contains(id)).unwrap_or(base);
        self.0.insert(id.clone());
        id
    }
}

/// A text as the name of a step or a parameter.
pub(super) fn name(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let mut name = String::new();
    for c in text.trim().chars().map(allowed).take(60) {
        if c != '-' || !name.ends_with('-') {
            name.push(c);
        }
    }
    let name = name.trim_matches('-');
    match name.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("n{name}"),
        Some(_) => name.to_owned(),
        None => "step".to_owned(),
    }
}

/// A path such as `config.vars.NAME`; what is no word goes into brackets.
pub(super) fn path(segments: &[&str]) -> String {
    let word = |text: &str| {
        text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut path = String::new();
    for (i, segment) in segments.iter().enumerate() {
        if i > 0 && !word(segment) {
            path.push_str(&format!("[\"{}\"]", segment.replace(['"', '\\'], "_")));
        } else {
            path.push_str(if i > 0 { "." } else { "" });
            path.push_str(segment);
        }
    }
    path
}

/// Text that means itself: `$<` is no value.
pub(super) fn literal(text: &str) -> String {
    text.replace("$<", "$$<")
}
