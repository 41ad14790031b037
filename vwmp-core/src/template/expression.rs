//! One expression: a path or CEL, and its default.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use super::cel::Cel;
use super::parse::Place;
use super::path::{self, Failure, Reference};
use super::scope::{Namespace, Nothing, Scope};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{Source, Span};

/// What stands inside a `$<…>`, ready to be evaluated, and where it was written.
#[derive(Clone)]
pub struct Expression {
    code: Arc<Code>,
    source: Arc<Source>,
    span: Span,
    exact: bool,
}

/// The expressions of one pass: the same text is compiled once, however often it is written.
///
/// It serves one thread; what is read with it may be shared between threads.
#[derive(Default)]
pub struct ExpressionCache(RefCell<HashMap<Box<str>, Compiled>>);

type Compiled = Result<Arc<Code>, Arc<[Fault]>>;

/// What an expression does, without a place.
pub(super) struct Code {
    text: Box<str>,
    kind: Kind,
    pub(super) references: Vec<Reference>,
    default: Option<Value>,
}

enum Kind {
    /// The only reference is the value.
    Path,
    Cel(Cel),
}

/// What is wrong with an expression.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Vec<String>,
    /// The bytes of the expression that it is about.
    pub(super) range: Range<usize>,
}

/// Whether the needs of the step that asks have succeeded, and whether one of them failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeedsStatus {
    /// All of them succeeded, were tolerated, or were skipped by their own condition.
    pub succeeded: bool,
    /// At least one failed, or was skipped because of a failure.
    pub failed: bool,
}

impl Expression {
    /// Reads the inside of a `$<…>` that stands at `range` of the text at `place`.
    pub(super) fn parse(
        text: &str,
        range: Range<usize>,
        place: &Place<'_>,
        cache: &ExpressionCache,
    ) -> Result<Self, Diagnostics> {
        let exact = place.text_at.is_some();
        let at = |fault: &Fault| {
            let (start, end) = (range.start + fault.range.start, range.start + fault.range.end);
            place.span_of(start..end.min(range.end))
        };
        match cache.compile(text) {
            Ok(code) => {
                Ok(Self { code, source: Arc::clone(place.source), span: place.span_of(range), exact })
            }
            Err(faults) => {
                Err(faults.iter().map(|fault| fault.diagnostic(place.source, at(fault))).collect())
            }
        }
    }

    /// As written, without `$<` and `>`.
    pub fn text(&self) -> &str {
        &self.code.text
    }

    /// The text that it was written in.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Where it was written, for people: `release.yaml:7:22`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.source.name(), self.source.position(self.span.start))
    }

    /// Where it was written.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What it reads.
    pub fn references(&self) -> &[Reference] {
        &self.code.references
    }

    /// Where one of its references was written.
    pub fn span_of(&self, reference: &Reference) -> Span {
        if self.exact { self.span.part(reference.range.clone()) } else { self.span }
    }

    /// Whether its value is computed, rather than that of a path or its default.
    pub(crate) fn computes(&self) -> bool {
        matches!(self.code.kind, Kind::Cel(_))
    }

    /// Whether it asks with `succeeded()`, `failed()` or `always()` how the needs of its step ended.
    pub(super) fn uses_status_function(&self) -> bool {
        matches!(&self.code.kind, Kind::Cel(cel) if cel.uses_status_function)
    }

    pub(super) fn reads(&self, namespace: Namespace) -> bool {
        self.references().iter().any(|one| one.namespace == namespace)
    }

    /// The value; the default, if there is one, in the place of null and of what is absent.
    pub(super) fn evaluate(&self, scope: &dyn Scope, status: Option<NeedsStatus>) -> Result<Value, Failure> {
        self.code.evaluate(scope, status)
    }

    /// The value, when it is the same wherever it is asked for.
    pub(super) fn constant(&self) -> Option<Value> {
        self.code.is_constant().then(|| self.code.evaluate(&Nothing, None).ok())?
    }
}

impl ExpressionCache {
    pub(super) fn compile(&self, text: &str) -> Compiled {
        if let Some(known) = self.0.borrow().get(text) {
            return known.clone();
        }
        let compiled = Code::compile(text).map(Arc::new).map_err(Arc::from);
        self.0.borrow_mut().insert(text.into(), compiled.clone());
        compiled
    }
}

impl Code {
    /// The longest expression, in bytes.
    const MAX_BYTES: usize = 4096;

    fn compile(text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > Self::MAX_BYTES {
            let message =
                format!("an expression has at most {} bytes; this one has {}", Self::MAX_BYTES, text.len());
            return Err(vec![Fault::costly(message, 0..text.len())]);
        }
        let (body, default) = match split_default(text) {
            Some(at) => (&text[..at], Some(read_default(text, at + 2).map_err(|fault| vec![fault])?)),
            None => (text, None),
        };
        let start = body.len() - body.trim_start().len();
        let body = body.trim();
        if body.is_empty() {
            return Err(vec![
                Fault::invalid("an expression is empty".into(), 0..text.len())
                    .help("write a path such as `config.name`, or `$$<` for a literal `$<`"),
            ]);
        }
        let (kind, mut references) = match path::read(body) {
            Some(written) if written.len == body.len() && !is_literal(&written) => {
                (Kind::Path, vec![reference(written, start).map_err(|fault| vec![fault])?])
            }
            _ => {
                let (cel, references) = Cel::compile(body, start)?;
                (Kind::Cel(cel), references)
            }
        };
        references.iter_mut().for_each(|one| one.optional |= default.is_some());
        let code = Self { text: text.trim().into(), kind, references, default };
        match code.is_constant().then(|| code.evaluate(&Nothing, None)) {
            Some(Err(failure)) => Err(vec![failure.fault(start..start + body.len())]),
            _ => Ok(code),
        }
    }

