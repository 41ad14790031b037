//! Values and errors, between JSON and CEL.

use std::collections::HashMap;
use std::sync::Arc;

use cel::ExecutionError;
use cel::objects::{Key, Map};
use serde_json::{Number, Value};

use super::path::{Failure, Reference};

/// The longest list or map that is given to CEL, which has no other limit to its running time.
const MAX_ITEMS: usize = 10_000;

/// A list or map that is too long for CEL, with the number of its items.
pub(super) struct TooLong(usize);

/// Numbers become `int` wherever they fit: CEL has no `uint + int`.
pub(super) fn to_cel(value: &Value) -> Result<cel::Value, TooLong> {
    Ok(match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => number_to_cel(number),
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => {
            check_len(items.len())?;
            cel::Value::List(Arc::new(items.iter().map(to_cel).collect::<Result<_, _>>()?))
        }
        Value::Object(entries) => {
            check_len(entries.len())?;
            let entries = entries.iter().map(|(key, value)| Ok((Key::from(key.as_str()), to_cel(value)?)));
            cel::Value::Map(Map { map: Arc::new(entries.collect::<Result<HashMap<_, _>, _>>()?) })
        }
    })
}

fn number_to_cel(number: &Number) -> cel::Value {
    match (number.as_i64(), number.as_u64()) {
        (Some(int), _) => cel::Value::Int(int),
        (None, Some(uint)) => cel::Value::UInt(uint),
        (None, None) => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
    }
}

fn check_len(len: usize) -> Result<(), TooLong> {
    if len > MAX_ITEMS { Err(TooLong(len)) } else { Ok(()) }
}

impl TooLong {
    pub(super) fn of(&self, reference: &Reference) -> Failure {
        Failure {
            message: format!(
                "`{reference}` holds a list or map of {} items; an expression can work with at most {MAX_ITEMS}",
                self.0
            ),
            help: Some("pass the whole list with a path alone, or work on it in a step".into()),
            absent: false,
        }
    }
}

/// What an expression gave, as JSON; the keys of maps in order.
pub(super) fn from_cel(value: cel::Value) -> Result<Value, Failure> {
    Ok(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(value) => Value::Bool(value),
        cel::Value::Int(value) => value.into(),
        cel::Value::UInt(value) => value.into(),
        cel::Value::Float(value) => Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| not_a_value(&format!("the number {value}")))?,
        cel::Value::String(text) => Value::String(Arc::unwrap_or_clone(text)),
        cel::Value::List(items) => {
            Value::Array(Arc::unwrap_or_clone(items).into_iter().map(from_cel).collect::<Result<_, _>>()?)
        }
        cel::Value::Map(map) => {
            let mut entries: Vec<_> = Arc::unwrap_or_clone(map.map).into_iter().collect();
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            let entries = entries.into_iter().map(|(key, value)| Ok((key.to_string(), from_cel(value)?)));
            Value::Object(entries.collect::<Result<_, _>>()?)
        }
        other => return Err(not_a_value(&format!("a {}", other.type_of()))),
    })
}

fn not_a_value(what: &str) -> Failure {
    Failure {
        message: format!("it gives {what}, which is no value of a workflow"),
        help: None,
        absent: false,
    }
}

/// An error of CEL in the user's words. It names types rather than values, which may be long.
pub(super) fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no key `{key}`"),
        ExecutionError::NoSuchOverload(overload) => {
            let types: Vec<&str> = overload.argument_types().iter().map(|name| type_name(name)).collect();
            not_for(overload.function(), &types)
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => not_for(
            operator,
            &[type_name(&left.type_of().to_string()), type_name(&right.type_of().to_string())],
        ),
        ExecutionError::ValuesNotComparable(left, right) => {
            let (left, right) = (left.type_of().to_string(), right.type_of().to_string());
            format!("{} and {} can't be compared", type_name(&left), type_name(&right))
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero".into(),
        ExecutionError::Overflow(operator, ..) => {
            format!("the result of `{}` is too large", symbol(operator))
        }
        ExecutionError::IndexOutOfBounds(_) => "an index is outside of its list".into(),
        ExecutionError::FunctionError { function, message } if function == super::cel_budget::PART => {
            message.clone()
        }
        ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
        ExecutionError::UndeclaredReference(name) => format!("there is no function `{name}` for this value"),
        ExecutionError::UnexpectedType { want, .. } => format!("a {want} is expected"),
        _ => "it can't be evaluated with these values".into(),
    }
}

fn not_for(function: &str, types: &[&str]) -> String {
    if function == super::cel_tree::ITEMS {
        return format!("only lists and maps have items, not {}", types.join(", "));
    }
    if types.is_empty() {
        return format!("`{}` can't be used without a value", symbol(function));
    }
    let types = types.join(" and ");
    format!("`{}` can't be used with {types}", symbol(function))
}

fn type_name(name: &str) -> &str {
    match name {
        "null_type" => "null",
        name => name,
    }
}

/// `_>_` and `gt` are written `>`.
fn symbol(function: &str) -> &str {
    match function {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        "_[_]" => "[]",
        "_?_:_" => "?:",
        "@in" => "in",
        super::cel_budget::REPLACE => "replace",
        name => name.trim_matches('_'),
    }
}
