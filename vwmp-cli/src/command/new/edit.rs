//! Values in the text of a workflow, put in place without touching the rest.

use std::sync::Arc;

use serde_json::Value;
use vwmp_core::document::{Document, Kind, NodeRef};
use vwmp_core::source::Source;

use crate::emit;

/// Sets the default of a parameter.
pub(super) fn default(text: &str, parameter: &str, value: &Value) -> Result<String, String> {
    set(text, &["parameters", parameter, "default"], value)
}

/// Sets a key of the workflow's config, such as `changelog.dir`.
pub(super) fn config(text: &str, key: &str, value: &Value) -> Result<String, String> {
    let path: Vec<&str> = std::iter::once("config").chain(key.split('.')).collect();
    set(text, &path, value)
}

fn set(text: &str, path: &[&str], value: &Value) -> Result<String, String> {
    let unreadable = |error: vwmp_core::diagnostic::Diagnostics| error.to_string();
    let document = Document::parse(Arc::new(Source::new("template", text))).map_err(unreadable)?;
    let (last, parents) = path.split_last().ok_or("an empty key")?;
    let parent = parents.iter().try_fold(document.root(), |node, key| node.get(key));
    let Some(parent) = parent.filter(|node| node.kind() == Kind::Map) else {
        return Err(format!("the template has no `{}`", parents.join(".")));
    };
    let value = emit::flow(value);
    Ok(match parent.get(last) {
        Some(known) => replaced(text, known, &value),
        None => inserted(text, parent, &format!("{}: {value}", emit::scalar(last))),
    })
}

fn replaced(text: &str, node: NodeRef<'_>, value: &str) -> String {
    let (start, end) = (node.span().start as usize, node.span().end as usize);
    let gap = if text[..start].ends_with(':') { " " } else { "" };
    format!("{}{gap}{value}{}", &text[..start], &text[end..])
}

fn inserted(text: &str, map: NodeRef<'_>, entry: &str) -> String {
    let (start, end) = (map.span().start as usize, map.span().end as usize);
    if text[start..].starts_with('{') {
        let before = text[..end - 1].trim_end();
        let gap = if map.len() == 0 { " " } else { ", " };
        return format!("{before}{gap}{entry} {}", &text[end - 1..]);
    }
    let indent = map.source().position(map.span().start).column as usize - 1;
    let end = text[..end].trim_end().len();
    let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    format!("{}\n{:indent$}{entry}{}", &text[..line_end], "", &text[line_end..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "parameters:\n  a:\n    type: string # of it\n  b: { type: integer, default: 3 }\n\nconfig:\n  x: old\nsteps: []\n";

    #[test]
    fn only_the_value_changes() {
        let text = default(TEXT, "b", &json!(4)).unwrap();
        assert_eq!(text, TEXT.replace("default: 3", "default: 4"));
        let text = config(TEXT, "x", &json!("new: one")).unwrap();
        assert_eq!(text, TEXT.replace("old", "\"new: one\""));
    }

    #[test]
    fn what_is_not_there_is_added() {
        let text = default(TEXT, "a", &json!("it")).unwrap();
        assert_eq!(text, TEXT.replace("# of it\n", "# of it\n    default: it\n"));
        let flow = TEXT.replace(", default: 3", "");
        assert_eq!(default(&flow, "b", &json!(4)).unwrap(), TEXT.replace("default: 3", "default: 4"));
        assert_eq!(config(TEXT, "y.z", &json!(1)).unwrap_err(), "the template has no `config.y`");
    }
}
