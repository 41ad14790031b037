//! The keys of a JSON Schema, a row each.

use serde_json::Value;

/// A key that can be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The key, with those around it: `retry.delay`, `files[].path`, `outputs.NAME.from`.
    pub(super) key: String,
    /// In words, such as `text` or `a list of numbers`.
    pub(super) kind: String,
    /// The default as JSON; `required` where it must be written.
    pub(super) default: String,
    pub(super) description: String,
}

/// Keys inside keys that are followed.
const MAX_DEPTH: usize = 4;

/// The keys of an object, nested ones included, in the order of the schema.
pub(super) fn rows(schema: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    collect(schema, schema, "", 0, &mut rows);
    rows
}

fn collect(root: &Value, schema: &Value, prefix: &str, depth: usize, rows: &mut Vec<Row>) {
    let schema = present(root, schema);
    if depth > MAX_DEPTH {
        return;
    }
    let required = |key: &str| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some(key)))
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let key = format!("{prefix}{name}");
        let default = match property.get("default") {
            Some(Value::Null) | None if required(name) => "required".to_owned(),
            Some(Value::Null) | None => String::new(),
            Some(default) => default.to_string(),
        };
        let description = text(property, root);
        rows.push(Row { key: key.clone(), kind: kind(root, property, 0), default, description });
        let property = present(root, property);
        collect(root, property, &format!("{key}."), depth + 1, rows);
        for (values, name) in [("items", "[]"), ("additionalProperties", ".NAME")] {
            if property[values].is_object() {
                collect(root, &property[values], &format!("{key}{name}."), depth + 1, rows);
            }
        }
    }
}

fn text(property: &Value, root: &Value) -> String {
    let own = property["description"].as_str();
    let text = own.or_else(|| followed(root, property)["description"].as_str()).unwrap_or_default();
    text.split("\n\n").next().unwrap_or_default().replace('\n', " ")
}

/// What a value is, in words.
pub(super) fn kind(root: &Value, schema: &Value, depth: usize) -> String {
    let schema = followed(root, schema);
    if depth > MAX_DEPTH {
        return "anything".into();
    }
    if let Some(options) = options(schema) {
        return options.join(", ");
    }
    let shapes = ["anyOf", "oneOf"].iter().find_map(|key| schema[*key].as_array());
    if let Some(shapes) = shapes {
        let mut kinds: Vec<String> = shapes.iter().map(|shape| kind(root, shape, depth + 1)).collect();
        kinds.retain(|kind| kind != "nothing");
        kinds.dedup();
        return either(&kinds);
    }
    match &schema["type"] {
        Value::String(name) => named(root, schema, name, depth),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            either(&names.map(|name| named(root, schema, name, depth)).collect::<Vec<_>>())
        }
        _ => "anything".into(),
    }
}

/// The values of a choice.
fn options(schema: &Value) -> Option<Vec<String>> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"));
    if let Some(constant) = schema.get("const") {
        return Some(vec![shown(constant)]);
    }
    if let Some(options) = schema["enum"].as_array() {
        return Some(options.iter().filter(|one| !one.is_null()).map(shown).collect());
    }
    let shapes = schema["oneOf"].as_array()?;
    let all: Option<Vec<_>> = shapes.iter().map(options).collect();
    Some(all?.concat())
}

fn named(root: &Value, schema: &Value, name: &str, depth: usize) -> String {
    match name {
        "string" => "text".into(),
        "integer" => "a whole number".into(),
        "number" => "a number".into(),
        "boolean" => "true or false".into(),
        "null" => "nothing".into(),
        "array" if schema["items"].is_object() => {
            format!("a list of {}", plural(&kind(root, &schema["items"], depth + 1)))
        }
        "array" => "a list".into(),
        _ if schema["additionalProperties"].is_object() => {
            let values = kind(root, &schema["additionalProperties"], depth + 1);
            let values = if values == "a mapping" { plural(&values) } else { values };
            format!("a mapping to {values}")
        }
        _ => "a mapping".into(),
    }
}

/// `text, a number or true or false`.
fn either(kinds: &[String]) -> String {
    match kinds {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => kinds.concat(),
    }
}

fn plural(kind: &str) -> String {
    match kind {
        "text" => "texts".into(),
        "text, a number or true or false" => "texts, numbers or truth values".into(),
        "a mapping" => "mappings".into(),
        "a number" => "numbers".into(),
        "a whole number" => "whole numbers".into(),
        other => other.to_owned(),
    }
}

/// The schema that a reference stands for, and of one that allows null the rest.
fn present<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let schema = followed(root, schema);
    let mut shapes = schema["anyOf"].as_array().into_iter().flatten().filter(|shape| shape["type"] != "null");
    match (shapes.next(), shapes.next()) {
        (Some(only), None) => followed(root, only),
        _ => schema,
    }
}

/// The schema that a reference stands for.
fn followed<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let mut schema = schema;
    for _ in 0..MAX_DEPTH {
        match schema["$ref"].as_str().and_then(|target| root.pointer(target.strip_prefix('#')?)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_told_in_words() {
        let root = json!({ "$defs": { "Level": { "oneOf": [{ "const": "patch" }, { "const": "minor" }] } } });
        for (schema, expected) in [
            (json!({ "type": "string" }), "text"),
            (json!({ "type": ["integer", "null"] }), "a whole number"),
            (json!({ "$ref": "#/$defs/Level" }), "`patch`, `minor`"),
            (json!({ "anyOf": [{ "$ref": "#/$defs/Level" }, { "type": "null" }] }), "`patch`, `minor`"),
            (json!({ "type": "array", "items": { "type": "string" } }), "a list of texts"),
            (json!({ "type": "object", "additionalProperties": { "type": "string" } }), "a mapping to text"),
            (json!(true), "anything"),
        ] {
            assert_eq!(kind(&root, &schema, 0), expected, "{schema}");
        }
    }

    #[test]
    fn nested_keys_have_rows_of_their_own() {
        let schema = json!({
            "properties": {
                "file": { "type": "string", "description": "The file.\nIt is read." },
                "retry": { "anyOf": [{ "$ref": "#/$defs/Retry" }, { "type": "null" }] },
                "outputs": { "type": "object", "additionalProperties": { "$ref": "#/$defs/Retry" } },
            },
            "required": ["file"],
            "$defs": { "Retry": {
                "type": "object",
                "properties": { "delay": { "type": "number", "default": 1 } },
            } },
        });
        let shown: Vec<_> = rows(&schema)
            .into_iter()
            .map(|row| [row.key, row.kind, row.default, row.description].join("|"))
            .collect();
        assert_eq!(
            shown,
            [
                "file|text|required|The file. It is read.",
                "retry|a mapping||",
                "retry.delay|a number|1|",
                "outputs|a mapping to mappings||",
                "outputs.NAME.delay|a number|1|",
            ]
        );
    }
}
