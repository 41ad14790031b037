//! The schema of a handler's config as a part of the schema of a workflow.

use serde_json::{Map, Value, json};

/// Keywords whose value is one schema, a list of schemas, or a mapping to schemas.
const ONE: [&str; 6] =
    ["items", "additionalProperties", "not", "contains", "propertyNames", "unevaluatedProperties"];
const LIST: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const MAPPING: [&str; 4] = ["properties", "patternProperties", "$defs", "dependentSchemas"];

/// Where [`expression`] is in the whole schema.
const EXPRESSION: &str = "#/$defs/expression";

/// A config schema that can stand at `place`, such as `#/$defs/shell.run`.
///
/// Every value may be written as `$<…>` as well, and no key is required at the top, since
/// `vwmp_config.yaml` may have it.
pub(super) fn embedded(schema: &Value, place: &str) -> Value {
    let mut schema = inside(schema, place);
    if let Some(object) = schema.as_object_mut() {
        object.shift_remove("required");
        // Nothing behind `config:` is an empty mapping.
        if object.get("type").is_some_and(|name| name == "object") {
            object.insert("type".into(), json!(["object", "null"]));
        }
    }
    schema
}

/// A schema below the top: its references moved, its parts open to expressions.
fn inside(schema: &Value, place: &str) -> Value {
    let Value::Object(object) = schema else { return schema.clone() };
    let moved = |(key, value): (&String, &Value)| {
        let value = match (key.as_str(), value) {
            ("$ref", Value::String(target)) => target.replacen('#', place, 1).into(),
            (key, value) if ONE.contains(&key) => open(value, place),
            // The alternatives are one value: it is opened as a whole.
            (key, Value::Array(all)) if LIST.contains(&key) => {
                all.iter().map(|one| inside(one, place)).collect()
            }
            ("$defs", Value::Object(all)) => all.iter().map(|(k, v)| (k.clone(), inside(v, place))).collect(),
            (key, Value::Object(all)) if MAPPING.contains(&key) => {
                all.iter().map(|(name, one)| (name.clone(), open(one, place))).collect()
            }
            (_, value) => value.clone(),
        };
        (key.clone(), value)
    };
    // A default of nothing says nothing, and the YAML language server completes nothing where it finds one.
    let says = |(key, value): &(&String, &Value)| key.as_str() != "default" || !value.is_null();
    Value::Object(object.iter().filter(says).map(moved).collect())
}

/// A schema for a value that may be an expression instead.
fn open(schema: &Value, place: &str) -> Value {
    let schema = inside(schema, place);
    let Value::Object(object) = &schema else { return schema };
    if object.is_empty() || takes_any_text(object) {
        return schema;
    }
    let mut object = object.clone();
    let mut whole = Map::new();
    // An editor shows what stands beside the alternatives, whichever it is.
    for key in ["description", "default"] {
        whole.extend(object.shift_remove(key).map(|value| (key.to_owned(), value)));
    }
    whole.insert("anyOf".into(), json!([object, { "$ref": EXPRESSION }]));
    Value::Object(whole)
}

fn takes_any_text(object: &Map<String, Value>) -> bool {
    let text = match object.get("type") {
        Some(Value::String(name)) => name == "string",
        Some(Value::Array(names)) => names.iter().any(|name| name == "string"),
        _ => false,
    };
    text && !["enum", "const", "pattern", "format"].iter().any(|key| object.contains_key(*key))
}

/// A text with an expression in it.
pub(super) fn expression() -> Value {
    json!({
        "type": "string",
        "pattern": "\\$<[\\s\\S]*>|\\$\\{[\\s\\S]*\\}",
        "description": "An expression: $<parameters.…>, $<config.…>, $<step-outputs.…> and more.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_accept_expressions_and_references_are_moved() {
        let schema = json!({
            "type": "object",
            "required": ["count"],
            "properties": {
                "count": { "type": "integer", "description": "How many." },
                "file": { "type": "string", "minLength": 1 },
                "level": { "$ref": "#/$defs/Level" },
            },
            "$defs": { "Level": { "enum": ["a", "b"] } },
        });
        let expression = json!({ "$ref": EXPRESSION });
        assert_eq!(
            embedded(&schema, "#/$defs/x.y"),
            json!({
                "type": ["object", "null"],
                "properties": {
                    "count": { "description": "How many.", "anyOf": [{ "type": "integer" }, expression] },
                    "file": { "type": "string", "minLength": 1 },
                    "level": { "anyOf": [{ "$ref": "#/$defs/x.y/$defs/Level" }, expression] },
                },
                "$defs": { "Level": { "enum": ["a", "b"] } },
            })
        );
    }
}
