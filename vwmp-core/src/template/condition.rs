//! `when`: an expression that says whether a step runs.

use std::ops::Range;

use serde_json::Value;
use vwmp_interfaces::template::{SegmentKind, segments};

use super::expression::{Expression, ExpressionCache, NeedsStatus};
use super::parse::{Place, unclosed};
use super::path::{Failure, Reference, kind};
use super::render::RenderError;
use super::scope::{Namespace, Scope};
use crate::diagnostic::Diagnostics;

/// A condition. It may also ask how the needs of its step ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(Expression);

impl Condition {
    /// Reads a condition: an expression, which may stand in one whole `$<…>`.
    ///
    /// # Errors
    /// What can't be read in it.
    pub fn parse(text: &str, place: &Place<'_>, cache: &ExpressionCache) -> Result<Self, Diagnostics> {
        let range = inside(text, place)?;
        let condition = Expression::parse(&text[range.clone()], range, place, cache).map(Self)?;
        match condition.0.constant() {
            Some(value) if !value.is_boolean() => Err(condition.not_a_boolean(&value).diagnostic().into()),
            _ => Ok(condition),
        }
    }

    /// As written, without `$<` and `>`.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// The expression, with its place.
    pub fn expression(&self) -> &Expression {
        &self.0
    }

    /// What it reads.
    pub fn references(&self) -> &[Reference] {
        self.0.references()
    }

    /// Whether it calls `succeeded()`, `failed()` or `always()`. One that does not means `succeeded() && (…)`,
    /// which is up to the caller.
    pub fn uses_status_function(&self) -> bool {
        self.0.uses_status_function()
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// When it reads what is not there, or does not give true or false.
    pub fn evaluate(&self, scope: &dyn Scope, status: NeedsStatus) -> Result<bool, RenderError> {
        let value =
            self.0.evaluate(scope, Some(status)).map_err(|failure| RenderError::new(&self.0, failure))?;
        match value {
            Value::Bool(holds) => Ok(holds),
            other => Err(self.not_a_boolean(&other)),
        }
    }

    /// It gives something else than true or false.
    fn not_a_boolean(&self, value: &Value) -> RenderError {
        let shown = match value {
            Value::Null => "null".to_owned(),
            _ if self.0.reads(Namespace::Secrets) => format!("a {}", kind(value)),
            Value::Array(_) | Value::Object(_) => format!("a {}", kind(value)),
            value => format!("the {} {}", kind(value), shortened(&value.to_string())),
        };
        let failure = Failure {
            message: format!("a condition gives true or false; this one gives {shown}"),
            help: Some("compare it, for example with `==` or `!=`".into()),
            absent: false,
        };
        RenderError::new(&self.0, failure)
    }
}

/// The bytes of the expression: all of the text, or what stands in its only `$<…>`.
fn inside(text: &str, place: &Place<'_>) -> Result<Range<usize>, Diagnostics> {
    let trimmed = text.trim();
    if !trimmed.starts_with("$<") && !trimmed.starts_with("${") {
        return Ok(0..text.len());
    }
    let start = text.len() - text.trim_start().len();
    let whole = start..start + trimmed.len();
    let parts = segments(trimmed).map_err(|mut error| {
        error.range = error.range.start + start..error.range.end + start;
        unclosed(&error, place)
    })?;
    match parts.as_slice() {
        [one] if one.kind == SegmentKind::Expression => Ok(whole.start + 2..whole.end - 1),
        _ => Ok(0..text.len()),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
