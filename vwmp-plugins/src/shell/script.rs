//! A script whose values are references to variables, never code.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;
use vwmp_interfaces::Script;
use vwmp_interfaces::script::ScriptPiece;

use super::lexer::spots;
use super::spot::{Refusal, Spot};

/// The names of the variables begin like this.
pub(super) const VALUE_PREFIX: &str = "VWMP_VALUE_";

/// A script for a POSIX shell in which each value is a reference to a variable.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Referenced {
    /// The code.
    pub(super) code: String,
    /// The variables, by name, with the text of the value.
    pub(super) values: Vec<(String, String)>,
}

/// A value where none can be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`$<{expression}>` {refusal}")]
pub(super) struct Misplaced {
    expression: String,
    refusal: Refusal,
}

/// Puts references to variables in the place of values.
pub(super) fn reference(script: &Script) -> Result<Referenced, Misplaced> {
    let (code, holes) = Holes::of_pieces(script.pieces());
    let mut values: Vec<(String, String)> = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    let code = holes.fill(&code, |spot, expression, value| {
        let number = known.iter().position(|one| *one == expression).unwrap_or_else(|| {
            known.push(expression);
            values.push((format!("{VALUE_PREFIX}{}", known.len()), text_of(value).into_owned()));
            known.len() - 1
        });
        let name = &values[number].0;
        if spot == Spot::Bare { format!("\"${{{name}}}\"") } else { format!("${{{name}}}") }
    })?;
    Ok(Referenced { code, values })
}

/// The script with its values quoted into it, for people.
pub(super) fn display(script: &Script) -> Result<String, Misplaced> {
    let (code, holes) = Holes::of_pieces(script.pieces());
    holes.fill(&code, |spot, expression, value| {
        if expression.contains("secrets") {
            return "***".to_owned();
        }
        let text = text_of(value);
        let text = shorten(&text);
        match spot {
            Spot::Bare => quote(&text).into_owned(),
            Spot::Quoted => escape(&text, "\\\"$`"),
            Spot::Document => escape(&text, "\\$`"),
        }
    })
}

/// The script as its author wrote it.
pub(super) fn as_written(script: &Script) -> String {
    script.pieces().iter().fold(String::new(), |mut text, piece| {
        match piece {
            ScriptPiece::Code(code) => text.push_str(code),
            ScriptPiece::Value { expression, .. } => {
                let _ = write!(text, "$<{expression}>");
            }
        }
        text
    })
}

/// The code, where no value stands in it.
pub(super) fn only_code(script: &Script) -> Option<Cow<'_, str>> {
    match script.pieces() {
        [ScriptPiece::Code(code)] => Some(Cow::Borrowed(code)),
        pieces => pieces
            .iter()
            .map(|piece| match piece {
                ScriptPiece::Code(code) => Some(code.as_str()),
                ScriptPiece::Value { .. } => None,
            })
            .collect::<Option<String>>()
            .map(Cow::Owned),
    }
}

/// A word as one would write it in a shell.
pub(super) fn quote(word: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,+@%=".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// At most 200 characters of a text.
pub(super) fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(200) {
        Some((end, _)) => Cow::Owned(format!("{}… ({} bytes)", &text[..end], text.len())),
        None => Cow::Borrowed(text),
    }
}

fn escape(text: &str, special: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, char| {
        if special.contains(char) {
            escaped.push('\\');
        }
        escaped.push(char);
        escaped
    })
}

/// What the shell is given for a value: text as it is, everything else as JSON.
fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(other.to_string()),
    }
}

/// The places of a script that values take.
struct Holes<'s> {
    at: Vec<usize>,
    values: Vec<(&'s str, &'s Value)>,
}

impl<'s> Holes<'s> {
    fn of_pieces(pieces: &'s [ScriptPiece]) -> (String, Self) {
        let mut code = String::new();
        let mut holes = Self { at: Vec::new(), values: Vec::new() };
        for piece in pieces {
            match piece {
                ScriptPiece::Code(text) => code.push_str(text),
                ScriptPiece::Value { expression, value } => {
                    holes.at.push(code.len());
                    holes.values.push((expression, value));
                }
            }
        }
        (code, holes)
    }

    fn fill(
        &self,
        code: &str,
        mut with: impl FnMut(Spot, &'s str, &'s Value) -> String,
    ) -> Result<String, Misplaced> {
        let (mut filled, mut from) = (String::with_capacity(code.len() + 32 * self.at.len()), 0);
        for ((spot, at), (expression, value)) in
            spots(code, &self.at).into_iter().zip(&self.at).zip(&self.values)
        {
            let spot = spot.map_err(|refusal| Misplaced { expression: (*expression).to_owned(), refusal })?;
            filled.push_str(&code[from..*at]);
            filled.push_str(&with(spot, expression, value));
            from = *at;
        }
        filled.push_str(&code[from..]);
        Ok(filled)
    }
}
