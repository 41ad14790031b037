//! What can be used: the plugins that are linked, and those added by hand. The only reader of
//! `inventory`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use vwmp_interfaces::Capability;
use vwmp_interfaces::erased::{DynAdapter, DynStep, DynWorkflowType};
use vwmp_interfaces::private::inventory;
use vwmp_interfaces::register::{AdapterEntry, Origin, StepEntry, WorkflowTypeEntry};

use crate::document::Document;
use crate::schema::{Schema, SchemaError};
use crate::template::marked;

/// Everything a program can use, sorted by name.
#[derive(Default, Clone)]
pub struct Registry {
    steps: BTreeMap<String, Arc<RegisteredStep>>,
    adapters: BTreeMap<String, Arc<RegisteredAdapter>>,
    workflow_types: BTreeMap<String, Arc<RegisteredWorkflowType>>,
}

/// A handler, with where it comes from.
pub struct RegisteredStep {
    step: Arc<dyn DynStep>,
    origin: Origin,
    config: OnceLock<Schema>,
    output: OnceLock<Schema>,
    takes_secrets: OnceLock<bool>,
    /// What a composite handler is made of: its own text first, then those of the composite handlers that it uses.
    composite: Option<Arc<[Arc<Document>]>>,
}

/// An adapter, with where it comes from.
pub struct RegisteredAdapter {
    adapter: Arc<dyn DynAdapter>,
    origin: Origin,
    config: OnceLock<Schema>,
}

/// A workflow type, with where it comes from.
pub struct RegisteredWorkflowType {
    plugin: Arc<dyn DynWorkflowType>,
    origin: Origin,
    config: OnceLock<Schema>,
}

/// Two plugins claim the same name.
#[derive(Debug, thiserror::Error)]
#[error(
    "the {kind} `{name}` is claimed twice: by {first} and by {second}; rename one of them or leave out one crate"
)]
pub struct NameClash {
    /// `handler`, `adapter` or `workflow type`.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// Who has it.
    pub first: Box<Origin>,
    /// Who wants it as well.
    pub second: Box<Origin>,
}

impl Registry {
    /// Everything that the linker brought in.
    ///
    /// # Errors
    /// When two crates claim one name.
    pub fn linked() -> Result<Self, NameClash> {
        let mut registry = Self::default();
        // The order of inventory's lists is unspecified; sorted, a clash is always told the same way.
        let mut steps: Vec<&StepEntry> = inventory::iter::<StepEntry>().collect();
        steps.sort_by_key(|entry| (entry.name, entry.origin.to_string()));
        for entry in steps {
            registry.add_step((entry.make)(), entry.origin.clone())?;
        }
        let mut adapters: Vec<&AdapterEntry> = inventory::iter::<AdapterEntry>().collect();
        adapters.sort_by_key(|entry| (entry.name, entry.origin.to_string()));
        for entry in adapters {
            registry.add_adapter((entry.make)(), entry.origin.clone())?;
        }
        let mut types: Vec<&WorkflowTypeEntry> = inventory::iter::<WorkflowTypeEntry>().collect();
        types.sort_by_key(|entry| (entry.name, entry.origin.to_string()));
        for entry in types {
            registry.add_workflow_type((entry.make)(), entry.origin.clone())?;
        }
        Ok(registry)
    }

