//! What the layers are, for a workflow, for a step and for an adapter.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::defaults;
use super::file::{ConfigFile, Entry};
use super::origin::Origin;
use crate::document::path::{Path, Segment};
use crate::document::{Key, NodeRef, plain_value};
use crate::source::{Source, Span};

/// Layers, the highest first. To clone them is cheap.
#[derive(Debug, Clone, Default)]
pub struct Layers(Vec<Arc<Layer>>);

/// The values of one layer, each with its origin.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    pub(super) values: Map<String, Value>,
    pub(super) origins: Origins,
}

/// The origins of the entries of a mapping.
pub(super) type Origins = IndexMap<String, Sourced>;

/// The origin of a value, and those of its entries when it is a mapping.
#[derive(Debug, Clone)]
pub(super) struct Sourced {
    pub(super) origin: Origin,
    pub(super) below: Origins,
}

/// What the `config` of a workflow is made of.
#[derive(Debug, Clone, Default)]
pub struct WorkflowLayers<'a> {
    /// `--set`; those that begin with `adapter.` are for adapters and are passed over. The last of a key wins.
    pub settings: &'a [Setting],
    /// The parameters that were given. One counts when another layer, or the schema, has a key of its name.
    pub parameters: &'a [Parameter],
    /// The `config` of the workflow, then of the one it extends, and so on.
    pub workflows: Vec<NodeRef<'a>>,
    /// The type of the workflow.
    pub workflow_type: Option<&'a str>,
    /// The config file of the workspace, then that of the user.
    pub files: Vec<&'a ConfigFile>,
    /// The config schema of the workflow type.
    pub schema: Option<&'a Value>,
    /// The environment; variables without the prefix `VWMP_CONFIG_` are passed over.
    pub environment: Option<&'a BTreeMap<String, String>>,
}

/// What the config of a step is made of.
#[derive(Debug, Clone, Default)]
pub struct HandlerLayers<'a> {
    /// The handler.
    pub handler: &'a str,
    /// The `config` of the step, then of the step it inherits from, and so on.
    pub steps: Vec<NodeRef<'a>>,
    /// The config file of the workspace, then that of the user.
    pub files: Vec<&'a ConfigFile>,
    /// The config schema of the handler.
    pub schema: Option<&'a Value>,
}

/// What the config of an adapter is made of.
#[derive(Debug, Clone, Default)]
pub struct AdapterLayers<'a> {
    /// The adapter, such as `git`, or an instance of it, such as `git@docs`: what is set for the instance comes before
    /// what is set for the adapter.
    pub adapter: &'a str,
    /// `--set`; those that begin with `adapter.<name>.` count. The last of a key wins.
    pub settings: &'a [Setting],
    /// The config file of the workspace, then that of the user.
    pub files: Vec<&'a ConfigFile>,
    /// The config schema of the adapter.
    pub schema: Option<&'a Value>,
}

/// A value that was set at run time.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The key; dots separate nested keys.
    pub key: String,
    /// The value.
    pub value: Value,
    /// How it was set, such as `--set version_file=V`.
    pub how: String,
}

/// A parameter that was given.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// How it was given, such as `-p increment=minor`; may be empty.
    pub how: String,
}

impl WorkflowLayers<'_> {
    /// The six layers; those that set nothing are left out.
    pub fn layers(&self) -> Layers {
        let lower = self.below_runtime();
        let for_workflow = self.settings.iter().filter(|setting| !setting.key.starts_with("adapter."));
        let known = |parameter: &&Parameter| {
            lower.iter().any(|layer| layer.values.contains_key(&parameter.name))
                || self.declares(&parameter.name)
        };
        let mut layers = Layers::default();
        layers.push(Layer::settings(for_workflow.map(|setting| (setting.key.as_str(), setting))));
        layers.push(Layer::parameters(self.parameters.iter().filter(known)));
        layers.0.extend(lower.0);
        layers
    }

    fn below_runtime(&self) -> Layers {
        let mut layers = Layers::default();
        for &workflow in &self.workflows {
            layers.push(Layer::workflow(workflow));
        }
        let name = self.workflow_type.unwrap_or_default();
        for file in &self.files {
            layers.push(Layer::plugin(file.workflow_type(name)));
        }
        for file in &self.files {
            layers.push(file.config().map(Layer::global).unwrap_or_default());
        }
        layers.push(self.schema.map(|schema| Layer::defaults(name, schema)).unwrap_or_default());
        layers.push(self.environment.map(Layer::environment).unwrap_or_default());
        layers
    }

    fn declares(&self, key: &str) -> bool {
        self.schema.is_some_and(|schema| !schema["properties"][key].is_null())
    }
}

impl HandlerLayers<'_> {
    /// The layers; those that set nothing are left out.
    pub fn layers(&self) -> Layers {
        let mut layers = Layers::default();
        for &step in &self.steps {
            layers.push(Layer::workflow(step));
        }
        for file in &self.files {
            layers.push(Layer::plugin(file.step_handler(self.handler)));
        }
        layers.push(self.schema.map(|schema| Layer::defaults(self.handler, schema)).unwrap_or_default());
        layers
    }
}

