//! Values with `$<…>` in them: read once, checked before the run, rendered for every attempt.
//!
//! Reading order: `parse`, `expression`, `path`, `cel`, `scope`, `render`, `condition`.

mod cel;
mod cel_budget;
mod cel_tree;
mod cel_value;
mod condition;
mod expression;
pub(crate) mod marked;
mod parse;
mod path;
mod render;
mod schema;
mod scope;

pub use condition::Condition;
pub use expression::{Expression, ExpressionCache, NeedsStatus};
pub use parse::Place;
pub use path::{Reference, Segment};
pub use render::{Partial, RenderError};
pub(crate) use scope::Nothing;
pub use scope::{Namespace, Scope};
use serde_json::Value;

/// A value in which some text may stand for other values.
#[derive(Debug, Clone, PartialEq)]
pub enum Template {
    /// A value without any expression, at any depth.
    Literal(Value),
    /// One whole `$<…>`: renders to the value itself, whatever its type.
    Expression(Expression),
    /// Text with expressions in it: renders to a string.
    Text(Vec<Piece>),
    /// A script, in which values stay apart from the code: renders to `{"$script": […]}`.
    Script(Vec<Piece>),
    /// A list in which something is to be rendered.
    List(Vec<Template>),
    /// A map in which something is to be rendered, in the order it was written.
    Map(Vec<(String, Template)>),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A value that is put in.
    Expression(Expression),
}

impl Template {
    /// The value, when there is no expression in it.
    pub fn literal(&self) -> Option<&Value> {
        match self {
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The template of a key, when this is a map.
    ///
    /// A literal map gives none; its values are in [`Template::literal`].
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, one)| one),
            _ => None,
        }
    }

    /// All expressions, in the order they were written.
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    /// What all expressions read, each with the expression that reads it.
    pub fn references(&self) -> impl Iterator<Item = (&Expression, &Reference)> {
        self.expressions()
            .into_iter()
            .flat_map(|one| one.references().iter().map(move |reference| (one, reference)))
    }

    fn collect<'t>(&'t self, found: &mut Vec<&'t Expression>) {
        match self {
            Self::Literal(_) => {}
            Self::Expression(expression) => found.push(expression),
            Self::Text(pieces) | Self::Script(pieces) => {
                found.extend(pieces.iter().filter_map(|piece| match piece {
                    Piece::Expression(expression) => Some(expression),
                    Piece::Text(_) => None,
                }));
            }
            Self::List(items) => items.iter().for_each(|item| item.collect(found)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.collect(found)),
        }
    }
}

impl From<Value> for Template {
    fn from(value: Value) -> Self {
        Self::Literal(value)
    }
}

#[cfg(test)]
mod tests;
