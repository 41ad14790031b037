//! Where the values of a JSON text are.

use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::key::{KeyPath, Spot};

/// The entries of an object or an array, with keys that are there twice twice.
struct Entries<'t>(Vec<(String, &'t RawValue)>);

/// The strings at a key; two where it is written twice.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(in crate::release) fn spots(text: &str, key: &KeyPath) -> Result<Vec<Spot>, String> {
    let json = text.trim_start_matches('\u{feff}');
    serde_json::from_str::<IgnoredAny>(json).map_err(|error| format!("isn't valid JSON: {error}"))?;
    let mut values = vec![json.trim()];
    for part in key.parts() {
        let mut next = Vec::new();
        for value in values {
            let Ok(Entries(entries)) = serde_json::from_str(value) else { continue };
            next.extend(entries.into_iter().filter(|(name, _)| name == part).map(|(_, raw)| raw.get()));
        }
        values = next;
    }
    // Every raw value is a slice of the text, so its address is its place.
    let start = |raw: &str| raw.as_ptr().addr() - text.as_ptr().addr();
    let spot = |raw: &str| {
        let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        let inner = inner.filter(|inner| !inner.contains('\\'));
        let value = inner.ok_or_else(|| format!("has no plain string at `{key}`"))?.to_owned();
        let start = start(raw) + 1;
        Ok(Spot { span: start..start + value.len(), value })
    };
    values.into_iter().map(spot).collect()
}

impl<'de: 't, 't> Deserialize<'de> for Entries<'t> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(value) = seq.next_element()? {
                    entries.push((entries.len().to_string(), value));
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_any(Reader).map(Self)
    }
}
