//! Values that must not be shown, on their way to a plan's reader.

use serde_json::Value;
use vwmp_interfaces::Change;

use crate::diagnostic::Diagnostic;

/// A shorter secret is masked where it is a whole text, but not inside others: it would mask ordinary words.
const SHORTEST: usize = 4;

const MASK: &str = "***";

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
    for secret in secrets {
        let inside = secret.len() >= SHORTEST && text.contains(secret.as_str());
        if inside || text == secret {
            *text = text.replace(secret.as_str(), MASK);
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
