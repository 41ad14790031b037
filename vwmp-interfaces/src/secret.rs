//! Text that must not be shown.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The key that marks a config field, or all fields of a config, in its JSON Schema as something that ends up in the
/// arguments of a process, where others on the machine can read it: `#[schemars(extend("x-vwmp-argument" = true))]`.
/// The engine refuses secrets there.
pub const ARGUMENT_MARK: &str = "x-vwmp-argument";

/// Text that can't be printed or serialised, only used on purpose through [`Secret::reveal`].
///
/// As the type of a config field it takes text, such as `$<secrets.token>`. Its JSON Schema says `writeOnly`, and the
/// engine masks the value wherever people look, wherever it came from.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. The caller sees to it that it goes nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            // Nothing of the value: what was meant to be a secret may be one.
            _ => Err(D::Error::custom("expected a secret as text")),
        }
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(***)");
    }

    #[test]
    fn a_value_of_another_type_is_not_told() {
        let error = serde_json::from_str::<Secret>("123456").unwrap_err();
        assert_eq!(error.to_string(), "expected a secret as text");
        assert_eq!(serde_json::from_str::<Secret>("\"hunter2\"").unwrap().reveal(), "hunter2");
    }
}
