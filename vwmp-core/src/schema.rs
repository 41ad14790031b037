//! JSON Schemas of plugins, and what does not fit them, in the user's words.

use std::borrow::Cow;
use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};
use vwmp_interfaces::erased::ConfigError;

use crate::diagnostic::nearest;

/// A compiled JSON Schema (2020-12).
pub struct Schema {
    validator: Result<Validator, String>,
    schema: Value,
}

/// One place of a value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    /// The place, as a JSON pointer; for an unknown key, the key's own.
    pub pointer: String,
    /// What does not fit, and what was expected.
    pub message: String,
    /// Whether the key at [`SchemaError::pointer`] is unknown, rather than its value wrong.
    pub unknown_key: bool,
    /// The known key or value that is nearest to what was written.
    pub nearest: Option<String>,
    /// The place that may have one of several shapes, when this was told by the nearest of them.
    pub alternatives: Option<String>,
}

impl Schema {
    /// Compiles a schema. One that can't be compiled refuses every value and says why. Nothing is
    /// ever fetched: a reference to another document is such an error.
    pub fn new(schema: &Value) -> Self {
        let validator = jsonschema::draft202012::options()
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .build(&closed(schema))
            .map_err(|error| broken(&error));
        Self { validator, schema: schema.clone() }
    }

    /// Why the schema can't be used, when it can't.
    pub fn problem(&self) -> Option<&str> {
        self.validator.as_ref().err().map(String::as_str)
    }

    /// What does not fit, in the order of the schema; nothing when all does.
    pub fn errors(&self, value: &Value) -> Vec<SchemaError> {
        let validator = match &self.validator {
            Ok(validator) => validator,
            Err(message) => {
                let message = format!("its schema is broken, which is a bug in the plugin: {message}");
                return vec![SchemaError {
                    pointer: String::new(),
                    message,
                    unknown_key: false,
                    nearest: None,
                    alternatives: None,
                }];
            }
        };
        if validator.is_valid(value) {
            return Vec::new();
        }
        validator.iter_errors(value).flat_map(|error| self.told(&error)).collect()
    }

    /// An error in words; without the value, where the schema says that it must not be shown.
    fn told(&self, error: &ValidationError<'_>) -> Vec<SchemaError> {
        let mut told = self.in_words(error);
        let keyword = error.schema_path().as_str();
        let here = keyword.rsplit_once('/').and_then(|(here, _)| self.schema.pointer(here));
        if here.is_some_and(|here| here["writeOnly"] == Value::Bool(true)) {
            for one in &mut told {
                one.message = without_value(&one.message).to_owned();
                one.nearest = None;
            }
        }
        told
    }

