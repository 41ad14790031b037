//! What is wrong, where, and what to do about it: plain data.
//!
//! Rendering with source snippets belongs to the edge; [`std::fmt::Display`] gives the plain form.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::SerializeStruct as _;

use crate::source::{Position, Source, Span};

/// One finding about what the user wrote.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnostic {
    /// A stable name, such as `vwmp::unknown-handler`; types of workflow use their own prefix.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, lower case, in the user's words.
    pub message: String,
    /// The places it is about; the first is the main one.
    pub labels: Vec<Label>,
    /// What to do next, a line each.
    pub help: Vec<String>,
}

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The workflow can't be used.
    Error,
    /// The workflow can be used, but is probably not what was meant.
    Warning,
}

/// A place in a source, with what to say there.
#[derive(Debug, Clone)]
pub struct Label {
    /// The text that the place is in.
    pub source: Arc<Source>,
    /// The place.
    pub span: Span,
    /// What to say there; may be empty.
    pub text: String,
}

/// The findings of one pass, in the order they were found.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostic {
    /// Something that makes the workflow unusable.
    pub fn error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// Something that is probably a mistake.
    pub fn warning(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    fn new(severity: Severity, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), severity, message: message.into(), labels: Vec::new(), help: Vec::new() }
    }

    /// Points at a place. The first place is the main one.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: Arc::clone(source), span, text: text.into() });
        self
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// Adds "did you mean" when one of `known` is near to `written`.
    #[must_use]
    pub fn nearest<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(written, known) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// The known name that is nearest to what was written, if any is near enough.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let enough = |name: &str| (written.len().max(name.len()) / 3).max(1);
    known
        .into_iter()
        .take(MOST_KNOWN)
        // As many characters as one has more have to be put in.
        .filter(|name| written.chars().count().abs_diff(name.chars().count()) <= enough(name))
        .map(|name| (strsim::osa_distance(&written, &name.to_lowercase()), name))
        .filter(|&(distance, name)| distance <= enough(name))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// Among so many names the nearest one is looked for: with thousands of mistakes and of names it would take seconds.
const MOST_KNOWN: usize = 500;

/// The names that can be written, for a help; the first of them, where there are many.
pub fn known_are(names: &[&str]) -> String {
    const MOST: usize = 12;
    match names.split_at_checked(MOST).filter(|(_, rest)| !rest.is_empty()) {
        None => format!("known are {}", names.join(", ")),
        Some((first, rest)) => format!("known are {} and {} more", first.join(", "), rest.len()),
    }
}

impl Label {
    /// Where the label begins.
    pub fn position(&self) -> Position {
        self.source.position(self.span.start)
    }
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|one| one.severity == Severity::Error)
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Puts findings about one source in the order of their places; those without a place come first.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.0.sort_by_key(|one| one.labels.first().map(|label| label.span.start));
        self
    }

    /// Passes `value` on when there is no error.
    ///
    /// # Errors
    /// The diagnostics themselves, when one of them is an error.
    pub fn into_result<T>(self, value: T) -> Result<(T, Self), Self> {
        if self.has_errors() { Err(self) } else { Ok((value, self)) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, all: I) {
        self.0.extend(all);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// `file:line:column: error[code]: message`, further places and help below it.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(main) = self.labels.first() {
            write!(f, "{}:{}: ", main.source.name(), main.position())?;
        }
        write!(f, "{}[{}]: {}", self.severity, self.code, self.message)?;
        for label in self.labels.iter().filter(|label| !label.text.is_empty()) {
            write!(f, "\n  {}:{}: {}", label.source.name(), label.position(), label.text)?;
        }
        self.help.iter().try_for_each(|line| write!(f, "\n  = help: {line}"))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, one) in self.0.iter().enumerate() {
            write!(f, "{}{one}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl Serialize for Label {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Label", 5)?;
        out.serialize_field("file", self.source.name())?;
        out.serialize_field("start", &self.position())?;
        out.serialize_field("end", &self.source.position(self.span.end))?;
        out.serialize_field("span", &self.span)?;
        out.serialize_field("text", &self.text)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_form_names_every_place() {
        let source = Arc::new(Source::new("w.yaml", "a: 1\na: 2\n"));
        let one = Diagnostic::error("vwmp::duplicate-key", "`a` is written twice")
            .at(&source, Span::new(5, 6), "again here")
            .at(&source, Span::new(0, 1), "first here")
            .help("remove one of them");
        assert_eq!(
            one.to_string(),
            "w.yaml:2:1: error[vwmp::duplicate-key]: `a` is written twice\n  w.yaml:2:1: again here\n  \
             w.yaml:1:1: first here\n  = help: remove one of them"
        );
    }

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest("shell.rnu", ["shell.run", "flow.noop"]), Some("shell.run"));
        assert_eq!(nearest("entirely.else", ["shell.run", "flow.noop"]), None);
    }
}
