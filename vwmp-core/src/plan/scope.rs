//! The plan's own values, as expressions read them.

use std::borrow::Cow;

use serde_json::Value;

use super::Plan;
use crate::template::{Namespace, Scope};

impl Scope for Plan {
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>> {
        match namespace {
            Namespace::Parameters => self.parameters.get(key).map(Cow::Borrowed),
            Namespace::Config => self.config.get(key).map(Cow::Borrowed),
            Namespace::Env => self.environment.get(key).map(|text| Cow::Owned(text.as_str().into())),
            Namespace::Adapter => {
                let adapter = self.adapters.iter().find(|adapter| adapter.instance == key);
                adapter.map(|adapter| Cow::Borrowed(&adapter.config))
            }
            _ => None,
        }
    }

    fn keys(&self, namespace: Namespace) -> Vec<String> {
        let of = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect());
        match namespace {
            Namespace::Parameters => of(&self.parameters).unwrap_or_default(),
            Namespace::Config => of(&self.config).unwrap_or_default(),
            Namespace::Env => self.environment.keys().cloned().collect(),
            Namespace::Adapter => self.adapters.iter().map(|adapter| adapter.instance.clone()).collect(),
            _ => Vec::new(),
        }
    }
}
