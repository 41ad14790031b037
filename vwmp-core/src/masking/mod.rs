//! Secrets on their way out: found in every form they may have taken, and replaced by [`MASK`].
//!
//! Reading order: this file, `forms` (what a secret may look like), `matcher` (where it is), `stream` (across chunks).

mod computed;
mod forms;
mod matcher;
mod stream;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::Change;

pub(crate) use self::computed::computed;
use self::matcher::Matcher;
pub use self::stream::MaskedStream;
use crate::diagnostic::Diagnostic;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// The bytes a secret must have: to mask a shorter one would hide ordinary words.
pub const SHORTEST: usize = 6;

/// Finds a fixed set of secrets and replaces them. Clones share the set; without secrets it does nothing.
#[derive(Clone, Default)]
pub struct Masker(Option<Arc<Matcher>>);

impl Masker {
    /// A masker of some secrets. Those shorter than [`SHORTEST`] are not masked; of longer ones, neither are lines
    /// that are.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let forms = secrets.into_iter().flat_map(|secret| forms::of(secret.as_ref())).collect();
        Self(Matcher::new(&forms).map(Arc::new))
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The text without the secrets.
    pub fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.ranges(text).as_slice() {
            [] => Cow::Borrowed(text),
            ranges => Cow::Owned(without(text, ranges)),
        }
    }

    /// Takes the secrets out of a text; says whether there were any.
    pub fn text(&self, text: &mut String) -> bool {
        let masked = match self.masked(text) {
            Cow::Borrowed(_) => return false,
            Cow::Owned(masked) => masked,
        };
        *text = masked;
        true
    }

    /// Takes the secrets out of a value, keys and numbers included; says whether there were any.
    pub fn value(&self, value: &mut Value) -> bool {
        match value {
            _ if self.is_empty() => false,
            Value::Null | Value::Bool(_) => false,
            Value::String(text) => self.text(text),
            Value::Number(number) => {
                let found = !self.ranges(&number.to_string()).is_empty();
                if found {
                    *value = MASK.into();
                }
                found
            }
            // Every item, so no short cut.
            Value::Array(items) => items.iter_mut().fold(false, |any, item| self.value(item) | any),
            Value::Object(entries) => {
                let mut any = entries.values_mut().fold(false, |any, entry| self.value(entry) | any);
                if entries.keys().any(|key| self.finds(key)) {
                    let all = std::mem::take(entries).into_iter();
                    *entries = all.map(|(key, entry)| (self.masked(&key).into_owned(), entry)).collect();
                    any = true;
                }
                any
            }
        }
    }

    /// Whether a secret is in a text.
    pub fn finds(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|matcher| matcher.finds(text))
    }

    /// Whether a secret is in a value, whichever part of it.
    pub fn finds_in(&self, value: &Value) -> bool {
        match value {
            _ if self.is_empty() => false,
            Value::Null | Value::Bool(_) => false,
            Value::String(text) => self.finds(text),
            Value::Number(number) => self.finds(&number.to_string()),
            Value::Array(items) => items.iter().any(|item| self.finds_in(item)),
            Value::Object(entries) => {
                entries.iter().any(|(key, entry)| self.finds(key) || self.finds_in(entry))
            }
        }
    }

    /// Takes the secrets out of what is said of a workflow.
    pub(crate) fn diagnostic(&self, diagnostic: &mut Diagnostic) {
        self.text(&mut diagnostic.message);
        diagnostic.help.iter_mut().for_each(|line| _ = self.text(line));
        diagnostic.labels.iter_mut().for_each(|label| _ = self.text(&mut label.text));
    }

    /// Takes the secrets out of what a step would change.
    pub(crate) fn change(&self, change: &mut Change) {
        match change {
            Change::File { path, before, after } => {
                std::iter::once(path).chain(before).chain(after).for_each(|one| _ = self.text(one));
            }
            Change::Action { description } => _ = self.text(description),
        }
    }

    fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        self.0.as_ref().map(|matcher| matcher.ranges(text)).unwrap_or_default()
    }
}

/// A text in which each of some ranges is the mask.
fn without(text: &str, ranges: &[Range<usize>]) -> String {
    let (mut masked, mut from) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        masked.push_str(&text[from..range.start]);
        masked.push_str(MASK);
        from = range.end;
    }
    masked.push_str(&text[from..]);
    masked
}

/// Every text in a value that would give it away.
pub(crate) fn texts_in(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => texts.push(number.to_string()),
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts_in(item, texts)),
        Value::Object(entries) => entries.values().for_each(|value| texts_in(value, texts)),
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Masker(nothing)" } else { "Masker(…)" })
    }
}

#[cfg(test)]
mod tests;