    fn in_words(&self, error: &ValidationError<'_>) -> Vec<SchemaError> {
        let pointer = error.instance_path().to_string();
        let one = |message: String| {
            vec![SchemaError {
                pointer: pointer.clone(),
                message,
                unknown_key: false,
                nearest: None,
                alternatives: None,
            }]
        };
        let found = shown(error.instance());
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let known = self.keys_beside(error);
                unexpected.iter().map(|key| unknown_key(&pointer, key, &known)).collect()
            }
            ValidationErrorKind::Required { property } => {
                one(format!("`{}` is missing", property.as_str().unwrap_or_default()))
            }
            ValidationErrorKind::Type { kind } => one(format!("expected {}, found {found}", types(kind))),
            ValidationErrorKind::Enum { options } => {
                self.not_a_choice(&pointer, error.instance(), &choices(options))
            }
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                let errors = self.alternatives(&pointer, error.instance(), context).into_iter();
                errors.map(|one| SchemaError { alternatives: Some(pointer.clone()), ..one }).collect()
            }
            ValidationErrorKind::Constant { expected_value } => {
                one(format!("expected {expected_value}, found {found}"))
            }
            ValidationErrorKind::Minimum { limit } => {
                one(format!("expected at least {limit}, found {found}"))
            }
            ValidationErrorKind::Maximum { limit } => one(format!("expected at most {limit}, found {found}")),
            ValidationErrorKind::MinLength { limit: 1 } => one("expected text, found nothing in it".into()),
            ValidationErrorKind::Pattern { pattern } => {
                one(format!("expected text like `{pattern}`, found {found}"))
            }
            _ => one(error.to_string()),
        }
    }

    /// The keys that a mapping may have which has an unknown one.
    fn keys_beside(&self, error: &ValidationError<'_>) -> Vec<&str> {
        let keyword = error.schema_path().as_str();
        let mapping = keyword.rsplit_once('/').and_then(|(mapping, _)| self.schema.pointer(mapping));
        let properties = mapping.and_then(|mapping| mapping["properties"].as_object());
        properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str)).collect()
    }

    fn not_a_choice(&self, pointer: &str, value: &Value, choices: &[String]) -> Vec<SchemaError> {
        let near = value.as_str().and_then(|text| nearest(text, choices.iter().map(String::as_str)));
        vec![SchemaError {
            pointer: pointer.to_owned(),
            message: format!("expected one of {}, found {}", choices.join(", "), shown(value)),
            unknown_key: false,
            nearest: near.map(str::to_owned),
            alternatives: None,
        }]
    }

    /// Where a value may have several shapes: a list of constants reads as one choice; otherwise
    /// the shape that was nearest tells what is wrong.
    fn alternatives(
        &self,
        pointer: &str,
        value: &Value,
        context: &[Vec<ValidationError<'static>>],
    ) -> Vec<SchemaError> {
        let constants: Vec<String> = context.iter().flatten().filter_map(constant).flatten().collect();
        let only_constants = context.iter().flatten().all(|error| {
            constant(error).is_some() || matches!(error.kind(), ValidationErrorKind::Type { .. })
        });
        if only_constants && !constants.is_empty() {
            return self.not_a_choice(pointer, value, &constants);
        }
        let wrong_type = |errors: &[ValidationError<'_>]| matches!(errors, [one] if matches!(one.kind(), ValidationErrorKind::Type { .. }) && one.instance_path().to_string() == pointer);
        let near = context.iter().find(|errors| !errors.is_empty() && !wrong_type(errors));
        if let Some(errors) = near {
            return errors.iter().flat_map(|error| self.in_words(error)).collect();
        }
        let expected: Vec<String> = context
            .iter()
            .flatten()
            .filter_map(|error| match error.kind() {
                ValidationErrorKind::Type { kind } => Some(types(kind)),
                _ => None,
            })
            .collect();
        let message = format!("expected {}, found {}", expected.join(" or "), shown(value));
        vec![SchemaError {
            pointer: pointer.to_owned(),
            message,
            unknown_key: false,
            nearest: None,
            alternatives: None,
        }]
    }
}

/// What was expected, without what was found.
pub(crate) fn without_value(message: &str) -> &str {
    match message.split_once(", found ") {
        // What is allowed may be secret as well.
        Some((expected, _)) if expected.starts_with("expected one of ") => {
            "it is none of those that are allowed"
        }
        Some((expected, _)) if expected.starts_with("expected ") => expected,
        _ => "the value does not fit its schema",
    }
}

/// Why a schema can't be compiled: what in it does not fit the rules for schemas.
fn broken(error: &ValidationError<'_>) -> String {
    let rules = Schema { validator: Err(String::new()), schema: Value::Null };
    match (error.kind(), rules.in_words(error).first()) {
        (ValidationErrorKind::Format { format }, _) if format == "regex" => {
            let place = dotted(error.instance_path().as_str());
            format!(
                "{}: `{}` is no regular expression",
                place.trim_start_matches('.'),
                plain(error.instance())
            )
        }
        (_, Some(first)) if !first.pointer.is_empty() => first.to_string().trim_start_matches('.').to_owned(),
        _ => error.to_string(),
    }
}

fn unknown_key(pointer: &str, key: &str, known: &[&str]) -> SchemaError {
    let list = if known.is_empty() { String::new() } else { format!("; known here: {}", known.join(", ")) };
    SchemaError {
        pointer: format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
        message: format!("`{key}` is not known{list}"),
        unknown_key: true,
        nearest: nearest(key, known.iter().copied()).map(str::to_owned),
        alternatives: None,
    }
}

/// An object that may have no key at all, in the form of one that may have some: the error then names the key.
fn closed(schema: &Value) -> Cow<'_, Value> {
    let bare = schema["additionalProperties"] == Value::Bool(false) && schema.get("properties").is_none();
    if !bare {
        return Cow::Borrowed(schema);
    }
    let mut schema = schema.clone();
    schema["properties"] = Value::Object(Map::from_iter([(String::new(), Value::Bool(false))]));
    Cow::Owned(schema)
}

