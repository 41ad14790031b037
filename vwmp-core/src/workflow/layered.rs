//! The config of a workflow and of its adapters: all layers merged, checked and rendered.

use std::sync::Arc;

use serde_json::{Map, Value};
use vwmp_interfaces::erased::ConfigError;
use vwmp_interfaces::finding::{Finding, Findings};
use vwmp_interfaces::template::has_expressions;

use super::Settings;
use super::config::is_certain;
use super::expand::Texts;
use super::references::Readable;
use super::shape::written;
use crate::config::{
    AdapterLayers, ConfigFile, Layers, Origin, Parameter, Resolved, Setting, WorkflowLayers, resolve,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::{Document, NodeRef, Path};
use crate::masking::{Masker, computed};
use crate::registry::{RegisteredAdapter, RegisteredWorkflowType, Registry};
use crate::schema::{SchemaError, dotted};
use crate::template::{ExpressionCache, Place, RenderError, Scope, Template};

/// The six layers of a workflow's config.
pub(super) fn of_workflow(
    documents: &[Arc<Document>],
    settings: &Settings,
    workflow_type: Option<&RegisteredWorkflowType>,
    parameters: &[Parameter],
) -> Layers {
    let layers = WorkflowLayers {
        settings: &settings.sets,
        parameters,
        workflows: documents.iter().filter_map(|document| written(document.root(), "config")).collect(),
        workflow_type: workflow_type.map(|one| one.name()),
        files: settings.files().collect(),
        schema: workflow_type.map(|one| &one.info().config_schema),
        environment: Some(&settings.environment),
    };
    layers.layers()
}

/// The config of an adapter; with its declared defaults, or as much as was set.
pub(super) fn of_adapter(
    instance: &str,
    adapter: &RegisteredAdapter,
    settings: &Settings,
    defaults: bool,
) -> Resolved {
    let layers = AdapterLayers {
        adapter: instance,
        settings: &settings.sets,
        files: settings.files().collect(),
        schema: Some(&adapter.info().config_schema).filter(|_| defaults),
    };
    resolve(&layers.layers())
}

/// What in a workflow's config does not fit its type. Keys of its own are the workflow's business.
pub(super) fn type_errors(
    workflow_type: &RegisteredWorkflowType,
    config: &Resolved,
    unknown: &[String],
) -> Vec<Diagnostic> {
    let errors = workflow_type.config_errors(&config.value);
    let counts = |error: &&SchemaError| {
        let own_key = error.unknown_key && error.pointer.matches('/').count() == 1;
        !own_key && is_certain(error, unknown)
    };
    let errors: Vec<_> = errors.iter().filter(counts).map(|error| misfit("config", config, error)).collect();
    if !errors.is_empty() || !unknown.is_empty() {
        return errors;
    }
    unreadable(workflow_type, config)
}

/// What the type's own reader refuses: it stops at the first mistake, so it is asked again without that key.
fn unreadable(workflow_type: &RegisteredWorkflowType, config: &Resolved) -> Vec<Diagnostic> {
    let declared = &workflow_type.info().config_schema["properties"];
    let entries = config.value.as_object().into_iter().flatten();
    let of_type = entries.filter(|(key, _)| declared.get(key).is_some());
    let mut of_type: Map<String, Value> = of_type.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut found = Vec::new();
    while let Err(error) = workflow_type.validate_config(Value::Object(of_type.clone())) {
        let key = error.path.split(['.', '[']).next().unwrap_or_default();
        let removed = of_type.shift_remove(key);
        if removed.is_some() || found.is_empty() {
            found.push(unread("config", config, &error));
        }
        if removed.is_none() {
            break;
        }
    }
    found
}

/// What in an adapter's config does not fit.
pub(super) fn adapter_errors(
    instance: &str,
    adapter: &RegisteredAdapter,
    config: &Resolved,
    unknown: &[String],
) -> Diagnostics {
    let whole = format!("integration_adapters.{instance}.config");
    let errors = adapter.config_errors(&config.value);
    let certain = errors.iter().filter(|error| is_certain(error, unknown));
    let mut found: Diagnostics = certain.map(|error| misfit(&whole, config, error)).collect();
    if !found.is_empty() || !unknown.is_empty() {
        return found;
    }
    let mut findings = Findings::default();
    if let Err(error) = adapter.validate(config.value.clone(), &mut findings) {
        found.push(unread(&whole, config, &error));
    }
    for Finding { code, warning, place, message, help } in findings {
        let pointer = place.config().unwrap_or_default();
        let mut problem = at(&code, &whole, config, pointer, &message);
        if warning {
            problem.severity = Severity::Warning;
        }
        found.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
    found
}

/// Evaluates the expressions of the values that stand in files; all others are data.
/// What is computed from secrets is added to them.
pub(super) fn render(
    config: &mut Resolved,
    scope: &dyn Scope,
    cache: &ExpressionCache,
    secrets: &mut Vec<String>,
) -> Diagnostics {
    let masker = Masker::new(&*secrets);
    let mut found = Diagnostics::default();
    let mut rendered = Vec::new();
    for (key, value, origin) in config.leaves() {
        if let Some((source, span)) = origin.place()
            && any_expression(value)
            && let Ok(path) = key.parse::<Path>()
        {
            let place = Place { source, span, text_at: None };
            let values = Values { place: &place, scope, cache, masker: &masker };
            match values.render(value, secrets) {
                Ok(value) => rendered.push((path.to_pointer(), value)),
                Err(problems) => found.extend(problems),
            }
        }
    }
    for (pointer, value) in rendered {
        if let Some(place) = config.value.pointer_mut(&pointer) {
            *place = value;
        }
    }
    found
}

/// What values are rendered with.
struct Values<'v> {
    place: &'v Place<'v>,
    scope: &'v dyn Scope,
    cache: &'v ExpressionCache,
    masker: &'v Masker,
}

impl Values<'_> {
    fn render(&self, value: &Value, secrets: &mut Vec<String>) -> Result<Value, Diagnostics> {
        match value {
            Value::String(text) => {
                let template = Template::parse_text(text, self.place, self.cache)?;
                computed(template.expressions(), self.scope, self.masker, secrets);
                template.render(self.scope).map_err(|error: RenderError| error.diagnostic().into())
            }
            Value::Array(items) => items.iter().map(|item| self.render(item, secrets)).collect(),
            Value::Object(entries) => {
                entries.iter().map(|(key, value)| Ok((key.clone(), self.render(value, secrets)?))).collect()
            }
            other => Ok(other.clone()),
        }
    }
}

