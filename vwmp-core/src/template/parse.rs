//! From text and documents to templates.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::template::{ScanError, SegmentKind, has_expressions, segments};

use super::expression::{Expression, ExpressionCache};
use super::schema::Schema;
use super::{Piece, Template};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Kind, NodeRef, overlaid};
use crate::source::{Source, Span};

/// Where a text was written.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The source it stands in.
    pub source: &'a Arc<Source>,
    /// All of it, quotes included.
    pub span: Span,
    /// The byte of the source where the text itself begins, when it stands there as it is, without escapes.
    pub text_at: Option<u32>,
}

impl<'a> Place<'a> {
    /// The place of a document's scalar.
    pub fn of(node: NodeRef<'a>) -> Self {
        Self { source: node.source(), span: node.span(), text_at: node.offset_of_text() }
    }

    /// The place of an expression, which mostly stands in the source as it is where the text around it has escapes or
    /// is indented. It is looked for in `rest`, which is shortened by what comes before its end.
    fn of_expression(&self, text: &str, range: &Range<usize>, rest: &mut Span) -> Self {
        if self.text_at.is_some() {
            return *self;
        }
        let (written, ahead) = (&text[range.clone()], self.source.slice(*rest));
        let mut found = ahead.match_indices(written).map(|(at, _)| at);
        let Some(at) = found.find(|&at| !ahead[..at].ends_with('$')) else {
            // It goes over several lines. To look for the others from here again and again could take for ever.
            rest.end = rest.start;
            return *self;
        };
        let start = rest.start + at as u32;
        rest.start = start + written.len() as u32;
        Self { text_at: start.checked_sub(range.start as u32), ..*self }
    }

    /// Where a part of the text is: exactly, or else the whole of it.
    pub(super) fn span_of(&self, range: Range<usize>) -> Span {
        match self.text_at {
            Some(at) => Span { start: at, end: at }.part(range),
            None => self.span,
        }
    }
}

impl Template {
    /// Reads a value of a document.
    ///
    /// # Errors
    /// All expressions in it that can't be read.
    pub fn parse(node: NodeRef<'_>, cache: &ExpressionCache) -> Result<Self, Diagnostics> {
        Self::parse_with_schema(node, None, cache)
    }

    /// Reads a value of a document whose JSON Schema is known: where the schema asks for text alone, `1.10` is the
    /// text "1.10", and where it asks for a script, expressions stay apart from the code.
    ///
    /// # Errors
    /// All expressions in it that can't be read.
    pub fn parse_with_schema(
        node: NodeRef<'_>,
        schema: Option<&Value>,
        cache: &ExpressionCache,
    ) -> Result<Self, Diagnostics> {
        let mut reader = Reader { cache, found: Diagnostics::default() };
        let template = reader.node(node, schema.map_or_else(Schema::unknown, Schema::new));
        reader.found.into_result(template).map(|(template, _)| template)
    }

    /// Reads mappings that lie over each other, the highest first; see [`Template::parse_with_schema`].
    ///
    /// # Errors
    /// All expressions in them that can't be read, and what is left without them.
    pub fn parse_layers(
        layers: &[NodeRef<'_>],
        schema: Option<&Value>,
        cache: &ExpressionCache,
    ) -> Result<Self, (Self, Diagnostics)> {
        let mut reader = Reader { cache, found: Diagnostics::default() };
        let template = reader.layers(layers, schema.map_or_else(Schema::unknown, Schema::new));
        if reader.found.is_empty() { Ok(template) } else { Err((template, reader.found)) }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// All expressions in it that can't be read.
    pub fn parse_text(text: &str, place: &Place<'_>, cache: &ExpressionCache) -> Result<Self, Diagnostics> {
        let mut reader = Reader { cache, found: Diagnostics::default() };
        let template = reader.text(text, || *place, Schema::unknown());
        reader.found.into_result(template).map(|(template, _)| template)
    }
}

/// One pass over a value; collects what is wrong with it.
struct Reader<'c> {
    cache: &'c ExpressionCache,
    found: Diagnostics,
}

impl Reader<'_> {
    fn layers(&mut self, layers: &[NodeRef<'_>], schema: Schema<'_>) -> Template {
        match layers {
            [one] => self.node(*one, schema),
            [first, ..] if first.kind() != Kind::Map => self.node(*first, schema),
            _ => {
                let entries = overlaid(layers).into_iter();
                map(entries
                    .map(|(key, values)| (key.text.to_owned(), self.layers(&values, schema.entry(key.text))))
                    .collect())
            }
        }
    }

    fn node(&mut self, node: NodeRef<'_>, schema: Schema<'_>) -> Template {
        match node.kind() {
            Kind::Str(text) => self.text(text, || Place::of(node), schema),
            Kind::Seq => {
                let schema = schema.item();
                list(node.items().map(|item| self.node(item, schema)).collect())
            }
            Kind::Map => {
                let entries = node.entries();
                map(entries
                    .map(|(key, value)| (key.text.to_owned(), self.node(value, schema.entry(key.text))))
                    .collect())
            }
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) if schema.is_text() => {
                Template::Literal(Value::String(node.raw().to_owned()))
            }
            _ => Template::Literal(node.to_json()),
        }
    }

