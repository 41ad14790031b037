//! Variables of a DAG: they go to scripts through the environment.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use vwmp_core::document::{Kind, NodeRef};

use super::super::draft::Draft;
use super::super::words::{self, literal};
use super::super::{line, scalar};
use super::pairs;

/// Variables by name, with their values as text of ours.
#[derive(Debug, Default, Clone)]
pub(super) struct Variables {
    known: BTreeMap<String, String>,
    constants: Vec<String>,
    /// The outputs of steps.
    outputs: BTreeMap<String, String>,
}

impl Variables {
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.known.insert(name.to_owned(), value);
    }

    /// What a step prints becomes a variable.
    pub(super) fn set_output(&mut self, name: &str, step: &str) {
        let value = format!("$<{} ?? \"\">", words::path(&["step_outputs", step, "stdout"]));
        self.outputs.insert(name.to_owned(), value);
    }

    pub(super) fn constant(&mut self, name: &str, value: &str, draft: &mut Draft) {
        let constants = draft.config.entry("consts").or_insert_with(|| json!({}));
        if let Value::Object(entries) = constants {
            entries.insert(name.to_owned(), literal(value).into());
        }
        self.constants.push(name.to_owned());
    }

    /// Parameters: `KEY=value` in a text or a list, a mapping, or values that are known by number.
    pub(super) fn parameters(&mut self, params: NodeRef<'_>, draft: &mut Draft) {
        let mut given = pairs(Some(params));
        if let Some(text) = params.as_str() {
            given = text.split_whitespace().filter_map(|word| word.split_once('=')).map(owned).collect();
            if given.len() != text.split_whitespace().count() {
                let values = text.split_whitespace().enumerate();
                given = values.map(|(number, word)| (format!("{}", number + 1), word.to_owned())).collect();
            }
        }
        for (name, default) in given {
            if default.contains(['$', '`']) {
                draft.note(line(params), format!("the default of the parameter `{name}`"));
            }
            let default = default.trim_matches(['"', '\'']);
            let default = if default.contains(['$', '`']) { "" } else { default };
            let parameter = words::name(&name);
            draft.parameters.insert(parameter.clone(), json!({ "type": "string", "default": default }));
            let value = format!("$<{}>", words::path(&["parameters", &parameter]));
            self.set(&name, value);
        }
        for item in params.items().filter(|item| item.kind() == Kind::Map && item.get("name").is_some()) {
            self.declared(item, draft);
        }
    }

    /// A parameter with a type of its own.
    fn declared(&mut self, item: NodeRef<'_>, draft: &mut Draft) {
        for key in ["name", "type", "default", "description", "required", "enum"] {
            draft.parameters.remove(&words::name(key));
            self.known.remove(key);
        }
        let Some(name) = item.get("name").and_then(scalar) else { return };
        let parameter = words::name(&name);
        let mut schema =
            json!({ "type": item.get("type").and_then(scalar).unwrap_or_else(|| "string".into()) });
        for key in ["default", "description", "required", "enum"] {
            if let Some(value) = item.get(key) {
                schema[key] = value.to_json();
            }
        }
        draft.parameters.insert(parameter.clone(), schema);
        self.set(&name, format!("$<{} ?? \"\">", words::path(&["parameters", &parameter])));
    }

    /// A value that is no script: its variables are replaced by what they stand for.
    pub(super) fn value(&self, text: &str) -> Result<String, String> {
        if text.contains('`') || text.contains("$(") {
            return Err("a command inside a value".to_owned());
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&literal(&rest[..at]));
            let Some((name, left)) = variable(&rest[at..]) else {
                out.push('$');
                rest = &rest[at + 1..];
                continue;
            };
            let name = ["env.", "params."].iter().find_map(|group| name.strip_prefix(group)).unwrap_or(name);
            if let Some(value) = self.known.get(name).or_else(|| self.outputs.get(name)) {
                out.push_str(value);
            } else if name.contains('.') {
                return Err(format!("the value `${{{name}}}`"));
            } else {
                out.push_str(&format!("$<env.{name} ?? \"\">"));
            }
            rest = left;
        }
        out.push_str(&literal(rest));
        Ok(out)
    }

    /// A script: `${params.X}` and the like become values, variables stay what they are.
    pub(super) fn script(&self, text: &str, ids: &HashMap<String, String>) -> Result<String, String> {
        let text = literal(text);
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find("${") {
            out.push_str(&rest[..at]);
            let end = rest[at..].find('}').map(|end| at + end);
            let name = end.map_or("", |end| &rest[at + 2..end]);
            let dotted =
                name.contains('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
            match end.filter(|_| dotted) {
                Some(end) => {
                    out.push_str(&self.named(name, ids)?);
                    rest = &rest[end + 1..];
                }
                None => {
                    out.push_str("${");
                    rest = &rest[at + 2..];
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn named(&self, name: &str, ids: &HashMap<String, String>) -> Result<String, String> {
        let segments: Vec<&str> = name.split('.').collect();
        match segments.as_slice() {
            ["env" | "params", name] if self.known.contains_key(*name) => Ok(self.known[*name].clone()),
            ["env", name] => Ok(format!("$<env.{name} ?? \"\">")),
            ["consts", name] if self.constants.iter().any(|one| one == name) => {
                Ok(format!("$<{}>", words::path(&["config", "consts", name])))
            }
            ["steps", step, "stdout"] | [step, "stdout"] if ids.contains_key(*step) => {
                Ok(format!("$<{} ?? \"\">", words::path(&["step_outputs", &ids[*step], "stdout"])))
            }
            _ => Err(format!("the value `${{{name}}}`")),
        }
    }

    /// The variables that a script may read.
    pub(super) fn used(&self, script: &str) -> Map<String, Value> {
        let numbered = |name: &str| name.starts_with(|c: char| c.is_ascii_digit());
        let own = self.known.iter().filter(|(name, _)| !numbered(name));
        // An output is waited for, so only where it is named.
        let outputs = self.outputs.iter().filter(|(name, _)| script.contains(name.as_str()));
        own.chain(outputs).map(|(name, value)| (name.clone(), value.as_str().into())).collect()
    }
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// The name in `$NAME` or `${NAME}`, and what follows.
fn variable(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('$')?;
    if let Some(inner) = rest.strip_prefix('{') {
        let end = inner.find('}')?;
        return Some((&inner[..end], &inner[end + 1..]));
    }
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    (end > 0).then(|| (&rest[..end], &rest[end..]))
}
