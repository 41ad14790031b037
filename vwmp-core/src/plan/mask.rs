//! Values that must not be shown, on their way to a plan's reader.

use serde_json::Value;
use vwmp_interfaces::Change;

use crate::diagnostic::Diagnostic;

/// A shorter secret is masked where it is a whole text, but not inside others: it would mask ordinary words.
const SHORTEST: usize = 4;

const MASK: &str = "***";

/// What stands where a text was cut off.
const CUT: char = '…';

/// What is looked for: each secret and each line of it, as it is, and as shells and JSON write it; the
/// longest first, since a secret may contain another.
pub(crate) fn forms(secrets: &[String]) -> Vec<String> {
    let texts = secrets.iter().flat_map(|secret| {
        let lines = secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST);
        std::iter::once(secret.as_str()).chain(lines)
    });
    let mut forms: Vec<String> = texts.flat_map(written).collect();
    forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    forms.dedup();
    forms
}

/// The ways in which a text is quoted for people.
fn written(text: &str) -> [String; 6] {
    let json = Value::from(text).to_string();
    let json = json[1..json.len() - 1].to_owned();
    [
        text.to_owned(),
        text.replace('\'', r"'\''"),
        escaped(text, "\\\"$`"),
        escaped(text, "\\$`"),
        escaped(&json, "\\\"$`"),
        json,
    ]
}

fn escaped(text: &str, special: &str) -> String {
    let escape = |char| special.contains(char).then_some('\\').into_iter().chain([char]);
    text.chars().flat_map(escape).collect()
}

/// Masks every text in a value.
pub(crate) fn value(value: &mut Value, secrets: &[String]) {
    match value {
        _ if secrets.is_empty() => {}
        Value::String(one) => text(one, secrets),
        Value::Number(number) if secrets.contains(&number.to_string()) => *value = MASK.into(),
        Value::Array(items) => items.iter_mut().for_each(|item| self::value(item, secrets)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| self::value(entry, secrets)),
        _ => {}
    }
}

/// Masks a text.
pub(crate) fn text(text: &mut String, secrets: &[String]) {
    if !secrets.is_empty() && text.contains(CUT) {
        mask_beginnings(text, secrets);
    }
    for secret in secrets {
        let inside = secret.len() >= SHORTEST && text.contains(secret.as_str());
        if inside || text == secret {
            *text = text.replace(secret.as_str(), MASK);
        }
    }
}

/// Masks the beginnings of secrets that stand where a text was cut off.
fn mask_beginnings(text: &mut String, secrets: &[String]) {
    let cuts: Vec<usize> = text.match_indices(CUT).map(|(at, _)| at).collect();
    for cut in cuts.into_iter().rev() {
        let before = text[..cut].trim_end();
        let longest = secrets.iter().filter_map(|secret| {
            let ends = secret.char_indices().map(|(at, _)| at).filter(|at| *at >= SHORTEST);
            ends.rev().find(|&end| before.ends_with(&secret[..end]))
        });
        if let Some(length) = longest.max() {
            let end = before.len();
            text.replace_range(end - length..end, MASK);
        }
    }
}

/// Masks what is said of a workflow.
pub(crate) fn diagnostic(diagnostic: &mut Diagnostic, secrets: &[String]) {
    text(&mut diagnostic.message, secrets);
    diagnostic.help.iter_mut().for_each(|line| text(line, secrets));
}

/// Masks what a step would change.
pub(crate) fn change(change: &mut Change, secrets: &[String]) {
    match change {
        Change::File { path, before, after } => {
            std::iter::once(path).chain(before).chain(after).for_each(|one| text(one, secrets));
        }
        Change::Action { description } => text(description, secrets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_however_they_are_written() {
        let secrets =
            ["it's \"$5\"", "hunter2", "hunter2-long", "one line\n  other line", "ab", "abcdefghij"];
        let secrets = forms(&secrets.map(str::to_owned));
        for (written, shown) in [
            (r#"echo 'it'\''s "$5"' "#, "echo '***' "),
            (r#"echo "it's \"\$5\"" "#, "echo \"***\" "),
            (r#"{"a":"it's \"$5\""}"#, "{\"a\":\"***\"}"),
            ("hunter2-long hunter2", "*** ***"),
            ("x other line", "x ***"),
            ("ab", "***"),
            ("abx", "abx"),
            ("echo abcdef… (10 bytes)", "echo ***… (10 bytes)"),
            ("`echo hunter2-l…` abc…", "`echo ***…` abc…"),
        ] {
            let mut text = written.to_owned();
            super::text(&mut text, &secrets);
            assert_eq!(text, shown, "{written}");
        }
    }
}