fn constant(error: &ValidationError<'_>) -> Option<Vec<String>> {
    match error.kind() {
        ValidationErrorKind::Constant { expected_value } => Some(vec![plain(expected_value)]),
        ValidationErrorKind::Enum { options } => Some(choices(options)),
        _ => None,
    }
}

fn choices(options: &Value) -> Vec<String> {
    options.as_array().map(|options| options.iter().map(plain).collect()).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => type_in_words(&one.to_string()).to_owned(),
        TypeKind::Multiple(several) => {
            let names = several.iter().map(|one| type_in_words(&one.to_string()).to_owned());
            names.filter(|name| name != "nothing").collect::<Vec<_>>().join(" or ")
        }
    }
}

fn type_in_words(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping",
        "null" => "nothing",
        other => other,
    }
}

/// A value for a message: short, and what kind it is where that is not obvious.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(_) => value.to_string(),
        Value::Number(_) => format!("the number {value}"),
        Value::String(text) if text.is_empty() => "an empty text".into(),
        Value::String(text) if is_too_large(text) => {
            format!("{text}, which is larger than a whole number can be ({})", i64::MAX)
        }
        Value::String(text) if text.chars().count() > 40 => {
            format!("the text \"{}…\"", text.chars().take(40).collect::<String>())
        }
        Value::String(text) => format!("the text \"{text}\""),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a mapping".into(),
    }
}

/// Whether a text is a whole number that was taken as text, since it is too large for one.
fn is_too_large(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    (19..40).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<i64>().is_err()
}

/// A value in which scripts are text again: the schema of a script asks for text, and the values
/// beside it are not its business.
pub(crate) fn scripts_as_text(value: &Value) -> Value {
    match value {
        Value::Object(object) if object.contains_key("$script") => Value::String("script".into()),
        Value::Object(object) => {
            Value::Object(object.iter().map(|(key, value)| (key.clone(), scripts_as_text(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(scripts_as_text).collect()),
        other => other.clone(),
    }
}

/// `.url: expected text, …`, to be written behind the name of the whole.
impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", dotted(&self.pointer), self.message)?;
        match &self.nearest {
            Some(near) => write!(f, " (did you mean `{near}`?)"),
            None => Ok(()),
        }
    }
}

/// What a handler says of a config that it can't read: `config.files[0]: expected …`.
pub(crate) fn unreadable(error: &ConfigError) -> String {
    let dot = if error.path.is_empty() { "" } else { "." };
    format!("config{dot}{}: {}", error.path, error.message)
}

/// A JSON pointer as it is written in messages: `.files[0].path`; empty for the whole.
pub(crate) fn dotted(pointer: &str) -> String {
    pointer
        .split('/')
        .skip(1)
        .map(|part| match part.parse::<usize>() {
            Ok(index) => format!("[{index}]"),
            Err(_) => format!(".{}", part.replace("~1", "/").replace("~0", "~")),
        })
        .collect()
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
