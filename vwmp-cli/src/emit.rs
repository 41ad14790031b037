//! Values as YAML text, as people write it.

use std::fmt::Write as _;

use serde_json::Value;
use vwmp_core::document::plain_value;

/// The entries of a mapping in block style, each line behind `indent` spaces.
pub(crate) fn entries<'v>(
    text: &mut String,
    entries: impl IntoIterator<Item = (&'v String, &'v Value)>,
    indent: usize,
) {
    for (key, value) in entries {
        let _ = write!(text, "{:indent$}{}:", "", scalar(key));
        behind(text, value, indent);
    }
}

/// A value on one line.
pub(crate) fn flow(value: &Value) -> String {
    match value {
        // Inside a list or a mapping some plain text would mean something else.
        Value::Array(_) | Value::Object(_) => value.to_string(),
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text on one line, in quotes where it needs them.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// What follows a key or a dash: on the same line where it is short, below it elsewhere.
fn behind(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            entries(text, map, indent + 2);
        }
        Value::Array(items) if items.iter().any(|item| !is_short(item)) => {
            text.push('\n');
            items.iter().for_each(|item| dashed(text, item, indent + 2));
        }
        Value::Array(items) => {
            let items: Vec<String> =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), word)).collect();
            let _ = writeln!(text, " [{}]", items.join(", "));
        }
        Value::String(lines) if is_block(lines) => block(text, lines, indent + 2),
        other => {
            let _ = writeln!(text, " {}", flow(other));
        }
    }
}

/// An item of a list; the first entry of a mapping stands behind its dash.
pub(crate) fn dashed(text: &mut String, item: &Value, indent: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => {
            let mut inner = String::new();
            entries(&mut inner, map, indent + 2);
            let _ = write!(text, "{:indent$}- {}", "", inner.trim_start());
        }
        other => {
            let _ = write!(text, "{:indent$}-", "");
            behind(text, other, indent);
        }
    }
}

fn block(text: &mut String, lines: &str, indent: usize) {
    text.push_str(if lines.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in lines.lines() {
        if line.is_empty() {
            text.push('\n');
        } else {
            let _ = writeln!(text, "{:indent$}{line}", "");
        }
    }
}

/// A text inside `[…]`.
fn word(text: &str) -> String {
    if is_plain(text) && !text.contains([',', '[', ']', '{', '}']) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    // JSON leaves these as they are, and YAML doesn't take all of them.
    let escaped = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    Value::from(text).to_string().chars().fold(String::new(), |mut all, c| {
        if escaped(c) {
            let _ = write!(all, "\\u{:04x}", c as u32);
        } else {
            all.push(c);
        }
        all
    })
}

fn is_short(item: &Value) -> bool {
    match item {
        Value::String(text) => text.len() <= 40 && !text.contains('\n'),
        Value::Object(_) | Value::Array(_) => false,
        _ => true,
    }
}

/// Whether a text stands for itself without quotes.
fn is_plain(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_alphanumeric() || "_/.$<(~+=".contains(c));
    first
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
        && plain_value(text) == text
}

/// Whether a text can be written as lines below its key, and reads better so.
fn is_block(text: &str) -> bool {
    text.trim_end().contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with("\n\n")
        && !text.lines().any(|line| line.ends_with(' ') && line.trim().is_empty())
        && !text.chars().any(|c| {
            (c.is_control() && !matches!(c, '\n' | '\t'))
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{85}')
        })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use vwmp_core::document::Document;
    use vwmp_core::source::Source;

    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let value = json!({
            "plain": "a b", "number": "1.10", "bool": "true", "empty": "", "null": null, "colon": "a: b",
            "hash": "a #b", "dash": "- a", "star": "*a", "value": "$<config.a>", "quote": "it's \"so\"",
            "lines": "echo a\n  echo b\n", "no_end": "a\nb", "odd": " a\nb\n\n", "bell": "\u{7}\u{85}",
            "list": ["a", 1, "x, y"], "long": [{ "a": 1, "b": ["c"] }, ["d", ["e"]]], "map": { "a b": {} },
            "none": [], "spaces": "a\n   \nb\n", "tilde": "~", "date": "2020-01-01", "key: x": "y ", "bom": "\u{feff}a",
        });
        let mut text = String::new();
        entries(&mut text, value.as_object().unwrap(), 0);
        let read = Document::parse(Arc::new(Source::new("x", text.as_str())))
            .unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(read.root().to_json(), value, "{text}");
    }
}
