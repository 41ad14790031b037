//! How a parameter is declared, and what is wrong with that.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Parameter, as_type, with_nearest};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Key, Kind, NodeRef, overlaid};
use crate::schema::{Schema, dotted};
use crate::workflow::shape::{TYPES, Way, written};

/// The keys of a parameter that are not part of its JSON Schema.
const OWN_KEYS: [&str; 4] = ["required", "secret", "default", "description"];

/// The keywords of JSON Schema (2020-12) that make sense for one value.
const KEYWORDS: [&str; 38] = [
    "type",
    "enum",
    "const",
    "title",
    "examples",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "items",
    "prefixItems",
    "contains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "$defs",
];

/// Reads one parameter, which several layers may declare.
pub(super) fn declare(key: Key<'_>, nodes: &[NodeRef<'_>], found: &mut Diagnostics) -> Parameter {
    let parameters = Way::Key(&Way::Root, "parameters");
    let way = Way::Key(&parameters, key.text);
    let mappings: Vec<NodeRef<'_>> = nodes.iter().copied().filter(|node| node.kind() == Kind::Map).collect();
    let said = |key: &str| mappings.iter().find_map(|&node| written(node, key));
    let is_true = |key: &str| said(key).is_some_and(|node| node.kind() == Kind::Bool(true));
    let schema = schema(&way, &mappings, found);
    let parameter = Parameter {
        description: said("description").and_then(NodeRef::as_str).map(str::to_owned),
        required: is_true("required"),
        secret: is_true("secret"),
        default: said("default").map(|node| as_type(node, &schema)),
        compiled: Schema::new(&schema),
        schema,
        // An alias that is written elsewhere still has the place of the parameter.
        source: Arc::clone(nodes[0].source()),
        span: key.span,
    };
    if let Some(problem) = parameter.compiled.problem() {
        // Of types that are not known, the shape says what is wrong.
        if has_types(&parameter.schema) {
            let message = format!("`{way}` is no JSON Schema: {problem}");
            found.push(invalid_schema(message, nodes[0]));
        }
        return parameter;
    }
    if let Some(none) = said("enum").filter(|node| node.kind() == Kind::Seq && node.items().next().is_none())
    {
        found.push(invalid_schema(format!("`{way}.enum` is empty, so no value would do"), none));
    } else if let Some(node) = said("default") {
        found.extend(misfits_of_default(&parameter, &way, key.text, node));
    }
    parameter
}

fn schema(way: &Way<'_>, mappings: &[NodeRef<'_>], found: &mut Diagnostics) -> Value {
    let mut schema = Map::new();
    for (keyword, values) in overlaid(mappings) {
        if OWN_KEYS.contains(&keyword.text) {
            continue;
        }
        if !KEYWORDS.contains(&keyword.text) && !keyword.text.starts_with("x-") {
            found.push(unknown_key(way, keyword, values[0]));
        } else if let Some(value) = values.first() {
            schema.insert(keyword.text.to_owned(), value.to_json());
        }
    }
    Value::Object(schema)
}

fn invalid_schema(message: String, node: NodeRef<'_>) -> Diagnostic {
    Diagnostic::error("vwmp::invalid-schema", message).at(node.source(), node.span(), "")
}

fn misfits_of_default(
    parameter: &Parameter,
    way: &Way<'_>,
    name: &str,
    node: NodeRef<'_>,
) -> Vec<Diagnostic> {
    let Some(value) = &parameter.default else { return Vec::new() };
    let misfits = parameter.compiled.errors(value).into_iter().map(|error| {
        let path = format!("{way}.default{}", dotted(&error.pointer));
        let at = node.at_pointer(&error.pointer).unwrap_or(node);
        let problem = Diagnostic::error("vwmp::invalid-default", format!("`{path}`: {}", error.message));
        with_nearest(problem.at(at.source(), at.span(), ""), &error)
    });
    let short = parameter.too_short(name, value, "");
    misfits.chain(short.map(|problem| problem.at(node.source(), node.span(), ""))).collect()
}

/// Whether its types are known ones.
fn has_types(schema: &Value) -> bool {
    let known = |one: &Value| one.as_str().is_some_and(|name| TYPES.contains(&name));
    match &schema["type"] {
        Value::Null => true,
        Value::Array(several) => several.iter().all(known),
        one => known(one),
    }
}

fn unknown_key(way: &Way<'_>, key: Key<'_>, value: NodeRef<'_>) -> Diagnostic {
    let known = || OWN_KEYS.into_iter().chain(KEYWORDS);
    let problem = Diagnostic::error("vwmp::unknown-key", format!("`{way}` has no key `{}`", key.text));
    let problem = problem.at(value.source(), key.span, "").nearest(key.text, known());
    if problem.help.is_empty() {
        problem.help(
            "a parameter has `required`, `secret`, `default`, `description` and the keys of JSON Schema",
        )
    } else {
        problem
    }
}
