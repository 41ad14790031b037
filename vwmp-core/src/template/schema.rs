//! The little that reading a value needs to know of its JSON Schema: what is text, and what is a script.

use serde_json::Value;
use vwmp_interfaces::script::SCHEMA_MARK;

/// A part of a JSON Schema. References to other documents and dynamic ones say nothing.
#[derive(Clone, Copy)]
pub(super) struct Schema<'s> {
    root: &'s Value,
    here: Option<&'s Value>,
}

impl<'s> Schema<'s> {
    pub(super) fn new(root: &'s Value) -> Self {
        Self { root, here: Some(root) }
    }

    /// The schema that says nothing.
    pub(super) fn unknown() -> Self {
        Self { root: &Value::Null, here: None }
    }

    /// The schema of a map's entry.
    pub(super) fn entry(self, key: &str) -> Self {
        self.first(&|one| one.get("properties").and_then(|all| all.get(key)))
            .or(|| self.first(&|one| one.get("additionalProperties").filter(|one| one.is_object())))
    }

    /// The schema of a list's items.
    pub(super) fn item(self) -> Self {
        self.first(&|one| one.get("items"))
    }

    /// Whether only text (or null) is accepted.
    pub(super) fn is_text(self) -> bool {
        let types = self.types();
        types.contains(&"string") && types.iter().all(|&one| one == "string" || one == "null")
    }

    /// Whether the text is a script.
    pub(super) fn is_script(self) -> bool {
        self.is_marked(SCHEMA_MARK)
    }

    /// Whether a keyword is `true`.
    pub(super) fn is_marked(self, keyword: &str) -> bool {
        self.first(&|one| one.get(keyword).filter(|mark| **mark == Value::Bool(true))).here.is_some()
    }

    fn types(self) -> Vec<&'s str> {
        let mut found = Vec::new();
        self.walk(MAX_DEPTH, &mut |one| {
            match one.get("type") {
                Some(Value::String(name)) => found.push(name.as_str()),
                Some(Value::Array(names)) => found.extend(names.iter().filter_map(Value::as_str)),
                _ if one.get("$ref").is_none() && !ALTERNATIVES.iter().any(|key| one.get(key).is_some()) => {
                    found.push("any");
                }
                _ => {}
            }
            None
        });
        found
    }

    fn first(self, look: &dyn Fn(&'s Value) -> Option<&'s Value>) -> Self {
        Self { root: self.root, here: self.walk(MAX_DEPTH, &mut |one| look(one)) }
    }

    fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self.here.is_some() { self } else { other() }
    }

    /// Visits this schema, what it refers to and its alternatives, up to the first answer.
    fn walk(self, depth: usize, visit: &mut dyn FnMut(&'s Value) -> Option<&'s Value>) -> Option<&'s Value> {
        let here = self.here.filter(|_| depth > 0)?;
        if let Some(found) = visit(here) {
            return Some(found);
        }
        let target = here.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
        let target = target.and_then(|pointer| self.root.pointer(pointer));
        let branches = ALTERNATIVES.iter().filter_map(|key| here.get(key)?.as_array()).flatten();
        target
            .into_iter()
            .chain(branches)
            .find_map(|one| Schema { root: self.root, here: Some(one) }.walk(depth - 1, visit))
    }
}

const ALTERNATIVES: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// How many references and alternatives are followed before a schema is taken to go in circles.
const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_found_through_references_and_alternatives() {
        let root = json!({
            "$defs": { "Name": { "type": "string" }, "Loop": { "$ref": "#/$defs/Loop" } },
            "properties": {
                "plain": { "type": "string" },
                "optional": { "type": ["string", "null"] },
                "either": { "anyOf": [{ "$ref": "#/$defs/Name" }, { "type": "null" }] },
                "mixed": { "anyOf": [{ "$ref": "#/$defs/Name" }, { "type": "integer" }] },
                "both": { "type": ["string", "integer"] },
                "open": { "anyOf": [{ "type": "string" }, {}] },
                "loop": { "$ref": "#/$defs/Loop" },
                "list": { "type": "array", "items": { "$ref": "#/$defs/Name" } },
                "env": { "type": "object", "additionalProperties": { "type": "string" } },
                "run": { "type": "string", "x-vwmp-script": true },
            }
        });
        let schema = Schema::new(&root);
        for (key, expected) in [
            ("plain", true),
            ("optional", true),
            ("either", true),
            ("mixed", false),
            ("both", false),
            ("open", false),
            ("loop", false),
            ("missing", false),
        ] {
            assert_eq!(schema.entry(key).is_text(), expected, "{key}");
        }
        assert!(schema.entry("list").item().is_text());
        assert!(schema.entry("env").entry("ANY").is_text());
        assert!(schema.entry("run").is_script());
        assert!(!schema.entry("plain").is_script());
    }
}
