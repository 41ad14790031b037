//! What is known before the run of the outputs of steps, and of a workflow.

use serde_json::{Map, Value, json};

use super::references::{Read, Readable};
use crate::diagnostic::Diagnostic;
use crate::template::{Namespace, Reference, Segment, Template};

/// What a step gives, or what else is read, as far as it is known.
pub(super) struct Given<'s> {
    pub(super) schema: &'s Value,
    /// Whether an object has no other properties than those that are named.
    pub(super) typed: bool,
}

impl Readable<'_> {
    /// Looks at what comes behind the id of a step.
    pub(super) fn inside_step(&self, step: usize, read: Read<'_>) -> Option<Diagnostic> {
        const FACTS: [&str; 3] = ["status", "error", "outputs"];
        let path = &read.reference.path[1..];
        let (path, from) = match read.reference.namespace {
            Namespace::StepOutputs => (path, 1),
            _ => match path.first() {
                None => return None,
                Some(Segment::Key(key)) if &**key == "outputs" => (&path[1..], 2),
                Some(Segment::Key(key)) if FACTS.contains(&&**key) => return None,
                Some(other) => {
                    return Some(read.unknown_name("steps.<id>", &other.to_string(), FACTS.into_iter()));
                }
            },
        };
        let given = self.given(step)?;
        match (self.fans_out(step), path) {
            // The output of a step that fans out is a list of those of its items.
            (true, [Segment::Index(_), ..]) => given.inside(read, from + 1),
            (true, [Segment::Key(key), ..]) => {
                let place = Shortened(read.reference, from).to_string();
                let message =
                    format!("`{place}` is a list with an output for each item, so it has no `{key}`");
                let problem = read.problem("vwmp::unknown-reference", message);
                Some(problem.help(format!("pick one by its number: `{place}[0].{key}`")))
            }
            _ => given.inside(read, from),
        }
    }

    /// What a step gives; each of its items, where it fans out.
    fn given(&self, step: usize) -> Option<Given<'_>> {
        let draft = &self.drafts[step];
        if let Some(callee) = &draft.callee {
            return Some(Given { schema: &callee.outputs, typed: true });
        }
        let handler = &draft.handler.as_ref()?.step;
        Some(Given { schema: &handler.info().output_schema, typed: handler.output_is_typed() })
    }

    fn fans_out(&self, step: usize) -> bool {
        self.drafts[step].extras.as_deref().is_some_and(|extras| extras.fan_out.is_some())
    }

    /// The JSON Schema of what a workflow gives to its callers.
    pub(super) fn schema_of_outputs(&self, outputs: &[(String, Template)]) -> Value {
        let properties: Map<String, Value> =
            outputs.iter().map(|(name, template)| (name.clone(), self.schema_of(template))).collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    fn schema_of(&self, template: &Template) -> Value {
        match template {
            Template::Literal(value) => json!({ "const": value, "type": type_of(value) }),
            Template::Text(_) | Template::Script(_) => json!({ "type": "string" }),
            Template::List(_) => json!({ "type": "array" }),
            Template::Map(_) => json!({ "type": "object" }),
            Template::Expression(expression) => match expression.references() {
                [reference] if !expression.computes() && !reference.optional => {
                    self.schema_at(reference).unwrap_or_default()
                }
                _ => json!({}),
            },
        }
    }

    /// What a reference to the output of a step gives; nothing where that is not known.
    fn schema_at(&self, reference: &Reference) -> Option<Value> {
        let (Namespace::StepOutputs, [Segment::Key(id), path @ ..]) =
            (reference.namespace, reference.path.as_slice())
        else {
            return None;
        };
        let step = self.ids.get(id)?;
        let schema = self.given(step)?.schema;
        let path = match (self.fans_out(step), path) {
            (true, [Segment::Index(_), rest @ ..]) => rest,
            (true, _) => return None,
            (false, path) => path,
        };
        let at = path.iter().try_fold(schema, |at, segment| match segment {
            Segment::Key(key) => referred(schema, at).get("properties")?.get(&**key),
            Segment::Index(_) => referred(schema, at).get("items"),
        });
        Some(whole(schema, at?, MOST_REFERENCES))
    }
}

impl Given<'_> {
    /// Looks at what a reference reads of it, behind so many segments of its path.
    pub(super) fn inside(&self, read: Read<'_>, from: usize) -> Option<Diagnostic> {
        let mut at = self.schema;
        for (i, segment) in read.reference.path.iter().enumerate().skip(from) {
            at = referred(self.schema, at);
            if let Some(kind) = without_parts(at) {
                let place = Shortened(read.reference, i);
                let message = format!("`{place}` is {kind}, which has no `{segment}`");
                return Some(read.problem("vwmp::unknown-reference", message));
            }
            let known = closed(at, self.typed)?;
            let Segment::Key(key) = segment else { return None };
            match known.get(&**key) {
                Some(next) => at = next,
                None => {
                    let place = Shortened(read.reference, i).to_string();
                    return Some(read.unknown_name(&place, key, known.keys().map(String::as_str)));
                }
            }
        }
        None
    }
}

/// The first part of a reference.
struct Shortened<'r>(&'r Reference, usize);

impl std::fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.0.path[..self.1].to_vec();
        Reference { path, ..self.0.clone() }.fmt(f)
    }
}

/// How many references within each other are followed.
const MOST_REFERENCES: usize = 8;

/// A part of a schema that stands alone: without references to the rest.
fn whole(root: &Value, part: &Value, most: usize) -> Value {
    let most = match (part.get("$ref"), most) {
        (None, most) => most,
        (Some(_), 0) => return json!({}),
        (Some(_), most) => most - 1,
    };
    match referred(root, part) {
        Value::Object(entries) => {
            let own = entries.iter().filter(|(key, _)| *key != "$defs");
            own.map(|(key, value)| (key.clone(), whole(root, value, most))).collect()
        }
        Value::Array(items) => items.iter().map(|item| whole(root, item, most)).collect(),
        other => other.clone(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The schema that a local reference leads to.
pub(super) fn referred<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut at = schema;
    for _ in 0..8 {
        let target = at["$ref"].as_str().and_then(|target| root.pointer(target.strip_prefix('#')?));
        match target {
            Some(target) => at = target,
            None => break,
        }
    }
    at
}

/// What a value is that has neither keys nor items.
fn without_parts(schema: &Value) -> Option<&'static str> {
    match schema["type"].as_str()? {
        "string" => Some("text"),
        "integer" | "number" => Some("a number"),
        "boolean" => Some("true or false"),
        _ => None,
    }
}

/// The properties of an object that has no others.
fn closed(schema: &Value, typed: bool) -> Option<&Map<String, Value>> {
    let properties = schema["properties"].as_object()?;
    let open = match schema.get("additionalProperties") {
        None => !typed,
        Some(additional) => *additional != Value::Bool(false),
    };
    let more = ["anyOf", "oneOf", "allOf", "patternProperties"];
    (!open && !more.iter().any(|key| schema.get(key).is_some())).then_some(properties)
}
