//! From templates and a scope to values. What comes out is data: nothing in it is evaluated again.

use serde_json::{Value, json};
use thiserror::Error;

use super::expression::Expression;
use super::path::Failure;
use super::scope::Scope;
use super::{Piece, Template};
use crate::diagnostic::Diagnostic;

/// An expression that has no value.
#[derive(Debug, Clone, Error)]
#[error("`{}` at {}: {message}{}", .expression.text(), .expression.place(), .help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default())]
pub struct RenderError {
    /// Which one, and where it was written.
    pub expression: Expression,
    /// Why.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A value that was rendered before the run, as far as it can be.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// The value; expressions that can't be known yet stand in it as written.
    pub value: Value,
    /// The expressions that were left as written.
    pub unknown: Vec<String>,
}

impl RenderError {
    pub(super) fn new(expression: &Expression, failure: Failure) -> Self {
        let Failure { message, help, .. } = failure;
        Self { expression: expression.clone(), message, help }
    }

    /// The same, for a report of what is wrong with a workflow.
    pub fn diagnostic(&self) -> Diagnostic {
        let found =
            Diagnostic::error("vwmp::no-value", format!("`{}`: {}", self.expression.text(), self.message))
                .at(self.expression.source(), self.expression.span(), "");
        match &self.help {
            Some(help) => found.help(help),
            None => found,
        }
    }
}

impl Template {
    /// The value with every expression evaluated.
    ///
    /// # Errors
    /// The first expression that has no value, or that is null inside a longer text.
    pub fn render(&self, scope: &dyn Scope) -> Result<Value, RenderError> {
        Renderer { scope, partial: None }.value(self)
    }

    /// The value as far as it is known before the run. An expression that reads what comes into being only during the
    /// run, and that the scope does not have, is left as written.
    ///
    /// # Errors
    /// The first expression that could be known and has no value.
    pub fn render_partial(&self, scope: &dyn Scope) -> Result<Partial, RenderError> {
        let mut unknown = Vec::new();
        let value = Renderer { scope, partial: Some(&mut unknown) }.value(self)?;
        Ok(Partial { value, unknown })
    }
}

struct Renderer<'r> {
    scope: &'r dyn Scope,
    /// Where the expressions are noted that are left as written, if any may be.
    partial: Option<&'r mut Vec<String>>,
}

impl Renderer<'_> {
    fn value(&mut self, template: &Template) -> Result<Value, RenderError> {
        Ok(match template {
            Template::Literal(value) => value.clone(),
            Template::Expression(expression) => match self.unknown(expression) {
                Some(written) => Value::String(written),
                None => self.evaluate(expression)?,
            },
            Template::Text(pieces) => Value::String(self.text(pieces)?),
            Template::Script(pieces) => self.script(pieces)?,
            Template::List(items) => {
                Value::Array(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)
            }
            Template::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| Ok((key.clone(), self.value(value)?)));
                Value::Object(entries.collect::<Result<_, _>>()?)
            }
        })
    }

    fn text(&mut self, pieces: &[Piece]) -> Result<String, RenderError> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Expression(expression) => match self.unknown(expression) {
                    Some(written) => text.push_str(&written),
                    None => match self.present(expression)? {
                        Value::String(value) => text.push_str(&value),
                        value => text.push_str(&value.to_string()),
                    },
                },
            }
        }
        Ok(text)
    }

    fn script(&mut self, pieces: &[Piece]) -> Result<Value, RenderError> {
        let pieces = pieces.iter().map(|piece| {
            Ok(match piece {
                Piece::Text(code) => Value::String(code.clone()),
                Piece::Expression(expression) => {
                    let value = match self.unknown(expression) {
                        Some(written) => Value::String(written),
                        None => self.present(expression)?,
                    };
                    json!({ "expression": expression.text(), "value": value })
                }
            })
        });
        Ok(json!({ "$script": pieces.collect::<Result<Vec<_>, _>>()? }))
    }

    /// The value inside a text, where null is most likely a mistake.
    fn present(&self, expression: &Expression) -> Result<Value, RenderError> {
        let value = self.evaluate(expression)?;
        if !value.is_null() {
            return Ok(value);
        }
        let help = Some(format!("give a default: `$<{} ?? \"\">`", expression.text()));
        let failure =
            Failure { message: "it is null, which can't stand in a text".into(), help, absent: true };
        Err(RenderError::new(expression, failure))
    }

    fn evaluate(&self, expression: &Expression) -> Result<Value, RenderError> {
        expression.evaluate(self.scope, None).map_err(|failure| RenderError::new(expression, failure))
    }

    /// The expression as written, when it can't be known yet.
    fn unknown(&mut self, expression: &Expression) -> Option<String> {
        let unknown = self.partial.as_mut()?;
        let scope = self.scope;
        let missing = expression.references().iter().any(|reference| !scope.is_known(reference));
        missing.then(|| {
            unknown.push(expression.text().to_owned());
            format!("$<{}>", expression.text())
        })
    }
}
