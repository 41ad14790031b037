//! What is given when a run starts: declared, read from text, and bound.

mod declare;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use self::declare::declare;
use super::expand::Texts;
use super::shape::wrong_type;
use crate::config;
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::document::{Document, Kind, NodeRef, overlaid, plain_value};
use crate::masking::{SHORTEST, texts_in};
use crate::schema::{Schema, SchemaError, dotted, without_value};
use crate::source::{Source, Span};

/// A declared parameter.
pub struct Parameter {
    /// One line for people.
    pub description: Option<String>,
    /// Whether it has to be given.
    pub required: bool,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// Its value when it is not given.
    pub default: Option<Value>,
    /// What its value has to be: a JSON Schema.
    pub schema: Value,
    compiled: Schema,
    source: Arc<Source>,
    span: Span,
}

/// The parameters of a workflow, in the order written.
pub type Parameters = IndexMap<String, Parameter>;

/// Given values by name, each with how it was given.
pub type Given = BTreeMap<String, (Value, String)>;

/// The values of a run.
pub(super) struct Bound {
    pub(super) values: Map<String, Value>,
    /// Those that were given.
    pub(super) given: Vec<config::Parameter>,
    pub(super) secrets: Vec<String>,
}

/// Reads the declared parameters.
pub(super) fn read(texts: &Texts, found: &mut Diagnostics) -> Parameters {
    let layers: Vec<NodeRef<'_>> = texts.all("parameters").filter(|node| node.kind() == Kind::Map).collect();
    let declared = overlaid(&layers);
    declared.into_iter().map(|(key, nodes)| (key.text.to_owned(), declare(key, &nodes, found))).collect()
}

/// The value of a node; where only text is accepted, a number is the text it is written as.
fn as_type(node: NodeRef<'_>, schema: &Value) -> Value {
    match node.kind() {
        Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) if schema["type"] == "string" => node.raw().into(),
        _ => node.to_json(),
    }
}

/// The value that a text from a command line stands for: of the type that the schema asks for, if it can be read so.
pub fn read_parameter(text: &str, schema: &Value) -> Value {
    if let Some(options) = schema["enum"].as_array()
        && let Some(option) = options.iter().find(|option| is_written(option, text))
    {
        return option.clone();
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ if schema["enum"].is_array() => vec!["string"],
        _ => return plain_value(text),
    };
    // Text accepts everything, so it comes last.
    let read = types.iter().filter(|name| **name != "string").find_map(|name| read_as(text, name));
    read.unwrap_or_else(|| text.into())
}

fn read_as(text: &str, name: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text.trim()).ok()?;
    let fits = match name {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => value.is_null(),
    };
    fits.then_some(value)
}

fn is_written(option: &Value, text: &str) -> bool {
    let written = option.as_str().map_or_else(|| option.to_string(), str::to_owned);
    written == text
}

/// Puts given values and defaults together.
///
/// # Errors
/// Every parameter that is not declared, that is missing, or whose value does not fit.
pub(super) fn bind(declared: &Parameters, given: &Given) -> Result<Bound, Diagnostics> {
    let mut found = Diagnostics::default();
    for (name, (value, how)) in given {
        match declared.get(name) {
            None => found.push(undeclared(declared, name, how)),
            Some(parameter) => {
                let misfits = parameter.misfits(name, value, how);
                let fits = misfits.is_empty();
                found.extend(misfits);
                found.extend(parameter.too_short(name, value, how).filter(|_| fits));
            }
        }
    }
    let by_default = declared.iter().filter(|(name, _)| !given.contains_key(*name));
    found.extend(by_default.filter_map(|(name, one)| one.too_short(name, one.default.as_ref()?, "")));
    let missing: Vec<_> = declared
        .iter()
        .filter(|(name, one)| one.required && one.default.is_none() && !given.contains_key(*name))
        .collect();
    found.extend(required(&missing));
    if found.has_errors() { Err(found) } else { Ok(put_together(declared, given)) }
}

/// Puts given values and defaults together, whatever they are; those of parameters that are not declared are left out.
pub(super) fn put_together(declared: &Parameters, given: &Given) -> Bound {
    let value = |name: &String, one: &Parameter| {
        let given = given.get(name).map(|(value, _)| value);
        given.or(one.default.as_ref()).cloned().unwrap_or_default()
    };
    let values: Map<_, _> = declared.iter().map(|(name, one)| (name.clone(), value(name, one))).collect();
    let mut secrets = Vec::new();
    declared.iter().filter(|(_, one)| one.secret).for_each(|(name, _)| texts_in(&values[name], &mut secrets));
    let given = given.iter().filter_map(|(name, (value, how))| {
        let how = if declared.get(name)?.secret { concealed(how) } else { how.clone() };
        Some(config::Parameter { name: name.clone(), value: value.clone(), how })
    });
    Bound { given: given.collect(), values, secrets }
}

fn undeclared(declared: &Parameters, name: &str, how: &str) -> Diagnostic {
    let message = format!("the workflow has no parameter `{name}`{}", told(&concealed(how)));
    let problem = Diagnostic::error("vwmp::unknown-parameter", message);
    let known: Vec<&str> = declared.keys().map(String::as_str).collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => problem.help("it declares none"),
        None => problem.help(format!("its parameters are {}", known.join(", "))),
    }
}

