//! The parts of a config that its JSON Schema marks: secrets, and what ends up in the arguments of a process.

use std::borrow::Cow;

use serde_json::Value;
use vwmp_interfaces::secret::ARGUMENT_MARK;

use super::Template;
use super::schema::Schema;

/// The keyword of JSON Schema that says that a value must not be shown.
pub(crate) const SECRET: &str = "writeOnly";

/// The keyword that says that a value becomes an argument of a process.
pub(crate) const ARGUMENT: &str = ARGUMENT_MARK;

/// The outermost parts of a config whose schema says `true` to a keyword, each with its JSON pointer.
pub(crate) fn values<'v>(config: &'v Value, schema: &Value, keyword: &str) -> Vec<(String, &'v Value)> {
    let mut found = Vec::new();
    in_value(config, Schema::new(schema), keyword, &mut String::new(), &mut found);
    found
}

/// Whether a schema says `true` to a keyword, wherever.
pub(crate) fn is_anywhere(schema: &Value, keyword: &str) -> bool {
    match schema {
        Value::Object(entries) => {
            entries.get(keyword) == Some(&Value::Bool(true))
                || entries.values().any(|entry| is_anywhere(entry, keyword))
        }
        Value::Array(items) => items.iter().any(|item| is_anywhere(item, keyword)),
        _ => false,
    }
}

impl Template {
    /// The outermost parts whose schema says `true` to a keyword, each with its JSON pointer.
    pub(crate) fn marked(&self, schema: &Value, keyword: &str) -> Vec<(String, Cow<'_, Self>)> {
        let mut found = Vec::new();
        self.in_template(Schema::new(schema), keyword, &mut String::new(), &mut found);
        found
    }

    fn in_template<'t>(
        &'t self,
        schema: Schema<'_>,
        keyword: &str,
        pointer: &mut String,
        found: &mut Vec<(String, Cow<'t, Self>)>,
    ) {
        if schema.is_marked(keyword) {
            found.push((pointer.clone(), Cow::Borrowed(self)));
            return;
        }
        match self {
            Self::Literal(value) => {
                let mut values = Vec::new();
                in_value(value, schema, keyword, pointer, &mut values);
                found.extend(values.into_iter().map(|(at, value)| (at, Cow::Owned(value.clone().into()))));
            }
            Self::Expression(_) | Self::Text(_) | Self::Script(_) => {}
            Self::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    let at = descend(pointer, &i.to_string());
                    item.in_template(schema.item(), keyword, pointer, found);
                    pointer.truncate(at);
                }
            }
            Self::Map(entries) => {
                for (key, entry) in entries {
                    let at = descend(pointer, key);
                    entry.in_template(schema.entry(key), keyword, pointer, found);
                    pointer.truncate(at);
                }
            }
        }
    }
}

fn in_value<'v>(
    value: &'v Value,
    schema: Schema<'_>,
    keyword: &str,
    pointer: &mut String,
    found: &mut Vec<(String, &'v Value)>,
) {
    if schema.is_marked(keyword) {
        found.push((pointer.clone(), value));
        return;
    }
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                let at = descend(pointer, &i.to_string());
                in_value(item, schema.item(), keyword, pointer, found);
                pointer.truncate(at);
            }
        }
        Value::Object(entries) => {
            for (key, entry) in entries {
                let at = descend(pointer, key);
                in_value(entry, schema.entry(key), keyword, pointer, found);
                pointer.truncate(at);
            }
        }
        _ => {}
    }
}

/// Lengthens a pointer; gives its length before.
fn descend(pointer: &mut String, key: &str) -> usize {
    let before = pointer.len();
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
    before
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_are_found_at_any_depth_and_cover_what_is_below() {
        let schema = json!({
            "$defs": { "Secret": { "type": "string", "writeOnly": true } },
            "properties": {
                "token": { "anyOf": [{ "$ref": "#/$defs/Secret" }, { "type": "null" }] },
                "list": { "items": { "properties": { "a/b": { "$ref": "#/$defs/Secret" } } } },
                "all": { "type": "object", "writeOnly": true },
                "other": { "type": "string" },
            }
        });
        let config = json!({ "token": "x", "list": [{ "a/b": "y" }], "all": { "z": [1] }, "other": "o" });
        let found = values(&config, &schema, SECRET);
        let expected = [("/token", json!("x")), ("/list/0/a~1b", json!("y")), ("/all", json!({ "z": [1] }))];
        assert!(found.iter().map(|(at, value)| (at.as_str(), (*value).clone())).eq(expected));
        let template = Template::Map(vec![("list".into(), config["list"].clone().into())]);
        assert_eq!(template.marked(&schema, SECRET)[0].0, "/list/0/a~1b");
        assert!(is_anywhere(&schema, SECRET) && !is_anywhere(&schema, ARGUMENT));
    }
}
