//! The defaults that a JSON Schema declares.

use serde_json::{Map, Value};

/// References inside references that are followed.
const MAX_DEPTH: usize = 16;

/// The defaults of the properties of an object, nested objects included.
pub(super) fn of(schema: &Value) -> Map<String, Value> {
    properties(schema, schema, 0)
}

fn properties(root: &Value, schema: &Value, depth: usize) -> Map<String, Value> {
    let declared = schema["properties"].as_object().into_iter().flatten();
    declared.filter_map(|(name, schema)| Some((name.clone(), default(root, schema, depth)?))).collect()
}

fn default(root: &Value, schema: &Value, depth: usize) -> Option<Value> {
    if let Some(default) = schema.get("default") {
        return Some(default.clone());
    }
    if depth == MAX_DEPTH {
        return None;
    }
    match schema["$ref"].as_str().and_then(|target| root.pointer(target.strip_prefix('#')?)) {
        Some(target) => default(root, target, depth + 1),
        None => nested(root, schema, depth + 1).map(Value::Object),
    }
}

/// An object that nobody wrote exists when its defaults are all that it needs.
fn nested(root: &Value, schema: &Value, depth: usize) -> Option<Map<String, Value>> {
    let defaults = properties(root, schema, depth);
    let mut required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    (!defaults.is_empty() && required.all(|name| defaults.contains_key(name))).then_some(defaults)
}
