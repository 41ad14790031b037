//! Findings as SARIF 2.1.0, which code hosts and editors read.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vwmp_core::diagnostic::{Diagnostic, Diagnostics, Label, Severity};

/// One run of a tool with these findings.
pub(crate) fn sarif<'d>(
    tool: &str,
    version: &str,
    all: impl IntoIterator<Item = (&'d str, &'d Diagnostics)>,
) -> Value {
    let all: Vec<(&str, &Diagnostic)> =
        all.into_iter().flat_map(|(file, some)| some.iter().map(move |one| (file, one))).collect();
    let rules: BTreeSet<&str> = all.iter().map(|(_, one)| one.code.as_str()).collect();
    let rules: Vec<Value> = rules.into_iter().map(|code| json!({ "id": code })).collect();
    let results: Vec<Value> = all.into_iter().map(|(file, one)| result(file, one)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": tool, "version": version, "rules": rules } },
            // Columns count characters.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(file: &str, one: &Diagnostic) -> Value {
    let text = std::iter::once(&one.message).chain(&one.help).cloned().collect::<Vec<_>>().join("\n");
    let level = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut labels = one.labels.iter().map(location);
    // A finding without a place is about the whole file.
    let whole = || json!({ "physicalLocation": { "artifactLocation": { "uri": uri(file) } } });
    let first = labels.next().unwrap_or_else(whole);
    let mut result = json!({
        "ruleId": one.code, "level": level, "message": { "text": text }, "locations": [first],
    });
    let others: Vec<Value> = labels.collect();
    if !others.is_empty() {
        result["relatedLocations"] = others.into();
    }
    result
}

fn location(label: &Label) -> Value {
    let (start, end) = (label.source.position(label.span.start), label.source.position(label.span.end));
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(label.source.name()) },
            "region": {
                "startLine": start.line, "startColumn": start.column,
                "endLine": end.line, "endColumn": end.column,
            },
        },
    });
    if !label.text.is_empty() {
        location["message"] = json!({ "text": label.text });
    }
    location
}

/// A path as a URI reference: absolute ones begin with `file://`.
fn uri(path: &str) -> String {
    let escaped = path.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            all.push_str(&format!("%{byte:02X}"));
        }
        all
    });
    if path.starts_with('/') { format!("file://{escaped}") } else { escaped }
}
