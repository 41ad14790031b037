//! Paths such as `config.a.b` and `step-outputs.step-1.files[0]`: read, and looked up.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde_json::Value;

use super::expression::Fault;
use super::scope::{Namespace, Scope};
use crate::diagnostic::nearest;

/// A value that an expression reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it is looked up.
    pub namespace: Namespace,
    /// The way from there; only the part that is written out, when an expression computes the rest.
    pub path: Vec<Segment>,
    /// The bytes it takes in the expression.
    pub range: Range<usize>,
    /// Whether the expression copes with its absence: it has a default, or asks with `has()`.
    pub optional: bool,
}

impl Reference {
    /// The step whose output it is about, if it is about one.
    pub(crate) fn output_of(&self) -> Option<&str> {
        let key = |at: usize| match self.path.get(at) {
            Some(Segment::Key(key)) => Some(&**key),
            _ => None,
        };
        match self.namespace {
            Namespace::StepOutputs => key(0),
            Namespace::Steps => key(0).filter(|_| key(1) == Some("outputs")),
            _ => None,
        }
    }
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A key of a map.
    Key(Box<str>),
    /// An item of a list, from 0.
    Index(usize),
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Whether the value is not there, so that a default takes its place.
    pub(super) absent: bool,
}

/// A path as it is written, with a root that may be no namespace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written<'t> {
    pub(super) root: &'t str,
    pub(super) path: Vec<Segment>,
    pub(super) len: usize,
}

/// Reads a path from the start of `text`, as far as it goes.
///
/// Names may have hyphens, as in `step-1`.
pub(super) fn read(text: &str) -> Option<Written<'_>> {
    read_with(text, true, usize::MAX)
}

/// The bytes that a path of `segments` segments takes at the start of a CEL text, where a hyphen is a subtraction.
pub(super) fn len_in_cel(text: &str, segments: usize) -> usize {
    read_with(text, false, segments).map_or(1, |written| written.len)
}

fn read_with(text: &str, hyphens: bool, at_most: usize) -> Option<Written<'_>> {
    let root = name(text, hyphens)?;
    if !root.starts_with(|char: char| char.is_alphabetic() || char == '_') {
        return None;
    }
    let mut written = Written { root, path: Vec::new(), len: root.len() };
    while written.path.len() < at_most
        && let Some((segment, len)) = segment(&text[written.len..], hyphens)
    {
        written.path.push(segment);
        written.len += len;
    }
    Some(written)
}

fn segment(text: &str, hyphens: bool) -> Option<(Segment, usize)> {
    if let Some(rest) = text.strip_prefix('.') {
        let name = name(rest, hyphens)?;
        return Some((Segment::Key(name.into()), name.len() + 1));
    }
    let rest = text.strip_prefix('[')?;
    let end = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].find(quote)? + 2,
        _ => rest.find(|char: char| !char.is_ascii_digit())?,
    };
    let inside = &rest[..end];
    rest[end..].strip_prefix(']')?;
    let segment = match inside.strip_prefix(['"', '\'']) {
        Some(quoted) if quoted.contains('\\') => return None,
        Some(quoted) => Segment::Key(quoted[..quoted.len() - 1].into()),
        None => Segment::Index(inside.parse().ok()?),
    };
    Some((segment, end + 2))
}

fn name(text: &str, hyphens: bool) -> Option<&str> {
    let belongs = |char: char| char.is_alphanumeric() || char == '_' || (hyphens && char == '-');
    let end = text.find(|char| !belongs(char)).unwrap_or(text.len());
    let name = &text[..end];
    (!name.is_empty() && !name.starts_with('-')).then_some(name)
}

impl Reference {
    /// The first name after the namespace, such as the id of a step.
    pub fn key(&self) -> Option<&str> {
        match self.path.first()? {
            Segment::Key(key) => Some(key),
            Segment::Index(_) => None,
        }
    }

