//! YAML into a tree: the only part of the engine that knows the format.

mod build;
mod scalar;
mod syntax;

use std::sync::Arc;

use granit_parser::{Parser, options};
use serde_json::Value as Json;

use super::{Document, Value};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{Source, Span};
use build::Builder;
use scalar::Plain;

/// How much a text may hold.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Lists and mappings inside each other, aliases followed.
    pub(super) depth: usize,
    /// Values and keys as written.
    pub(super) nodes: usize,
    /// Values and keys that aliases may add to those.
    pub(super) aliased: u64,
    /// Findings after which the rest is not read.
    pub(super) findings: usize,
}

impl Limits {
    pub(super) const DEFAULT: Self = Self { depth: 64, nodes: 20_000_000, aliased: 1_000_000, findings: 100 };
}

pub(super) fn parse(source: Arc<Source>, limits: Limits) -> Result<Document, Diagnostics> {
    let mut options = options! {
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        flow_nesting_limit: limits.depth,
        block_nesting_limit: limits.depth,
    };
    options.set_emit_comments(false);
    let mut builder = Builder::new(&source, limits);
    for event in Parser::new_from_str_with_options(source.text(), options) {
        let more = match event {
            Ok((event, span)) => builder.take(event, &span),
            Err(error) => builder.stop(syntax::diagnostic(&source, &error, limits.depth)),
        };
        if more.is_break() {
            break;
        }
    }
    let (nodes, texts, findings) = builder.finish();
    if !findings.is_empty() {
        return Err(in_order(findings));
    }
    if nodes.is_empty() {
        return Err(empty(&source).into());
    }
    Ok(Document { source, nodes, texts })
}

/// The value of a text that stands alone, such as an environment variable: what it would be without quotes.
pub fn plain_value(text: &str) -> Json {
    match scalar::resolve(text.trim()) {
        _ if text.is_empty() => Json::from(""),
        Plain::Value(Value::Null) => Json::Null,
        Plain::Value(Value::Bool(value)) => Json::from(value),
        Plain::Value(Value::Int(value)) => Json::from(value),
        Plain::Value(Value::Float(value)) => Json::from(value),
        _ => Json::from(text),
    }
}

/// Findings about a whole mapping come when it ends; a reader wants them from top to bottom.
fn in_order(mut findings: Vec<Diagnostic>) -> Diagnostics {
    findings.sort_by_key(|one| one.labels.first().map(|label| label.span.start));
    findings.into_iter().collect()
}

fn empty(source: &Arc<Source>) -> Diagnostic {
    if let Some(tab) = syntax::indenting_tab(source.text(), 0) {
        return syntax::tab(source, tab);
    }
    Diagnostic::error("vwmp::empty-document", "the file is empty; a workflow was expected")
        .at(source, Span::default(), "")
        .help("a workflow has at least `steps:` with a list")
}
