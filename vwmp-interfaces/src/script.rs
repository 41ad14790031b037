//! A script in which `$<…>` values are kept apart from the code.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The key that marks a config field in its JSON Schema as a script.
pub const SCHEMA_MARK: &str = "x-vwmp-script";

/// A script as its author wrote it, with the values of its `$<…>` beside it, never inside.
///
/// A config field of this type is not rendered to text: the handler gets the pieces and decides
/// how its interpreter is given the values, so that a value never becomes code.
#[derive(Debug, Clone, PartialEq)]
pub struct Script(Vec<ScriptPiece>);

/// A part of a [`Script`].
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptPiece {
    /// Code, as written.
    Code(String),
    /// A value that takes the place of an expression.
    Value {
        /// The expression as written, without `$<` and `>`.
        expression: String,
        /// What it stands for.
        value: Value,
    },
}

impl Script {
    /// The parts, in order.
    pub fn pieces(&self) -> &[ScriptPiece] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(code) => Ok(Self(vec![ScriptPiece::Code(code)])),
            Value::Object(mut object) => match object.remove("$script") {
                Some(Value::Array(pieces)) => pieces
                    .into_iter()
                    .map(piece)
                    .collect::<Option<_>>()
                    .map(Self)
                    .ok_or_else(|| D::Error::custom("a script piece is neither text nor a value")),
                _ => Err(D::Error::custom("expected a script as text")),
            },
            _ => Err(D::Error::custom("expected a script as text")),
        }
    }
}

fn piece(piece: Value) -> Option<ScriptPiece> {
    match piece {
        Value::String(code) => Some(ScriptPiece::Code(code)),
        Value::Object(mut object) => {
            let Value::String(expression) = object.remove("expression")? else { return None };
            Some(ScriptPiece::Value { expression, value: object.remove("value")? })
        }
        _ => None,
    }
}

impl JsonSchema for Script {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Script".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-vwmp-script": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_apart() {
        let rendered = serde_json::json!({
            "$script": ["echo ", { "expression": "parameters.name", "value": "$(date)" }]
        });
        let script: Script = serde_json::from_value(rendered).unwrap();
        assert_eq!(
            script.pieces(),
            [
                ScriptPiece::Code("echo ".into()),
                ScriptPiece::Value { expression: "parameters.name".into(), value: "$(date)".into() },
            ]
        );
        assert_eq!(serde_json::from_str::<Script>("3").unwrap_err().to_string(), "expected a script as text");
    }
}
