//! What a scalar without quotes means: the core schema of YAML 1.2, without its surprises.
//!
//! Text are `0123456` (a postal code, a commit), `12e4567` (no such number), `1_000`, `0b11`, `yes` and `off`.

use super::super::Value;

/// The meaning of a plain scalar.
pub(super) enum Plain {
    /// A value other than text.
    Value(Value),
    /// Text.
    Text,
    /// `.inf` or `.nan`: a number that JSON does not have.
    NotFinite,
}

pub(super) fn resolve(text: &str) -> Plain {
    let Some(&first) = text.as_bytes().first() else { return Plain::Value(Value::Null) };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => number(text),
        b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' => word(text),
        _ => Plain::Text,
    }
}

fn word(text: &str) -> Plain {
    match text {
        "~" | "null" | "Null" | "NULL" => Plain::Value(Value::Null),
        "true" | "True" | "TRUE" => Plain::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => Plain::Value(Value::Bool(false)),
        _ => Plain::Text,
    }
}

fn number(text: &str) -> Plain {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Plain::NotFinite;
    }
    let value = match text.get(..2) {
        Some("0x") => radix(&text[2..], 16),
        Some("0o") => radix(&text[2..], 8),
        _ if is_whole(digits) => whole(text),
        _ if is_decimal(digits) => {
            text.parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Float)
        }
        _ => None,
    };
    value.map_or(Plain::Text, Plain::Value)
}

/// Beyond 64 bits, and where a float would not be the same number, the value stays text.
fn whole(text: &str) -> Option<Value> {
    text.parse().map(Value::Int).ok().or_else(|| text.parse().ok().and_then(unsigned))
}

fn radix(digits: &str, radix: u32) -> Option<Value> {
    // The parser of the standard library takes a sign here, YAML does not.
    let signed = digits.starts_with(['+', '-']);
    u64::from_str_radix(digits, radix).ok().filter(|_| !signed).and_then(unsigned)
}

fn unsigned(value: u64) -> Option<Value> {
    let float = value as f64;
    i64::try_from(value)
        .map(Value::Int)
        .ok()
        .or_else(|| (float as u128 == u128::from(value)).then_some(Value::Float(float)))
}

fn is_whole(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() && !has_leading_zero(digits)
}

fn is_decimal(digits: &str) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (digits, "0"),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    [before, after, exponent].into_iter().all(all_digits)
        && before.len() + after.len() > 0
        && !exponent.is_empty()
        && !has_leading_zero(before)
}

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}
