//! The YAML examples in a plugin's description.

use std::sync::Arc;

use serde_json::Value;
use vwmp_core::document::Document;
use vwmp_core::source::Source;

/// The YAML examples of a description in Markdown, as values.
///
/// # Errors
/// What is wrong with the first that isn't YAML.
pub fn examples(description: &str) -> Result<Vec<Value>, String> {
    fenced(description).iter().map(|text| read(text)).collect()
}

/// The value of a text in YAML.
///
/// # Errors
/// What is wrong with it, a line each.
pub fn read(text: &str) -> Result<Value, String> {
    match Document::parse(Arc::new(Source::new("example", text))) {
        Ok(document) => Ok(document.root().to_json()),
        Err(diagnostics) => {
            let messages: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            Err(messages.join("\n"))
        }
    }
}

/// Every step in an example that uses a handler: the example is a step, or a list of steps, or a
/// workflow.
pub fn steps_using<'a>(example: &'a Value, handler: &str) -> Vec<&'a Value> {
    let steps = match example {
        Value::Array(steps) => steps.iter().collect(),
        Value::Object(map) => match map.get("steps").and_then(Value::as_array) {
            Some(steps) => steps.iter().collect(),
            None => vec![example],
        },
        _ => Vec::new(),
    };
    steps.into_iter().filter(|step| step["handler"] == handler).collect()
}

/// The JSON pointers of all texts in a value that are one whole `$<…>`: values of any type stand
/// there in the end.
pub fn expressions(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, String::new(), &mut found);
    found
}

fn collect(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with("$<") && text.ends_with('>') => found.push(pointer),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                collect(item, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        _ => {}
    }
}

fn fenced(description: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in description.lines() {
        match &mut open {
            Some(_) if line.trim() == "```" => blocks.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line.trim() == "```yaml" => open = Some(String::new()),
            None => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn examples_are_found_and_read() {
        let description = "Says it.\n\n```yaml\n- id: a\n  handler: x.y\n  config: { n: $<config.n>, t: \"a $<b>\" }\n```\n\n```text\n-\n```\n";
        let found = examples(description).unwrap();
        let config = json!({ "n": "$<config.n>", "t": "a $<b>" });
        assert_eq!(found, [json!([{ "id": "a", "handler": "x.y", "config": config }])]);
        assert_eq!(steps_using(&found[0], "x.y").len(), 1);
        assert!(steps_using(&found[0], "x.z").is_empty());
        assert_eq!(expressions(&found[0]), ["/0/config/n"]);
        assert!(examples("```yaml\n\t\n```").is_err());
    }
}