    /// Whether it reads nothing at all.
    fn is_constant(&self) -> bool {
        self.references.is_empty() && matches!(&self.kind, Kind::Cel(cel) if !cel.uses_status_function)
    }

    fn evaluate(&self, scope: &dyn Scope, status: Option<NeedsStatus>) -> Result<Value, Failure> {
        let value = match &self.kind {
            Kind::Path => self.references[0].find(scope).map(std::borrow::Cow::into_owned),
            Kind::Cel(cel) => cel.evaluate(&self.references, scope, status),
        };
        match (value, &self.default) {
            (Err(Failure { absent: true, .. }) | Ok(Value::Null), Some(default)) => Ok(default.clone()),
            (value, _) => value,
        }
    }
}

/// `true` is a value, not the name of something.
fn is_literal(written: &path::Written<'_>) -> bool {
    written.path.is_empty() && matches!(written.root, "true" | "false" | "null")
}

fn reference(written: path::Written<'_>, start: usize) -> Result<Reference, Fault> {
    let range = start..start + written.len;
    let Some(namespace) = Namespace::named(written.root) else {
        return Err(Fault::unknown_namespace(written.root, start..start + written.root.len()));
    };
    if written.path.is_empty() && !namespace.is_value() {
        return Err(Fault::unnamed(namespace, range));
    }
    Ok(Reference { namespace, path: written.path, range, optional: false })
}

/// The byte where a `??` stands outside of quotes and brackets.
fn split_default(text: &str) -> Option<usize> {
    let mut depth = 0_i32;
    outside_quotes(text).find_map(|(at, byte)| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        (depth == 0 && text.as_bytes()[at..].starts_with(b"??")).then_some(at)
    })
}

/// The bytes of an expression that are not part of a quoted text.
pub(super) fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut quote, mut escaped) = (None, false);
    text.bytes().enumerate().filter(move |&(_, byte)| match quote {
        Some(_) if escaped => {
            escaped = false;
            false
        }
        Some(end) => {
            escaped = byte == b'\\';
            quote = Some(end).filter(|&end| end != byte);
            false
        }
        None => {
            quote = Some(byte).filter(|byte| matches!(byte, b'"' | b'\''));
            quote.is_none()
        }
    })
}

/// Reads the literal after `??`: JSON, a quoted string, or a plain word.
fn read_default(text: &str, at: usize) -> Result<Value, Fault> {
    let literal = text[at..].trim();
    let fault = |message: String| Err(Fault::invalid(message, at - 2..text.len()));
    if literal.is_empty() {
        return fault("a literal is expected after `??`".into());
    }
    if let Ok(value) = serde_json::from_str(literal) {
        return Ok(value);
    }
    if let Some(quoted) = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''))
        && !quoted.replace("''", "").contains('\'')
    {
        return Ok(Value::String(quoted.replace("''", "'")));
    }
    let reads = path::read(literal).filter(|path| path.len == literal.len() && !path.path.is_empty());
    if reads.is_some_and(|path| Namespace::named(path.root).is_some()) {
        return Err(Fault::invalid(
            format!("the default after `??` is a literal, not a reference: `{literal}`"),
            at..text.len(),
        )
        .help("choose between two values with a condition, such as `has(config.a) ? config.a : config.b`"));
    }
    if literal.contains(['"', '\'', '(', ')', '[', ']', '{', '}', '?', '|', '&', '=', '<', '>']) {
        return fault(format!("the default after `??` is not a literal: `{literal}`"))
            .map_err(|fault| fault.help("write a word, a quoted text, a number, or JSON"));
    }
    Ok(match literal {
        "~" => Value::Null,
        word => Value::String(word.into()),
    })
}

impl Fault {
    pub(super) fn invalid(message: String, range: Range<usize>) -> Self {
        Self { code: "vwmp::invalid-expression", message, help: Vec::new(), range }
    }

    pub(super) fn costly(message: String, range: Range<usize>) -> Self {
        Self { code: "vwmp::expression-too-costly", message, help: Vec::new(), range }
    }

    pub(super) fn unknown_namespace(name: &str, range: Range<usize>) -> Self {
        let names = Namespace::ALL.map(Namespace::name);
        let known = match crate::diagnostic::nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("an expression begins with one of: {}", names.join(", ")),
        };
        Self {
            code: "vwmp::unknown-namespace",
            message: format!("`{name}` is not a known name"),
            help: vec![known],
            range,
        }
    }

    /// A namespace of which an expression must name one key.
    pub(super) fn unnamed(namespace: Namespace, range: Range<usize>) -> Self {
        let (what, example) = match namespace {
            Namespace::Env => ("the variable", "env.HOME".into()),
            Namespace::Secrets => ("the secret", "secrets.token".into()),
            _ => ("the step", format!("{namespace}['build']")),
        };
        Self::invalid(format!("name {what} literally after `{namespace}`"), range)
            .help(format!("write, for example, `{example}`"))
    }

    #[must_use]
    pub(super) fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    fn diagnostic(&self, source: &Arc<Source>, span: Span) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code, self.message.clone()).at(source, span, "");
        self.help.iter().fold(diagnostic, |diagnostic, line| diagnostic.help(line.clone()))
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.text())
    }
}

impl fmt::Debug for ExpressionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExpressionCache({} expressions)", self.0.borrow().len())
    }
}

impl PartialEq for Expression {
    /// Equal when the texts are; the places may differ.
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}