fn required(missing: &[(&String, &Parameter)]) -> Option<Diagnostic> {
    let names: Vec<String> = missing.iter().map(|(name, _)| format!("`{name}`")).collect();
    let (first, _) = missing.first()?;
    let message = match names.as_slice() {
        [one] => format!("the parameter {one} is required"),
        several => format!("the parameters {} are required", several.join(", ")),
    };
    let places =
        missing.iter().fold(Diagnostic::error("vwmp::missing-parameter", message), |problem, (_, one)| {
            problem.at(&one.source, one.span, one.description.clone().unwrap_or_default())
        });
    Some(places.help(format!("give it with `-p {first}=VALUE`")))
}

impl Parameter {
    /// Shows where it is declared.
    pub(super) fn declared(&self, problem: Diagnostic) -> Diagnostic {
        problem.at(&self.source, self.span, "declared here")
    }

    /// A secret that could be masked only together with ordinary words.
    fn too_short(&self, name: &str, value: &Value, how: &str) -> Option<Diagnostic> {
        let length = match value {
            Value::String(text) => text.len(),
            Value::Number(number) => number.to_string().len(),
            _ => return None,
        };
        (self.secret && (1..SHORTEST).contains(&length)).then(|| {
            let message = format!(
                "parameter `{name}`{}: it is secret, and one of fewer than {SHORTEST} bytes can't be masked: it would \
                 hide ordinary words",
                told(&concealed(how))
            );
            Diagnostic::error("vwmp::short-secret", message).help("use a longer secret")
        })
    }

    /// What about a value does not fit; `how` it was given may be empty.
    pub fn misfits(&self, name: &str, value: &Value, how: &str) -> Vec<Diagnostic> {
        let concealed_how = concealed(how);
        let how = told(if self.secret { &concealed_how } else { how });
        let problem = |error: SchemaError| {
            let path = format!("{name}{}", dotted(&error.pointer));
            let message = if self.secret { without_value(&error.message) } else { &error.message };
            let message = format!("parameter `{path}`{how}: {message}");
            let problem = Diagnostic::error("vwmp::invalid-parameter", message);
            match value {
                _ if self.secret => problem,
                Value::String(text) if text.starts_with(['{', '[']) && error.pointer.is_empty() => {
                    problem.help("write it as JSON: `{\"key\": 1}`, `[1, \"two\"]`")
                }
                _ => with_nearest(problem, &error),
            }
        };
        let short = self.too_short(name, value, &concealed_how);
        self.compiled.errors(value).into_iter().map(problem).chain(short).collect()
    }
}

fn with_nearest(problem: Diagnostic, error: &SchemaError) -> Diagnostic {
    match &error.nearest {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    }
}

/// How a value was given, without the value: `-p token=…`.
fn concealed(how: &str) -> String {
    how.split_once('=').map_or_else(|| how.to_owned(), |(before, _)| format!("{before}=…"))
}

fn told(how: &str) -> String {
    if how.is_empty() { String::new() } else { format!(" ({how})") }
}

/// Reads a file of parameters: a mapping of names to values.
///
/// # Errors
/// When it is no mapping.
pub fn parameters_of(document: &Document) -> Result<Given, Diagnostics> {
    let root = document.root();
    if root.kind() != Kind::Map {
        return Err(wrong_type(&root.source().name(), root, "a mapping of parameters").into());
    }
    let given = root.entries().map(|(key, node)| {
        let how = format!("{}:{}", node.source().name(), node.source().position(key.span.start));
        (key.text.to_owned(), (node.to_json(), how))
    });
    Ok(given.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_becomes_what_the_schema_asks_for() {
        for (text, schema, expected) in [
            ("3", json!({ "type": "integer" }), json!(3)),
            ("3", json!({ "type": "string" }), json!("3")),
            ("3.5", json!({ "type": "number" }), json!(3.5)),
            ("3.5", json!({ "type": "integer" }), json!("3.5")),
            ("true", json!({ "type": "boolean" }), json!(true)),
            ("yes", json!({ "type": "boolean" }), json!("yes")),
            ("[1, 2]", json!({ "type": "array" }), json!([1, 2])),
            ("{\"a\": 1}", json!({ "type": "object" }), json!({ "a": 1 })),
            ("3", json!({ "type": ["string", "integer"] }), json!(3)),
            ("x", json!({ "type": ["string", "integer"] }), json!("x")),
            ("2", json!({ "enum": [1, 2] }), json!(2)),
            ("2", json!({ "enum": ["1", "2"] }), json!("2")),
            ("3", json!({}), json!(3)),
            ("1.10", json!({ "type": "string" }), json!("1.10")),
        ] {
            assert_eq!(read_parameter(text, &schema), expected, "{text} as {schema}");
        }
    }

    #[test]
    fn secrets_are_not_told() {
        assert_eq!(concealed("-p token=hunter2"), "-p token=…");
        assert_eq!(without_value("expected text, found the number 3"), "expected text");
        assert_eq!(without_value("\"hunter2\" is too long"), "the value does not fit its schema");
    }
}
