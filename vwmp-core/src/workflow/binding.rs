//! What a plan binds: the values of parameters, and the configs that depend on them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::parameters::{self, Bound, Given};
use super::{Adapter, Workflow, layered};
use crate::config::{Resolved, resolve};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::masking::{Masker, texts_in};
use crate::plan::PlannedStep;
use crate::template::{Condition, ExpressionCache, Namespace, Reference, Scope, Segment, marked};

/// Everything that has a value before the run.
pub(crate) struct Binding {
    pub(crate) parameters: Map<String, Value>,
    /// What must not be shown: secret parameters, and what an adapter's schema says is secret.
    pub(crate) secrets: Vec<String>,
    pub(crate) config: Resolved,
    /// The configs of the adapters that the run opens, as far as anything is set.
    pub(crate) adapters: Vec<Value>,
    /// The same, of those that are asked for secrets.
    pub(crate) secret_sources: Vec<Value>,
    /// The configs of adapters that expressions can read, with their defaults.
    pub(crate) adapter_configs: Map<String, Value>,
}

/// What config values can read.
struct Early<'e> {
    parameters: &'e Map<String, Value>,
    environment: &'e BTreeMap<String, String>,
}

impl Binding {
    /// No values, and the config of the workflow as written.
    pub(crate) fn without_values(workflow: &Workflow) -> Self {
        Self {
            parameters: Map::new(),
            secrets: Vec::new(),
            config: resolve(&workflow.config_layers(&[])),
            adapters: vec![Value::Null; workflow.adapters.len()],
            secret_sources: vec![Value::Null; workflow.secret_sources.len()],
            adapter_configs: Map::new(),
        }
    }

    /// Binds the parameters of a workflow.
    ///
    /// # Errors
    /// What is wrong with the parameters; or else, what is wrong with the configs that they give.
    pub(crate) fn new(workflow: &Workflow, given: &Given) -> Result<Self, Diagnostics> {
        let (binding, found) = Self::of(workflow, parameters::bind(&workflow.parameters, given)?);
        found.into_result(binding).map(|(binding, _)| binding)
    }

    /// Binds the parameters of a workflow, whether they fit or not.
    pub(crate) fn unchecked(workflow: &Workflow, given: &Given) -> Self {
        Self::of(workflow, parameters::put_together(&workflow.parameters, given)).0
    }

    fn of(workflow: &Workflow, bound: Bound) -> (Self, Diagnostics) {
        let mut found = Diagnostics::default();
        let cache = ExpressionCache::default();
        let scope = Early { parameters: &bound.values, environment: &workflow.settings.environment };
        let mut config = resolve(&workflow.config_layers(&bound.given));
        let mut secrets = bound.secrets;
        found.extend(layered::render(&mut config, &scope, &cache, &mut secrets));
        if let (Some(workflow_type), false) = (&workflow.workflow_type, found.has_errors()) {
            found.extend(layered::type_errors(workflow_type, &config, &[]));
        }
        let of_adapter =
            |Adapter { instance, adapter }: &Adapter, defaults: bool, secrets: &mut Vec<String>| {
                let mut config = layered::of_adapter(instance, adapter, &workflow.settings, defaults);
                let mut found = layered::render(&mut config, &scope, &cache, secrets);
                if found.is_empty() {
                    found = layered::adapter_errors(instance, adapter, &config, &[]);
                }
                (config.value, found)
            };
        let mut adapters = Vec::new();
        let mut secret_sources = Vec::new();
        let mut adapter_configs = Map::new();
        let opened = workflow.adapters.iter().zip(std::iter::repeat(false));
        for (adapter, is_source) in opened.chain(workflow.secret_sources.iter().zip(std::iter::repeat(true)))
        {
            let (config, problems) = of_adapter(adapter, false, &mut secrets);
            conceal(adapter, &config, &mut secrets);
            if is_source { &mut secret_sources } else { &mut adapters }.push(config);
            found.extend(problems);
            adapter_configs.insert(adapter.instance.clone(), of_adapter(adapter, true, &mut secrets).0);
        }
        for adapter in &workflow.adapters_read {
            let (config, problems) = of_adapter(adapter, true, &mut secrets);
            conceal(adapter, &config, &mut secrets);
            found.extend(problems);
            adapter_configs.insert(adapter.instance.clone(), config);
        }
        if !found.has_errors() {
            found.extend(workflow.steps.iter().flat_map(|step| unset(step, &config.value)));
        }
        let masker = Masker::new(&secrets);
        let masked = |mut one: Diagnostic| {
            masker.diagnostic(&mut one);
            one
        };
        let found: Diagnostics = found.into_iter().map(masked).collect();
        let binding =
            Self { parameters: bound.values, secrets, config, adapters, secret_sources, adapter_configs };
        (binding, found)
    }
}

/// What the config of an adapter has for secret is masked, also where the adapter is only read.
fn conceal(adapter: &Adapter, config: &Value, secrets: &mut Vec<String>) {
    let schema = &adapter.adapter.info().config_schema;
    for (_, secret) in marked::values(config, schema, marked::SECRET) {
        texts_in(secret, secrets);
    }
}

/// What a step reads of the config and nobody has set.
fn unset(step: &PlannedStep, config: &Value) -> Vec<Diagnostic> {
    let when = step.when.as_deref().map(Condition::expression);
    let expressions = step.config.expressions().into_iter().chain(when);
    let read = expressions.flat_map(|one| one.references().iter().map(move |reference| (one, reference)));
    let of_config = read.filter(|(_, one)| one.namespace == Namespace::Config && !one.optional);
    let absent = of_config.filter(|(_, reference)| !is_there(reference, config));
    absent
        .map(|(expression, reference)| {
            let message = format!("`{reference}` has no value");
            Diagnostic::error("vwmp::no-value", message)
                .at(expression.source(), expression.span_of(reference), "")
                .help(format!("set it in `config`, or give a default: `$<{reference} ?? …>`"))
        })
        .collect()
}

/// Whether a path leads somewhere; through a null it leads to null.
fn is_there(reference: &Reference, config: &Value) -> bool {
    let mut at = config;
    for segment in &reference.path {
        let next = match segment {
            _ if at.is_null() => return true,
            Segment::Key(key) => at.get(&**key),
            Segment::Index(index) => at.get(index),
        };
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
    true
}

impl Scope for Early<'_> {
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>> {
        match namespace {
            Namespace::Parameters => self.parameters.get(key).map(Cow::Borrowed),
            Namespace::Env => self.environment.get(key).map(|value| Cow::Owned(value.as_str().into())),
            _ => None,
        }
    }

    fn keys(&self, namespace: Namespace) -> Vec<String> {
        match namespace {
            Namespace::Parameters => self.parameters.keys().cloned().collect(),
            Namespace::Env => self.environment.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
