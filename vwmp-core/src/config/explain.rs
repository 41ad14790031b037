//! Which layer won, and what it shadows.

use serde_json::Value;

use super::layers::Layers;
use super::origin::Origin;
use super::resolve::{Resolved, resolve};
use crate::diagnostic::Diagnostic;
use crate::document::Path;

/// Why a config key has its value.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Where the value came from; of a mapping, the highest layer that has a part in it.
    pub origin: Origin,
    /// What lower layers say of the key, the highest first.
    pub shadowed: Vec<(Value, Origin)>,
    /// The explanations of its entries, when it is a mapping.
    pub parts: Vec<Explanation>,
}

/// Explains a key such as `changelog.dir`.
///
/// # Errors
/// When no layer sets the key; the nearest key that one sets is named.
pub fn explain(layers: &Layers, key: &str) -> Result<Explanation, Diagnostic> {
    let resolved = resolve(layers);
    let path = key.parse().ok();
    path.and_then(|path| explain_path(layers, &resolved, &path)).ok_or_else(|| resolved.unknown_key(key))
}

fn explain_path(layers: &Layers, resolved: &Resolved, path: &Path) -> Option<Explanation> {
    let (value, origin) = resolved.find(path)?;
    let said = layers.iter().filter_map(|layer| layer.find(path)).skip(1);
    // Mappings merge: what a mapping shadows is told for each of its parts.
    let shadowed = said.filter(|(lower, _)| !(value.is_object() && lower.is_object()));
    let shadowed = shadowed.map(|(value, origin)| (value.clone(), origin.clone())).collect();
    let entries = value.as_object().into_iter().flat_map(serde_json::Map::keys);
    let parts =
        entries.filter_map(|entry| explain_path(layers, resolved, &path.clone().key(entry))).collect();
    Some(Explanation { key: path.to_string(), value: value.clone(), origin: origin.clone(), shadowed, parts })
}