/// A look at the layers before parameters are known.
pub(super) struct Check<'c> {
    pub(super) texts: &'c Texts,
    pub(super) settings: &'c Settings,
    pub(super) registry: &'c Registry,
    pub(super) readable: &'c Readable<'c>,
    pub(super) cache: &'c ExpressionCache,
}

impl Check<'_> {
    /// The config of the workflow.
    pub(super) fn workflow(
        &self,
        workflow_type: Option<&RegisteredWorkflowType>,
        config: &Resolved,
        found: &mut Diagnostics,
    ) {
        let files = || self.settings.files();
        let of_type = workflow_type.map(|one| one.name()).unwrap_or_default();
        let of_type = files().filter_map(|file| file.workflow_type(of_type)?.config);
        let global = files().filter_map(ConfigFile::config);
        self.texts.all("config").chain(of_type).chain(global).for_each(|node| self.values(node, found));
        if let Some(workflow_type) = workflow_type {
            found.extend(type_errors(workflow_type, config, &expressions(config)));
        }
    }

    /// The configs of adapters.
    pub(super) fn adapters<'a>(&self, instances: impl Iterator<Item = &'a String>, found: &mut Diagnostics) {
        found.extend(self.settings.sets.iter().filter_map(|set| self.set_of_nobody(set)));
        for instance in instances {
            let base = instance.split_once('@').map(|(base, _)| base);
            for name in std::iter::once(instance.as_str()).chain(base) {
                let entries = self.settings.files().filter_map(|file| file.integration_adapter(name)?.config);
                entries.for_each(|node| self.values(node, found));
            }
            if let Some(adapter) = self.registry.adapter(instance) {
                let config = of_adapter(instance, adapter, self.settings, false);
                found.extend(adapter_errors(instance, adapter, &config, &expressions(&config)));
            }
        }
    }

    /// A setting for an adapter that there is not.
    fn set_of_nobody(&self, set: &Setting) -> Option<Diagnostic> {
        let (name, _) = set.key.strip_prefix("adapter.")?.split_once('.')?;
        let known = || self.readable.adapters.iter().map(String::as_str);
        let message = format!("`{}`: the adapter `{name}` is not known", set.how);
        (!self.readable.adapters.contains(name))
            .then(|| Diagnostic::error("vwmp::unknown-adapter", message).nearest(name, known()))
    }

    /// The expressions in config values.
    fn values(&self, node: NodeRef<'_>, found: &mut Diagnostics) {
        match Template::parse(node, self.cache) {
            Ok(Template::Literal(_)) => {}
            Ok(template) => {
                template.expressions().into_iter().for_each(|one| self.readable.of_config(one, found));
            }
            Err(problems) => found.extend(problems),
        }
    }
}