impl AdapterLayers<'_> {
    /// The layers; those that set nothing are left out.
    pub fn layers(&self) -> Layers {
        let base = self.adapter.split_once('@').map(|(base, _)| base);
        let names = || std::iter::once(self.adapter).chain(base);
        let mut layers = Layers::default();
        for name in names() {
            let prefix = format!("adapter.{name}.");
            let own = self.settings.iter().filter_map(|set| Some((set.key.strip_prefix(&prefix)?, set)));
            layers.push(Layer::settings(own));
        }
        for name in names() {
            for file in &self.files {
                layers.push(Layer::plugin(file.integration_adapter(name)));
            }
        }
        let plugin = base.unwrap_or(self.adapter);
        layers.push(self.schema.map(|schema| Layer::defaults(plugin, schema)).unwrap_or_default());
        layers
    }
}

impl Layers {
    /// These layers with one more on top.
    #[must_use]
    pub fn below(&self, top: Layer) -> Self {
        let mut layers = Self::default();
        layers.push(top);
        layers.0.extend(self.iter().cloned());
        layers
    }

    /// The layers, the highest first.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Arc<Layer>> {
        self.0.iter()
    }

    /// Adds a layer below all others.
    fn push(&mut self, layer: Layer) {
        if !layer.values.is_empty() {
            self.0.push(Arc::new(layer));
        }
    }
}

impl Layer {
    /// The `config` of a workflow or of a step; empty when it is no mapping.
    pub fn workflow(node: NodeRef<'_>) -> Self {
        Self::of_node(node, &|source, span| Origin::Workflow { source: Arc::clone(source), span })
    }

    /// The defaults that the schema of a plugin declares.
    pub fn defaults(plugin: &str, schema: &Value) -> Self {
        Self::of_values(defaults::of(schema), &Origin::Default { plugin: plugin.into() })
    }

    fn global(node: NodeRef<'_>) -> Self {
        Self::of_node(node, &|source, span| Origin::Global { source: Arc::clone(source), span })
    }

    fn plugin(entry: Option<Entry<'_>>) -> Self {
        let Some((entry, node)) = entry.and_then(|entry| Some((entry, entry.config?))) else {
            return Self::default();
        };
        let name: Arc<str> = entry.name.into();
        Self::of_node(node, &|source, span| Origin::Plugin {
            name: Arc::clone(&name),
            source: Arc::clone(source),
            span,
        })
    }

    fn settings<'a>(settings: impl Iterator<Item = (&'a str, &'a Setting)>) -> Self {
        settings.fold(Self::default(), |layer, (key, setting)| {
            layer.with(
                keys(key),
                setting.value.clone(),
                &Origin::Runtime { how: setting.how.as_str().into() },
            )
        })
    }

    fn parameters<'a>(parameters: impl Iterator<Item = &'a Parameter>) -> Self {
        parameters.fold(Self::default(), |layer, Parameter { name, value, how }| {
            let origin = Origin::Parameter { name: name.as_str().into(), how: how.as_str().into() };
            layer.with(vec![name.clone()], value.clone(), &origin)
        })
    }

    /// `VWMP_CONFIG_A__B=3` sets `a.b` to the number 3.
    fn environment(environment: &BTreeMap<String, String>) -> Self {
        let of_config = environment
            .iter()
            .filter_map(|(variable, value)| Some((variable, variable.strip_prefix("VWMP_CONFIG_")?, value)));
        of_config.filter(|(_, key, _)| !key.is_empty()).fold(
            Self::default(),
            |layer, (variable, key, value)| {
                let keys = key.to_lowercase().split("__").map(str::to_owned).collect();
                layer.with(
                    keys,
                    plain_value(value),
                    &Origin::Environment { variable: variable.as_str().into() },
                )
            },
        )
    }

    /// This layer with one more value, which replaces what was set before.
    fn with(mut self, keys: Vec<String>, value: Value, origin: &Origin) -> Self {
        let nested =
            keys.into_iter().rev().fold(value, |value, key| Value::Object(Map::from_iter([(key, value)])));
        let Value::Object(values) = nested else { return self };
        self.lay(&Self::of_values(values, origin));
        self
    }

    fn of_values(values: Map<String, Value>, origin: &Origin) -> Self {
        let origins = origins_of_values(&values, origin);
        Self { values, origins }
    }

    fn of_node(node: NodeRef<'_>, origin: &dyn Fn(&Arc<Source>, Span) -> Origin) -> Self {
        match node.to_json() {
            Value::Object(values) => Self { values, origins: origins_of_node(node, origin) },
            _ => Self::default(),
        }
    }
}

fn origins_of_values(values: &Map<String, Value>, origin: &Origin) -> Origins {
    let entry = |(key, value): (&String, &Value)| {
        let below = value.as_object().map(|map| origins_of_values(map, origin)).unwrap_or_default();
        (key.clone(), Sourced { origin: origin.clone(), below })
    };
    values.iter().map(entry).collect()
}

fn origins_of_node(node: NodeRef<'_>, origin: &dyn Fn(&Arc<Source>, Span) -> Origin) -> Origins {
    let entry = |(key, value): (Key<'_>, NodeRef<'_>)| {
        let sourced =
            Sourced { origin: origin(value.source(), value.span()), below: origins_of_node(value, origin) };
        (key.text.to_owned(), sourced)
    };
    node.entries().map(entry).collect()
}

/// The keys of a dotted key; a text that is no path of keys is one key.
pub(super) fn keys(dotted: &str) -> Vec<String> {
    let keys = dotted.parse::<Path>().ok().and_then(|path| {
        let key = |segment: &Segment| match segment {
            Segment::Key(key) => Some(key.clone()),
            Segment::Index(_) => None,
        };
        path.segments().iter().map(key).collect::<Option<Vec<_>>>()
    });
    keys.filter(|keys| !keys.is_empty()).unwrap_or_else(|| vec![dotted.to_owned()])
}
