//! The items of a step that fans out.

use serde_json::{Map, Value};

use super::{FanOut, Items, MOST_ITEMS};
use crate::template::{Scope, Template};

/// Why a step has no items.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NoItems {
    message: String,
    too_many: bool,
}

/// The items of a step, in the order they start.
///
/// A matrix has every combination of its axes, the last axis changing fastest; then those that have all values of an
/// entry of `exclude` are left out; then each entry of `include` extends the combinations of the axes that it agrees
/// with, overriding what earlier entries added but no axis, or is a combination of its own where there are none. An
/// entry never extends one that another entry is.
///
/// # Errors
/// When a value can't be read, is no list, or there are more than [`MOST_ITEMS`].
pub fn items(fan: &FanOut, scope: &dyn Scope) -> Result<Vec<Value>, NoItems> {
    let items = match &fan.items {
        Items::ForEach(values) => list("foreach", values, scope)?,
        Items::Matrix { axes, include, exclude } => {
            let mut rows = combinations(axes, scope)?;
            if let Some(exclude) = exclude {
                let left_out = maps("matrix.exclude", exclude, scope)?;
                rows.retain(|row| !left_out.iter().any(|one| agrees(one, row)));
            }
            if let Some(include) = include {
                let names: Vec<&str> = axes.iter().map(|(name, _)| name.as_str()).collect();
                let of_axes = if axes.is_empty() { 0 } else { rows.len() };
                for more in maps("matrix.include", include, scope)? {
                    extend(&mut rows, of_axes, more, &names);
                }
            }
            rows.into_iter().map(Value::Object).collect()
        }
    };
    if items.len() > MOST_ITEMS { Err(too_many(items.len())) } else { Ok(items) }
}

impl NoItems {
    fn new(message: String) -> Self {
        Self { message, too_many: false }
    }

    /// Whether there would be more than [`MOST_ITEMS`].
    pub fn is_too_many(&self) -> bool {
        self.too_many
    }
}

fn combinations(axes: &[(String, Template)], scope: &dyn Scope) -> Result<Vec<Map<String, Value>>, NoItems> {
    let mut rows = vec![Map::new()];
    for (name, values) in axes {
        let values = list(&format!("matrix.{name}"), values, scope)?;
        if rows.len().saturating_mul(values.len()) > MOST_ITEMS {
            return Err(too_many(rows.len().saturating_mul(values.len())));
        }
        let with = |row: &Map<String, Value>, value: &Value| {
            let mut row = row.clone();
            row.insert(name.clone(), value.clone());
            row
        };
        rows = rows.iter().flat_map(|row| values.iter().map(move |value| with(row, value))).collect();
    }
    if axes.is_empty() {
        rows.clear();
    }
    Ok(rows)
}

/// Extends the first `of_axes` combinations, or adds one.
fn extend(rows: &mut Vec<Map<String, Value>>, of_axes: usize, more: Map<String, Value>, axes: &[&str]) {
    let mut extended = false;
    for row in &mut rows[..of_axes] {
        if axes.iter().all(|axis| more.get(*axis).is_none_or(|value| row.get(*axis) == Some(value))) {
            row.extend(more.clone());
            extended = true;
        }
    }
    if !extended {
        rows.push(more);
    }
}

/// Whether a combination has all these values.
fn agrees(part: &Map<String, Value>, row: &Map<String, Value>) -> bool {
    !part.is_empty() && part.iter().all(|(name, value)| row.get(name) == Some(value))
}

fn list(name: &str, values: &Template, scope: &dyn Scope) -> Result<Vec<Value>, NoItems> {
    match values.render(scope) {
        Ok(Value::Array(values)) => Ok(values),
        Ok(other) => {
            Err(NoItems::new(format!("{name}: expected a list, found {}", crate::schema::shown(&other))))
        }
        Err(error) => Err(NoItems::new(format!("{name}: {error}"))),
    }
}