fn misfit(whole: &str, config: &Resolved, error: &SchemaError) -> Diagnostic {
    let mut problem = at("vwmp::invalid-config", whole, config, &error.pointer, &error.message);
    if error.unknown_key {
        let parent = error.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        problem.message = format!("`{whole}{}`: {}", dotted(parent), error.message);
    }
    match &error.nearest {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    }
}

fn unread(whole: &str, config: &Resolved, error: &ConfigError) -> Diagnostic {
    let pointer = error.path.parse::<Path>().map(|path| path.to_pointer()).unwrap_or_default();
    at("vwmp::invalid-config", whole, config, &pointer, &error.message)
}

/// A problem with a part of a merged config, at the layer that it came from.
fn at(code: &str, whole: &str, config: &Resolved, pointer: &str, message: &str) -> Diagnostic {
    let mut around = pointer;
    let origin = loop {
        let keys = around.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"));
        let path = keys.fold(Path::default(), |path, key| match key.parse() {
            Ok(index) => path.index(index),
            Err(_) => path.key(key),
        });
        match (config.find(&path), around.rsplit_once('/')) {
            (Some((_, origin)), _) => break Some(origin),
            (None, Some((parent, _))) => around = parent,
            (None, None) => break None,
        }
    };
    let place = format!("{whole}{}", dotted(pointer));
    match origin.map(|origin| (origin, origin.place())) {
        Some((_, Some((source, span)))) => {
            Diagnostic::error(code, format!("`{place}`: {message}")).at(source, span, "")
        }
        Some((origin, None)) => Diagnostic::error(code, format!("`{place}` ({}): {message}", told(origin))),
        None => Diagnostic::error(code, format!("`{place}`: {message}")),
    }
}

fn told(origin: &Origin) -> String {
    match origin {
        Origin::Runtime { how } => how.to_string(),
        origin => origin.to_string(),
    }
}

/// Where expressions stand in a merged config.
fn expressions(config: &Resolved) -> Vec<String> {
    let leaves =
        config.leaves().filter(|(_, value, origin)| origin.place().is_some() && any_expression(value));
    leaves.filter_map(|(key, ..)| Some(key.parse::<Path>().ok()?.to_pointer())).collect()
}

fn any_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => has_expressions(text),
        Value::Array(items) => items.iter().any(any_expression),
        Value::Object(entries) => entries.values().any(any_expression),
        _ => false,
    }
}
