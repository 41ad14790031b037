//! All layers into one mapping.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::layers::{Layer, Layers, Origins, Sourced};
use super::origin::Origin;
use crate::diagnostic::{Diagnostic, nearest};
use crate::document::path::{Path, Segment};
use crate::masking::Masker;

/// What the layers come to: each value with the layer that won.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The values, a mapping.
    pub value: Value,
    origins: Origins,
}

fn mask(origins: &mut Origins, masker: &Masker) {
    for one in origins.values_mut() {
        if let Origin::Runtime { how } | Origin::Parameter { how, .. } = &mut one.origin
            && masker.finds(how)
        {
            *how = masker.masked(how).into();
        }
        mask(&mut one.below, masker);
    }
}

/// Merges layers.
pub fn resolve(layers: &Layers) -> Resolved {
    let mut all = Layer::default();
    for layer in layers.iter().rev() {
        all.lay(layer);
    }
    Resolved { value: Value::Object(all.values), origins: all.origins }
}

impl Resolved {
    /// Takes secrets out of the values, and out of what says how they were given.
    pub(crate) fn mask(&mut self, masker: &Masker) {
        if !masker.is_empty() {
            masker.value(&mut self.value);
            mask(&mut self.origins, masker);
        }
    }

    /// The value of a key such as `changelog.dir`, if any layer sets it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.find(&key.parse().ok()?).map(|(value, _)| value)
    }

    /// Where the value of a key came from. A mapping came from the highest layer that has a part in it, an item of a
    /// list from where the list came from.
    pub fn origin_of(&self, key: &str) -> Option<&Origin> {
        self.find(&key.parse().ok()?).map(|(_, origin)| origin)
    }

    /// The value that a path leads to, and where it came from.
    pub fn find(&self, path: &Path) -> Option<(&Value, &Origin)> {
        let value = self.value.pointer(&path.to_pointer())?;
        Some((value, origin_at(&self.origins, path)?))
    }

    /// Every value that is not a mapping with entries, by its dotted key.
    pub fn leaves(&self) -> impl Iterator<Item = (String, &Value, &Origin)> {
        let mut leaves = Vec::new();
        if let Value::Object(values) = &self.value {
            collect(&Path::default(), values, &self.origins, &mut leaves);
        }
        leaves.into_iter()
    }

    /// The key of a value that is nearest to what was written.
    pub fn nearest_key(&self, written: &str) -> Option<String> {
        let keys = self.keys();
        nearest(written, keys.iter().map(String::as_str)).map(str::to_owned)
    }

    /// Says that no layer sets a key, and which one is near.
    pub fn unknown_key(&self, key: &str) -> Diagnostic {
        let diagnostic =
            Diagnostic::error("vwmp::unknown-config-key", format!("no layer sets the config key `{key}`"));
        match self.nearest_key(key) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic
                .help(format!("set it in the `config` of the workflow, or with `--set {key}=VALUE`")),
        }
    }

    /// The keys of values and of the mappings around them.
    fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for (leaf, ..) in self.leaves() {
            let ends = leaf.match_indices('.').map(|(at, _)| at).chain([leaf.len()]);
            keys.extend(ends.map(|end| leaf[..end].to_owned()));
        }
        keys.dedup();
        keys
    }
}

impl Layer {
    /// Puts another layer over this one.
    pub(super) fn lay(&mut self, upper: &Self) {
        lay(&mut self.values, &mut self.origins, &upper.values, &upper.origins);
    }

    /// What this layer alone says of a key.
    pub(super) fn find(&self, path: &Path) -> Option<(&Value, &Origin)> {
        let (first, rest) = path.segments().split_first()?;
        let Segment::Key(first) = first else { return None };
        let rest: Path = rest.iter().cloned().collect();
        let value = self.values.get(first)?.pointer(&rest.to_pointer())?;
        Some((value, origin_at(&self.origins, path)?))
    }
}

fn lay(values: &mut Map<String, Value>, origins: &mut Origins, upper: &Map<String, Value>, from: &Origins) {
    for ((key, value), sourced) in upper.iter().zip(from.values()) {
        match (values.get_mut(key), origins.get_mut(key), value) {
            (Some(Value::Object(values)), Some(below), Value::Object(upper)) => {
                below.origin = sourced.origin.clone();
                lay(values, &mut below.below, upper, &sourced.below);
            }
            _ => {
                values.insert(key.clone(), value.clone());
                origins.insert(key.clone(), sourced.clone());
            }
        }
    }
}

fn origin_at<'o>(origins: &'o Origins, path: &Path) -> Option<&'o Origin> {
    let mut found: Option<&Sourced> = None;
    for segment in path.segments() {
        let below = found.map_or(origins, |sourced| &sourced.below);
        match segment {
            Segment::Key(key) if !below.is_empty() => found = Some(below.get(key)?),
            // Inside a list, whose items have no origin of their own.
            _ => break,
        }
    }
    found.map(|sourced| &sourced.origin)
}

fn collect<'r>(
    path: &Path,
    values: &'r Map<String, Value>,
    origins: &'r IndexMap<String, Sourced>,
    leaves: &mut Vec<(String, &'r Value, &'r Origin)>,
) {
    for ((key, value), sourced) in values.iter().zip(origins.values()) {
        let path = path.clone().key(key);
        match value {
            Value::Object(values) if !values.is_empty() => collect(&path, values, &sourced.below, leaves),
            _ => leaves.push((path.to_string(), value, &sourced.origin)),
        }
    }
}
