//! TOML texts and where their values are.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::key::{KeyPath, Spot};

/// A TOML text and where its values are. A byte order mark isn't TOML, and is left out of it.
pub(in crate::release) struct Toml<'t> {
    text: &'t str,
    document: Document<&'t str>,
    skipped: usize,
}

impl<'t> Toml<'t> {
    /// # Errors
    /// What is wrong, to follow the file's name.
    pub(in crate::release) fn read(text: &'t str) -> Result<Self, String> {
        let toml = text.trim_start_matches('\u{feff}');
        let document = Document::parse(toml).map_err(|error| {
            let line = error.span().map_or(1, |span| toml[..span.start].matches('\n').count() + 1);
            format!("isn't valid TOML: line {line}: {}", error.message())
        })?;
        Ok(Self { text, document, skipped: text.len() - toml.len() })
    }

    /// The item at a dotted path.
    pub(in crate::release) fn at(&self, path: &str) -> Option<&Item> {
        path.split('.').try_fold(self.document.as_item(), |item, key| item.as_table_like()?.get(key))
    }

    /// The table at a dotted path.
    pub(in crate::release) fn table(&self, path: &str) -> Option<&dyn TableLike> {
        self.at(path)?.as_table_like()
    }

    /// The table of everything.
    pub(in crate::release) fn table_of_all(&self) -> Option<&dyn TableLike> {
        self.document.as_item().as_table_like()
    }

    /// The strings of an array at a dotted path.
    pub(in crate::release) fn strings(&self, path: &str) -> Vec<&str> {
        let items = self.at(path).and_then(Item::as_array).into_iter().flatten();
        items.filter_map(toml_edit::Value::as_str).collect()
    }

    /// A string without escapes, and where it stands between its quotes.
    pub(in crate::release) fn string(&self, item: &Item) -> Option<(&'t str, Range<usize>)> {
        self.inner(item.span()?, item.as_str()?)
    }

    /// Where a string of this value stands between its quotes.
    pub(in crate::release) fn inner(
        &self,
        span: Range<usize>,
        value: &str,
    ) -> Option<(&'t str, Range<usize>)> {
        let inner = self.skipped + span.start + 1..(self.skipped + span.end).checked_sub(1)?;
        let text = self.text.get(inner.clone())?;
        (value == text).then_some((text, inner))
    }
}

/// The value at a key.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn spots(text: &str, key: &KeyPath) -> Result<Vec<Spot>, String> {
    let toml = Toml::read(text)?;
    let mut item = toml.document.as_item();
    for (index, part) in key.parts().iter().enumerate() {
        let next = match (item.as_table_like(), item.as_array(), item.as_array_of_tables()) {
            (Some(table), ..) => table.get(part),
            (_, Some(array), _) => {
                let value = part.parse().ok().and_then(|at: usize| array.get(at));
                // The elements of an array are values, not items.
                return match value.filter(|_| index + 1 == key.parts().len()) {
                    Some(value) => {
                        let span = value.span().zip(value.as_str());
                        let inner = span.and_then(|(span, text)| toml.inner(span, text));
                        Ok(vec![spot(inner, key)?])
                    }
                    None => Ok(Vec::new()),
                };
            }
            (.., Some(tables)) => {
                let table = part.parse().ok().and_then(|at: usize| tables.get(at));
                return match (table, &key.parts()[index + 1..]) {
                    (Some(table), [last]) => {
                        table.get(last).map(|item| spot(toml.string(item), key)).into_iter().collect()
                    }
                    _ => Ok(Vec::new()),
                };
            }
            _ => None,
        };
        match next {
            Some(next) => item = next,
            None => return Ok(Vec::new()),
        }
    }
    Ok(vec![spot(toml.string(item), key)?])
}

fn spot(found: Option<(&str, Range<usize>)>, key: &KeyPath) -> Result<Spot, String> {
    let (value, span) = found.ok_or_else(|| format!("has no plain string at `{key}`"))?;
    Ok(Spot { value: value.to_owned(), span })
}