fn maps(name: &str, values: &Template, scope: &dyn Scope) -> Result<Vec<Map<String, Value>>, NoItems> {
    let map = |value| match value {
        Value::Object(map) => Ok(map),
        other => {
            Err(NoItems::new(format!("{name}: expected mappings, found {}", crate::schema::shown(&other))))
        }
    };
    list(name, values, scope)?.into_iter().map(map).collect()
}

fn too_many(count: usize) -> NoItems {
    let message = format!("a step fans out to {MOST_ITEMS} items at most, and these are {count}");
    NoItems { message, too_many: true }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::Nothing;

    fn matrix(
        axes: &[(&str, Value)],
        include: Option<Value>,
        exclude: Option<Value>,
    ) -> Result<Vec<Value>, NoItems> {
        let axes = axes.iter().map(|(name, values)| ((*name).to_owned(), values.clone().into())).collect();
        let items =
            Items::Matrix { axes, include: include.map(Into::into), exclude: exclude.map(Into::into) };
        items_of(items)
    }

    fn items_of(items: Items) -> Result<Vec<Value>, NoItems> {
        super::items(&FanOut { items, max_parallel: None, fail_fast: false }, &Nothing)
    }

    #[test]
    fn a_matrix_has_every_combination_less_some_and_more_some() {
        let axes = [("os", json!(["a", "b"])), ("v", json!([1, 2]))];
        assert_eq!(
            matrix(&axes, None, Some(json!([{ "os": "a", "v": 2 }]))).unwrap(),
            [json!({ "os": "a", "v": 1 }), json!({ "os": "b", "v": 1 }), json!({ "os": "b", "v": 2 })]
        );
        let include = json!([{ "os": "a", "fast": true }, { "os": "c", "v": 9 }]);
        assert_eq!(
            matrix(&axes[..1], Some(include), None).unwrap(),
            [json!({ "os": "a", "fast": true }), json!({ "os": "b" }), json!({ "os": "c", "v": 9 })]
        );
        let only = json!([{ "x": 1 }, { "x": 1, "y": 2 }]);
        assert_eq!(matrix(&[], Some(only.clone()), None).unwrap(), *only.as_array().unwrap());
    }

    /// The example of GitHub's documentation, with one more entry that agrees with an added one alone.
    #[test]
    fn what_is_included_extends_the_axes_and_no_other_entry() {
        let axes = [("fruit", json!(["apple", "pear"])), ("animal", json!(["cat", "dog"]))];
        let include = json!([
            { "color": "green" },
            { "color": "pink", "animal": "cat" },
            { "fruit": "apple", "shape": "circle" },
            { "fruit": "banana" },
            { "fruit": "banana", "animal": "cat" },
            { "fruit": "banana", "shape": "long" },
        ]);
        assert_eq!(
            matrix(&axes, Some(include), None).unwrap(),
            [
                json!({ "fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle" }),
                json!({ "fruit": "apple", "animal": "dog", "color": "green", "shape": "circle" }),
                json!({ "fruit": "pear", "animal": "cat", "color": "pink" }),
                json!({ "fruit": "pear", "animal": "dog", "color": "green" }),
                json!({ "fruit": "banana" }),
                json!({ "fruit": "banana", "animal": "cat" }),
                json!({ "fruit": "banana", "shape": "long" }),
            ]
        );
    }

    #[test]
    fn what_is_no_list_or_too_long_is_told() {
        let many: Vec<usize> = (0..101).collect();
        let told = |result: Result<Vec<Value>, NoItems>| result.unwrap_err().to_string();
        assert_eq!(
            told(matrix(&[("a", json!(many)), ("b", json!(many))], None, None)),
            "a step fans out to 10000 items at most, and these are 10201"
        );
        assert_eq!(
            told(items_of(Items::ForEach(json!("x").into()))),
            "foreach: expected a list, found the text \"x\""
        );
        assert_eq!(
            told(matrix(&[("a", json!([1]))], Some(json!([1])), None)),
            "matrix.include: expected mappings, found the number 1"
        );
    }
}
