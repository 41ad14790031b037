//! Values on their way to PostgreSQL and back.

use std::error::Error;

use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use vwmp_interfaces::StepError;

use crate::checksum::hexadecimal;

/// A value that goes as text, which the server reads as whatever type its parameter has.
#[derive(Debug)]
pub(super) struct Bound(Option<String>);

impl Bound {
    pub(super) fn of(value: &Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }
}

impl ToSql for Bound {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) if text.contains('\0') => {
                Err("text with a NUL byte, which PostgreSQL doesn't take".into())
            }
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// The values of a row.
///
/// # Errors
/// When a column has a type that isn't known here.
pub(super) fn values(row: &Row) -> Result<Vec<Value>, StepError> {
    (0..row.len())
        .map(|index| {
            let cell = row.try_get::<_, Option<Cell>>(index);
            cell.map(|cell| cell.map_or(Value::Null, |cell| cell.0)).map_err(|_| {
                let column = &row.columns()[index];
                StepError::invalid(format!(
                    "the column `{name}` has the type {kind}, which isn't known here; select it as text: \
                     `{name}::text AS {name}`",
                    name = column.name(),
                    kind = column.type_()
                ))
            })
        })
        .collect()
}

/// A value of one of the known types.
struct Cell(Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let value = match *kind {
            Type::BOOL => bool::from_sql(kind, raw)?.into(),
            Type::INT2 => i16::from_sql(kind, raw)?.into(),
            Type::INT4 => i32::from_sql(kind, raw)?.into(),
            Type::INT8 => i64::from_sql(kind, raw)?.into(),
            Type::OID => u32::from_sql(kind, raw)?.into(),
            Type::FLOAT4 => real(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => real(f64::from_sql(kind, raw)?),
            Type::NUMERIC => numeric(raw).ok_or("a number that can't be read")?.into(),
            Type::JSON | Type::JSONB => Value::from_sql(kind, raw)?,
            Type::UUID => uuid::Uuid::from_sql(kind, raw)?.to_string().into(),
            Type::TIMESTAMP => jiff::civil::DateTime::from_sql(kind, raw)?.to_string().into(),
            Type::TIMESTAMPTZ => jiff::Timestamp::from_sql(kind, raw)?.to_string().into(),
            Type::DATE => jiff::civil::Date::from_sql(kind, raw)?.to_string().into(),
            Type::TIME => jiff::civil::Time::from_sql(kind, raw)?.to_string().into(),
            Type::BYTEA => hexadecimal(raw).into(),
            Type::BOOL_ARRAY
            | Type::INT2_ARRAY
            | Type::INT4_ARRAY
            | Type::INT8_ARRAY
            | Type::TEXT_ARRAY
            | Type::VARCHAR_ARRAY
            | Type::FLOAT8_ARRAY
            | Type::UUID_ARRAY => {
                let cells = Vec::<Option<Self>>::from_sql(kind, raw)?;
                cells.into_iter().map(|cell| cell.map_or(Value::Null, |cell| cell.0)).collect()
            }
            _ => std::str::from_utf8(raw)?.into(),
        };
        Ok(Self(value))
    }

    fn accepts(kind: &Type) -> bool {
        let texts = [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME, Type::UNKNOWN];
        let known = [
            Type::BOOL,
            Type::INT2,
            Type::INT4,
            Type::INT8,
            Type::OID,
            Type::FLOAT4,
            Type::FLOAT8,
            Type::NUMERIC,
            Type::JSON,
            Type::JSONB,
            Type::UUID,
            Type::TIMESTAMP,
            Type::TIMESTAMPTZ,
            Type::DATE,
            Type::TIME,
            Type::BYTEA,
            Type::BOOL_ARRAY,
            Type::INT2_ARRAY,
            Type::INT4_ARRAY,
            Type::INT8_ARRAY,
            Type::TEXT_ARRAY,
            Type::VARCHAR_ARRAY,
            Type::FLOAT8_ARRAY,
            Type::UUID_ARRAY,
        ];
        let is_enum = matches!(kind.kind(), tokio_postgres::types::Kind::Enum(_));
        texts.contains(kind) || known.contains(kind) || is_enum
    }
}

/// JSON has no infinity.
fn real(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

/// A decimal number as text, so that no digit is lost. It comes as digits to the base of 10,000.
fn numeric(raw: &[u8]) -> Option<String> {
    let word =
        |index: usize| raw.get(index * 2..index * 2 + 2).map(|two| i16::from_be_bytes([two[0], two[1]]));
    let (count, weight, sign, scale) = (word(0)?, word(1)?, word(2)?, word(3)?);
    match sign.cast_unsigned() {
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let digit = |place: i16| {
        let index = weight - place;
        if (0..count).contains(&index) { word(4 + usize::try_from(index).ok()?) } else { Some(0) }
    };
    let mut text = if sign == 0 { String::new() } else { "-".to_owned() };
    if weight < 0 {
        text.push('0');
    }
    for place in (0..=weight).rev() {
        let four = digit(place)?;
        text += &if place == weight { four.to_string() } else { format!("{four:04}") };
    }
    if scale > 0 {
        let mut fraction = String::new();
        let places = (scale + 3) / 4;
        for place in 1..=places {
            fraction += &format!("{:04}", digit(-place)?);
        }
        fraction.truncate(usize::try_from(scale).ok()?);
        text.push('.');
        text += &fraction;
    }
    Some(text)
}
