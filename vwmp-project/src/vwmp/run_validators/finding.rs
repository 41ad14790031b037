//! What a validator says about a line of a file.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Something that a validator found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// The validator.
    pub(super) validator: String,
    /// The file, relative to the workspace where it is in it.
    pub(super) file: String,
    /// The line, from 1; null where it is about the whole file.
    pub(super) line: Option<u64>,
    /// The column, from 1.
    pub(super) column: Option<u64>,
    /// How bad it is.
    pub(super) severity: Severity,
    /// What is wrong.
    pub(super) message: String,
    /// The name of the rule.
    pub(super) code: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably a mistake.
    Warning,
    /// A mistake.
    Error,
}

/// Reads a line of a validator's output: `file:line:col: severity: message`, or a JSON object with such
/// keys. Without a severity in the line it is a finding where the validator has a usual one.
pub(super) fn read(line: &str, validator: &str, usual: Option<Severity>, root: &Path) -> Option<Finding> {
    let line = line.trim_end();
    let mut finding = if line.starts_with('{') { from_json(line) } else { from_text(line, usual) }?;
    validator.clone_into(&mut finding.validator);
    let relative =
        Path::new(&finding.file).strip_prefix(root).ok().map(|path| path.to_string_lossy().into_owned());
    if let Some(relative) = relative {
        finding.file = relative;
    }
    Some(finding)
}

fn from_text(line: &str, usual: Option<Severity>) -> Option<Finding> {
    let (file, rest) = line.split_once(':')?;
    let (line_number, rest) = number(rest)?;
    let (column, rest) = number(rest).map_or((None, rest), |(column, rest)| (Some(column), rest));
    let rest = rest.trim_start();
    let told = rest.split_once(':').and_then(|(word, message)| {
        let (word, code) = match word.strip_suffix(']').and_then(|word| word.split_once('[')) {
            Some((word, code)) => (word, Some(code.to_owned())),
            None => (word, None),
        };
        Some((severity(word)?, code, message))
    });
    let (severity, code, message) = told.or_else(|| Some((usual?, None, rest)))?;
    let named = !file.is_empty() && !file.starts_with(char::is_whitespace);
    (named && !message.trim().is_empty()).then(|| Finding {
        validator: String::new(),
        file: file.trim_start_matches("./").to_owned(),
        line: Some(line_number),
        column,
        severity,
        message: message.trim().to_owned(),
        code,
    })
}

/// A number up to a colon.
fn number(text: &str) -> Option<(u64, &str)> {
    let (digits, rest) = text.split_once(':')?;
    Some((digits.trim().parse().ok()?, rest))
}

fn from_json(line: &str) -> Option<Finding> {
    let object: Value = serde_json::from_str(line).ok()?;
    let text = |keys: &[&str]| keys.iter().find_map(|key| object[*key].as_str()).map(ToOwned::to_owned);
    let count = |keys: &[&str]| keys.iter().find_map(|key| object[*key].as_u64());
    Some(Finding {
        validator: String::new(),
        file: text(&["file", "path", "filename"])?,
        line: count(&["line", "line_number", "row"]),
        column: count(&["column", "col"]),
        severity: severity(&text(&["severity", "level", "type"])?)?,
        message: text(&["message", "msg", "text", "description"])?,
        code: text(&["code", "rule", "check"]),
    })
}

fn severity(word: &str) -> Option<Severity> {
    match word.trim().to_lowercase().as_str() {
        "error" | "fatal" | "fatal error" | "critical" => Some(Severity::Error),
        "warning" | "warn" => Some(Severity::Warning),
        "note" | "info" | "hint" | "help" | "style" | "notice" => Some(Severity::Note),
        _ => None,
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file)?;
        for place in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{place}")?;
        }
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let code = self.code.as_ref().map(|code| format!("[{code}]")).unwrap_or_default();
        write!(f, ": {severity}{code}: {}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_common_tools_are_read() {
        let root = Path::new("/w");
        for (line, expected) in [
            ("src/a.rs:3:5: error: no such thing", "src/a.rs:3:5: error: no such thing"),
            ("src/a.rs:3:5: error[E0425]: cannot find `x`", "src/a.rs:3:5: error[E0425]: cannot find `x`"),
            ("/w/docs/a.md:7: warning: dead link", "docs/a.md:7: warning: dead link"),
            ("./x.sh:1:2: note: quote: this", "x.sh:1:2: note: quote: this"),
            (
                r#"{"file":"a.py","line":2,"col":4,"level":"Warning","msg":"unused","rule":"F401"}"#,
                "a.py:2:4: warning[F401]: unused",
            ),
            (r#"{"path":"a","severity":"error","message":"empty file"}"#, "a: error: empty file"),
        ] {
            let finding = read(line, "lint", None, root).unwrap();
            assert_eq!((finding.to_string().as_str(), finding.validator.as_str()), (expected, "lint"));
        }
        for no_finding in [
            "",
            "all good",
            "Checked 3 files: error: none",
            "src/a.rs:3:5: TODO later",
            "  --> src/a.rs:3:5",
            "{\"file\": 3}",
            "{ broken",
        ] {
            assert_eq!(read(no_finding, "lint", None, root), None, "{no_finding}");
        }
        let usual = read("src/a.rs:3:// TODO later", "todo", Some(Severity::Warning), root).unwrap();
        assert_eq!(usual.to_string(), "src/a.rs:3: warning: // TODO later");
    }
}
