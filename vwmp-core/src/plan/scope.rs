//! What expressions read of a plan: all that is known before the run.

use std::borrow::Cow;

use serde_json::Value;

use super::Plan;
use crate::template::{Namespace, Scope};

impl Scope for Plan {
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>> {
        match namespace {
            Namespace::Parameters => self.parameters.get(key).map(Cow::Borrowed),
            Namespace::Config => self.config.get(key).map(Cow::Borrowed),
            Namespace::Env => self.environment.get(key).map(|value| Cow::Owned(value.as_str().into())),
            Namespace::Adapter => self.adapter_configs.get(key).map(Cow::Borrowed),
            _ => None,
        }
    }

    fn keys(&self, namespace: Namespace) -> Vec<String> {
        let keys =
            |value: &Value| value.as_object().into_iter().flat_map(serde_json::Map::keys).cloned().collect();
        match namespace {
            Namespace::Parameters => keys(&self.parameters),
            Namespace::Config => keys(&self.config),
            Namespace::Env => self.environment.keys().cloned().collect(),
            Namespace::Adapter => self.adapter_configs.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