    fn text<'p>(&mut self, text: &str, place: impl FnOnce() -> Place<'p>, schema: Schema<'_>) -> Template {
        if !has_expressions(text) {
            return Template::Literal(Value::String(text.to_owned()));
        }
        let place = place();
        let parts = match segments(text) {
            Ok(parts) => parts,
            Err(error) => {
                self.found.push(unclosed(&error, &place));
                return Template::Literal(Value::Null);
            }
        };
        let mut pieces = Vec::new();
        let mut rest = place.span;
        for part in parts {
            match part.kind {
                SegmentKind::Text => push_text(&mut pieces, part.text),
                SegmentKind::Expression => {
                    let inside = part.range.start + 2..part.range.end - 1;
                    let place = place.of_expression(text, &part.range, &mut rest);
                    match self.expression(part.text, inside, &place) {
                        Ok(expression) => pieces.push(Piece::Expression(expression)),
                        Err(found) => self.found.extend(found),
                    }
                }
            }
        }
        of_pieces(pieces, schema.is_script())
    }

    fn expression(
        &self,
        text: &str,
        range: Range<usize>,
        place: &Place<'_>,
    ) -> Result<Expression, Diagnostics> {
        let expression = Expression::parse(text, range, place, self.cache)?;
        if expression.uses_status_function() {
            let message = "`succeeded()`, `failed()` and `always()` can be used only in `when`";
            let found = Diagnostic::error("vwmp::invalid-expression", message);
            return Err(found
                .at(place.source, expression.span(), "")
                .help("read `steps.<id>.status` instead")
                .into());
        }
        Ok(expression)
    }
}

/// What is wrong with the brackets of an expression, as a diagnostic.
pub(super) fn unclosed(error: &ScanError, place: &Place<'_>) -> Diagnostic {
    Diagnostic::error("vwmp::unclosed-expression", error.to_string())
        .at(place.source, place.span_of(error.range.clone()), "")
        .help(error.help())
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

fn of_pieces(mut pieces: Vec<Piece>, script: bool) -> Template {
    match pieces.as_mut_slice() {
        [Piece::Text(text)] => Template::Literal(Value::String(std::mem::take(text))),
        _ if script => Template::Script(pieces),
        [Piece::Expression(expression)] => Template::Expression(expression.clone()),
        _ => Template::Text(pieces),
    }
}

/// A list; a literal one when all of its items are.
fn list(items: Vec<Template>) -> Template {
    if items.iter().any(|item| item.literal().is_none()) {
        return Template::List(items);
    }
    Template::Literal(items.into_iter().map(into_literal).collect())
}

/// A map; a literal one when all of its values are.
fn map(entries: Vec<(String, Template)>) -> Template {
    if entries.iter().any(|(_, value)| value.literal().is_none()) {
        return Template::Map(entries);
    }
    Template::Literal(entries.into_iter().map(|(key, value)| (key, into_literal(value))).collect())
}

fn into_literal(template: Template) -> Value {
    match template {
        Template::Literal(value) => value,
        _ => Value::Null,
    }
}
