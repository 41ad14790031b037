//! `{{.NAME}}` as values of ours.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::draft::Draft;
use super::super::words::{self, literal};

/// What names mean in one task.
pub(super) struct Variables<'v> {
    /// The task's own, as text of ours.
    pub(super) own: &'v BTreeMap<String, String>,
    pub(super) draft: &'v mut Draft,
}

impl Variables<'_> {
    /// Text with every `{{.NAME}}` in it replaced.
    pub(super) fn text(&mut self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            let end = rest[at..].find("}}").ok_or("a template without its `}}`")? + at;
            out.push_str(&literal(&rest[..at]));
            let inner = rest[at + 2..end].trim_matches(['-', ' ']);
            out.push_str(&self.value(inner)?);
            rest = &rest[end + 2..];
        }
        out.push_str(&literal(rest));
        Ok(out)
    }

    fn value(&mut self, inner: &str) -> Result<String, String> {
        if let Some(text) = inner.strip_prefix('"').and_then(|text| text.strip_suffix('"'))
            && !text.contains(['"', '\\'])
        {
            return Ok(literal(text));
        }
        let name = inner
            .strip_prefix('.')
            .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        let Some(name) = name else { return Err(format!("the template `{{{{{inner}}}}}`")) };
        if let Some(text) = self.own.get(name) {
            return Ok(text.clone());
        }
        let is_fixed = self.draft.config.get("vars").is_some_and(|vars| vars.get(name).is_some());
        let parameter = words::name(name);
        Ok(match name {
            "ROOT_DIR" | "TASKFILE_DIR" | "USER_WORKING_DIR" => "$<run.workspace>".to_owned(),
            _ if is_fixed => format!("$<{}>", words::path(&["config", "vars", name])),
            _ if self.draft.parameters.contains_key(&parameter) => {
                format!("$<{} ?? \"\">", words::path(&["parameters", &parameter]))
            }
            // Variables come from the command line or the environment too; nothing there is empty text.
            _ => {
                let value = json!({ "type": "string", "default": "" });
                self.draft.parameters.insert(parameter.clone(), value);
                format!("$<{}>", words::path(&["parameters", &parameter]))
            }
        })
    }
}