    /// Adds a handler that is not linked: from a plugin host, or a test.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add_step(&mut self, step: Arc<dyn DynStep>, origin: Origin) -> Result<(), NameClash> {
        self.add(step, origin, None)
    }

    /// Adds a handler that is made of texts.
    pub(crate) fn add_composite(
        &mut self,
        step: Arc<dyn DynStep>,
        origin: Origin,
        texts: Arc<[Arc<Document>]>,
    ) -> Result<(), NameClash> {
        self.add(step, origin, Some(texts))
    }

    fn add(
        &mut self,
        step: Arc<dyn DynStep>,
        origin: Origin,
        composite: Option<Arc<[Arc<Document>]>>,
    ) -> Result<(), NameClash> {
        let name = step.name().to_owned();
        let one = RegisteredStep {
            step,
            origin,
            config: OnceLock::new(),
            output: OnceLock::new(),
            takes_secrets: OnceLock::new(),
            composite,
        };
        claim("handler", &mut self.steps, name, one, |one| &one.origin)
    }

    /// Adds an adapter that is not linked.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add_adapter(&mut self, adapter: Arc<dyn DynAdapter>, origin: Origin) -> Result<(), NameClash> {
        let name = adapter.name().to_owned();
        let one = RegisteredAdapter { adapter, origin, config: OnceLock::new() };
        claim("adapter", &mut self.adapters, name, one, |one| &one.origin)
    }

    /// Adds a workflow type that is not linked.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add_workflow_type(
        &mut self,
        plugin: Arc<dyn DynWorkflowType>,
        origin: Origin,
    ) -> Result<(), NameClash> {
        let name = plugin.name().to_owned();
        let one = RegisteredWorkflowType { plugin, origin, config: OnceLock::new() };
        claim("workflow type", &mut self.workflow_types, name, one, |one| &one.origin)
    }

    /// The handler of that name.
    pub fn step(&self, name: &str) -> Option<&Arc<RegisteredStep>> {
        self.steps.get(name)
    }

    /// The adapter of that name; an instance such as `git@docs` is the adapter `git`.
    pub fn adapter(&self, instance: &str) -> Option<&Arc<RegisteredAdapter>> {
        self.adapters.get(instance.split('@').next().unwrap_or(instance))
    }

    /// The workflow type of that name.
    pub fn workflow_type(&self, name: &str) -> Option<&Arc<RegisteredWorkflowType>> {
        self.workflow_types.get(name)
    }

    /// The text of a composite handler.
    pub fn composite(&self, name: &str) -> Option<&Arc<Document>> {
        self.step(name)?.composite()?.first()
    }

    /// The same, without any composite handler.
    #[must_use]
    pub fn without_composites(&self) -> Self {
        let mut others = self.clone();
        others.steps.retain(|_, step| step.composite.is_none());
        others
    }

    /// Takes composite handlers out.
    pub(crate) fn remove_composites(&mut self, names: &[String]) {
        self.steps.retain(|name, step| step.composite.is_none() || !names.contains(name));
    }

    /// All handlers, by name.
    pub fn steps(&self) -> impl Iterator<Item = &Arc<RegisteredStep>> {
        self.steps.values()
    }

    /// All adapters, by name.
    pub fn adapters(&self) -> impl Iterator<Item = &Arc<RegisteredAdapter>> {
        self.adapters.values()
    }

    /// All workflow types, by name.
    pub fn workflow_types(&self) -> impl Iterator<Item = &Arc<RegisteredWorkflowType>> {
        self.workflow_types.values()
    }

    /// The adapters that serve a capability, by name.
    pub fn serving(&self, capability: Capability) -> impl Iterator<Item = &Arc<RegisteredAdapter>> {
        self.adapters().filter(move |adapter| adapter.serves().contains(&capability))
    }
}

fn claim<T>(
    kind: &'static str,
    all: &mut BTreeMap<String, Arc<T>>,
    name: String,
    one: T,
    origin: impl Fn(&T) -> &Origin,
) -> Result<(), NameClash> {
    match all.entry(name) {
        Entry::Vacant(place) => {
            place.insert(Arc::new(one));
            Ok(())
        }
        Entry::Occupied(taken) => Err(NameClash {
            kind,
            name: taken.key().clone(),
            first: Box::new(origin(taken.get()).clone()),
            second: Box::new(origin(&one).clone()),
        }),
    }
}

impl RegisteredStep {
    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The texts that a composite handler is made of: its own first, then those of the composite handlers that it uses;
    /// nothing for handlers in code.
    pub fn composite(&self) -> Option<&[Arc<Document>]> {
        self.composite.as_deref()
    }

    /// What in a config does not fit the handler's schema.
    pub fn config_errors(&self, config: &Value) -> Vec<SchemaError> {
        self.config.get_or_init(|| Schema::new(&self.info().config_schema)).errors(config)
    }

    /// Whether some part of its config is a secret by its schema.
    pub(crate) fn takes_secrets(&self) -> bool {
        *self.takes_secrets.get_or_init(|| marked::is_anywhere(&self.info().config_schema, marked::SECRET))
    }

    /// What in an output does not fit the handler's own schema.
    pub fn output_errors(&self, output: &Value) -> Vec<SchemaError> {
        self.output.get_or_init(|| Schema::new(&self.info().output_schema)).errors(output)
    }
}

impl RegisteredAdapter {
    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The adapter itself.
    pub fn adapter(&self) -> &Arc<dyn DynAdapter> {
        &self.adapter
    }

    /// What in a config does not fit the adapter's schema.
    pub fn config_errors(&self, config: &Value) -> Vec<SchemaError> {
        self.config.get_or_init(|| Schema::new(&self.info().config_schema)).errors(config)
    }
}

impl RegisteredWorkflowType {
    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &Arc<dyn DynWorkflowType> {
        &self.plugin
    }

    /// What in a workflow's config does not fit the type's schema.
    pub fn config_errors(&self, config: &Value) -> Vec<SchemaError> {
        self.config.get_or_init(|| Schema::new(&self.info().config_schema)).errors(config)
    }
}

impl Deref for RegisteredStep {
    type Target = dyn DynStep;
    fn deref(&self) -> &Self::Target {
        &*self.step
    }
}

impl Deref for RegisteredAdapter {
    type Target = dyn DynAdapter;
    fn deref(&self) -> &Self::Target {
        &*self.adapter
    }
}

impl Deref for RegisteredWorkflowType {
    type Target = dyn DynWorkflowType;
    fn deref(&self) -> &Self::Target {
        &*self.plugin
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("steps", &self.steps.keys())
            .field("adapters", &self.adapters.keys())
            .field("workflow_types", &self.workflow_types.keys())
            .finish()
    }
}