    /// The value, null where the path goes through a null.
    pub(super) fn find<'s>(&self, scope: &'s dyn Scope) -> Result<Cow<'s, Value>, Failure> {
        let (mut value, from) = self.root(scope)?;
        for at in from..self.path.len() {
            if value.is_null() {
                return Ok(value);
            }
            value = enter(value, &self.path[at]).map_err(|value| self.absent(at, &value))?;
        }
        Ok(value)
    }

    /// The value that the walk begins with, and how many segments it takes.
    fn root<'s>(&self, scope: &'s dyn Scope) -> Result<(Cow<'s, Value>, usize), Failure> {
        let namespace = self.namespace;
        if namespace == Namespace::Item {
            let item = scope.value(namespace, "");
            return item
                .map(|item| (item, 0))
                .ok_or_else(|| Failure::absent("`item` is known only inside a `foreach`".into(), None));
        }
        let Some(first) = self.path.first() else {
            let all = scope.keys(namespace).into_iter().filter_map(|key| {
                let value = scope.value(namespace, &key)?.into_owned();
                Some((key, value))
            });
            return Ok((Cow::Owned(Value::Object(all.collect())), 0));
        };
        let key = first.to_string();
        scope.value(namespace, &key).map(|value| (value, 1)).ok_or_else(|| {
            let known = scope.keys(namespace);
            let mut absent = no_such_key(namespace.name(), &key, known.iter().map(String::as_str));
            absent.help = absent.help.or_else(|| no_such_root(namespace, &key));
            absent
        })
    }

    /// Why `value`, which the path up to `at` leads to, has nothing at segment `at`.
    fn absent(&self, at: usize, value: &Value) -> Failure {
        let place = Prefix(self, at).to_string();
        let message = match (value, &self.path[at]) {
            (Value::Object(map), Segment::Key(key)) => {
                return no_such_key(&place, key, map.keys().map(String::as_str));
            }
            (Value::Array(items), Segment::Index(index)) => {
                let plural = if items.len() == 1 { "" } else { "s" };
                format!("`{place}` has {} item{plural}, so there is no [{index}]", items.len())
            }
            (Value::Array(_), Segment::Key(key)) => {
                let help = Some(format!("pick an item by its number: `{place}[0]`"));
                return Failure::absent(format!("`{place}` is a list, so it has no `{key}`"), help);
            }
            (_, Segment::Key(key)) => format!("`{place}` is a {}, so it has no `{key}`", kind(value)),
            (_, Segment::Index(_)) => format!("`{place}` is a {}, not a list", kind(value)),
        };
        Failure::absent(message, None)
    }
}

impl Failure {
    fn absent(message: String, help: Option<String>) -> Self {
        Self { message, help, absent: true }
    }

    /// The same, about an expression that has no value wherever it stands.
    pub(super) fn fault(self, range: Range<usize>) -> Fault {
        Fault { help: self.help.into_iter().collect(), ..Fault::invalid(self.message, range) }
    }
}

/// What a value is, in the user's words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

/// Goes one segment down; gives the value back when there is nothing.
fn enter<'s>(value: Cow<'s, Value>, segment: &Segment) -> Result<Cow<'s, Value>, Cow<'s, Value>> {
    match value {
        Cow::Borrowed(value) => {
            let found = match segment {
                Segment::Key(key) => value.get(&**key),
                Segment::Index(index) => value.get(index),
            };
            found.map(Cow::Borrowed).ok_or(Cow::Borrowed(value))
        }
        Cow::Owned(mut value) => {
            let found = match segment {
                Segment::Key(key) => value.get_mut(&**key),
                Segment::Index(index) => value.get_mut(index),
            };
            match found.map(Value::take) {
                Some(found) => Ok(Cow::Owned(found)),
                None => Err(Cow::Owned(value)),
            }
        }
    }
}

fn no_such_key<'a>(place: &str, key: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    // A step may be known and have no output.
    let help = nearest(key, known.filter(|one| *one != key)).map(|near| {
        // `a-b` is one name in a path, but may have been meant as a subtraction.
        match key.split_once('-') {
            Some((left, _)) if left == near => "to subtract, put spaces around the `-`".into(),
            _ => format!("did you mean `{near}`?"),
        }
    });
    Failure::absent(format!("`{place}` has no `{key}`"), help)
}

fn no_such_root(namespace: Namespace, key: &str) -> Option<String> {
    match namespace {
        Namespace::Env => Some(format!("set {key}, or give a default: `$<env.{key} ?? …>`")),
        Namespace::Matrix => Some("`matrix` is known only inside a step with a `matrix`".into()),
        _ => None,
    }
}

/// The beginning of a path.
struct Prefix<'r>(&'r Reference, usize);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.namespace)?;
        for segment in &self.0.path[..self.1] {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if name(key, true) == Some(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Prefix(self, self.path.len()).fmt(f)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => index.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_far_as_they_go() {
        let key = |key: &str| Segment::Key(key.into());
        for (text, hyphens, root, path, len) in [
            ("config.a.b", true, "config", vec![key("a"), key("b")], 10),
            (
                "step-outputs.step-1.files[0]",
                true,
                "step-outputs",
                vec![key("step-1"), key("files"), Segment::Index(0)],
                28,
            ),
            ("steps['a b'].x == 1", false, "steps", vec![key("a b"), key("x")], 14),
            ("config.a-1", false, "config", vec![key("a")], 8),
            ("config.a.", true, "config", vec![key("a")], 8),
            ("config[x]", true, "config", vec![], 6),
        ] {
            assert_eq!(read_with(text, hyphens, usize::MAX), Some(Written { root, path, len }), "{text}");
        }
        for text in ["", "1", "-a", "'a'", "(a)"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
