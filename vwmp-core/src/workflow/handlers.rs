//! Whether the handlers, adapters and the type that a workflow names can be used.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::Capability;
use vwmp_interfaces::capability::SecretSource;

use super::Settings;
use super::shape;
use crate::config::ConfigFile;
use crate::diagnostic::{Diagnostic, Diagnostics, known_are};
use crate::document::{Kind, NodeRef};
use crate::registry::{RegisteredAdapter, RegisteredStep, RegisteredWorkflowType, Registry};
use crate::source::{Source, Span};

/// A handler that some step names, with what the config files say of it.
pub(super) struct Handler<'c> {
    pub(super) step: Arc<RegisteredStep>,
    /// Config for all its steps, the highest first.
    pub(super) config: Vec<NodeRef<'c>>,
    /// How its steps are retried, the highest first.
    pub(super) retry: Vec<NodeRef<'c>>,
    requires: Vec<Capability>,
}

/// The plugins that a workflow uses.
pub(super) struct Plugins<'c> {
    registry: &'c Registry,
    settings: &'c Settings,
    handlers: HashMap<&'c str, Option<Rc<Handler<'c>>>>,
    /// The instances of adapters that the steps need.
    pub(super) adapters: BTreeSet<String>,
    /// All instances that there are.
    instances: BTreeSet<String>,
}

impl<'c> Plugins<'c> {
    pub(super) fn new(registry: &'c Registry, settings: &'c Settings) -> Self {
        let plain = registry.adapters().map(|adapter| adapter.name().to_owned());
        let named = settings.files().flat_map(ConfigFile::integration_adapters);
        let named = named.filter(|entry| entry.name.contains('@') && registry.adapter(entry.name).is_some());
        let instances = plain.chain(named.map(|entry| entry.name.to_owned())).collect();
        Self { registry, settings, handlers: HashMap::new(), adapters: BTreeSet::new(), instances }
    }

    /// The handler that a step names.
    pub(super) fn handler(&mut self, node: NodeRef<'c>, found: &mut Diagnostics) -> Option<Rc<Handler<'c>>> {
        let name = node.as_str()?;
        if let Some(Some(known)) = self.handlers.get(name) {
            return Some(Rc::clone(known));
        }
        let first = !self.handlers.contains_key(name);
        let handler = self.look_up(name, node, found);
        if let (true, Some(handler)) = (first, &handler) {
            handler.retry.iter().for_each(|&retry| shape::handler_retry(name, retry, found));
        }
        self.handlers.insert(name, handler.clone());
        handler
    }

    fn look_up(&self, name: &'c str, node: NodeRef<'_>, found: &mut Diagnostics) -> Option<Rc<Handler<'c>>> {
        let Some(step) = self.registry.step(name) else {
            let names: Vec<&str> = self.registry.steps().map(|step| step.name()).collect();
            found.push(unknown("handler", name, node, &names));
            return None;
        };
        if let Some(by) = self.disabled("step_handlers", name) {
            found.push(disabled("handler", name, node, by));
            return None;
        }
        let entries = || self.settings.files().filter_map(|file| file.step_handler(name));
        Some(Rc::new(Handler {
            step: Arc::clone(step),
            config: entries().filter_map(|entry| entry.config).collect(),
            retry: entries().filter_map(|entry| entry.retry).collect(),
            requires: step.requires(),
        }))
    }

    /// The workflow type that a workflow names.
    pub(super) fn workflow_type(
        &self,
        node: NodeRef<'_>,
        found: &mut Diagnostics,
    ) -> Option<Arc<RegisteredWorkflowType>> {
        let name = node.as_str()?;
        let Some(known) = self.registry.workflow_type(name) else {
            let names: Vec<&str> = self.registry.workflow_types().map(|known| known.name()).collect();
            found.push(unknown("type", name, node, &names));
            return None;
        };
        if let Some(by) = self.disabled("workflow_types", name) {
            found.push(disabled("type", name, node, by));
            return None;
        }
        Some(Arc::clone(known))
    }

    /// The adapters that a step chose, and those that its handler needs beside them.
    pub(super) fn adapters_of(
        &mut self,
        handler: Option<&Handler<'c>>,
        place: NodeRef<'_>,
        chosen: &[(&str, NodeRef<'_>)],
        found: &mut Diagnostics,
    ) {
        for &(name, node) in chosen {
            self.choose(name, node, found);
        }
        let Some(handler) = handler else { return };
        for &capability in &handler.requires {
            let serves = |name: &str| {
                self.registry.adapter(name).is_some_and(|adapter| adapter.serves().contains(&capability))
            };
            if !chosen.iter().any(|(name, _)| serves(name)) {
                match self.plain(capability, handler.step.name()) {
                    Ok(name) => {
                        self.adapters.insert(name);
                    }
                    Err(problem) => found.push(problem.at_first(place)),
                }
            }
        }
    }

    /// Whether an adapter of that name can be read or used.
    pub(super) fn choose(&mut self, name: &str, node: NodeRef<'_>, found: &mut Diagnostics) {
        if !self.instances.contains(name) {
            let known: Vec<&str> = self.instances.iter().map(String::as_str).collect();
            let mut problem = unknown("adapter", name, node, &known);
            if let Some((base, _)) = name.split_once('@')
                && self.registry.adapter(base).is_some()
            {
                problem = problem.help(format!(
                    "write `integration_adapters.\"{name}\"` in `vwmp_config.yaml` to have it"
                ));
            }
            found.push(problem);
        } else if let Some(by) = self.disabled_adapter(name) {
            found.push(disabled("adapter", name, node, by));
        } else {
            self.adapters.insert(name.to_owned());
        }
    }

    /// The instances that are asked for secrets, in that order: those that the config files name, the workspace's
    /// before the user's, as they stand there; where none is named, those that need no config.
    pub(super) fn secret_sources(&self) -> Vec<String> {
        let is_source = |name: &str| {
            let serves = |adapter: &RegisteredAdapter| {
                adapter.serves().contains(&Capability::of::<dyn SecretSource>())
            };
            self.registry.adapter(name).is_some_and(|adapter| serves(adapter))
        };
        let mut named: Vec<String> = Vec::new();
        for entry in self.settings.files().flat_map(ConfigFile::integration_adapters) {
            if is_source(entry.name) && !named.iter().any(|name| name == entry.name) {
                named.push(entry.name.to_owned());
            }
        }
        if named.is_empty() {
            let none = Value::Object(serde_json::Map::new());
            let all = self.registry.adapters().filter(|adapter| is_source(adapter.name()));
            let ready = all.filter(|adapter| adapter.config_errors(&none).is_empty());
            named.extend(ready.map(|adapter| adapter.name().to_owned()));
        }
        named.retain(|name| self.disabled_adapter(name).is_none());
        named
    }

    /// The names of all instances of adapters.
    pub(super) fn instances(&self) -> &BTreeSet<String> {
        &self.instances
    }

    /// The one adapter without an `@` that serves a capability.
    fn plain(&self, capability: Capability, handler: &str) -> Result<String, Problem> {
        let serving: Vec<&str> = self.registry.serving(capability).map(|adapter| adapter.name()).collect();
        let enabled: Vec<&str> =
            serving.iter().copied().filter(|name| self.disabled_adapter(name).is_none()).collect();
        let needs = format!("`{handler}` needs {}", capability.name());
        match (serving.as_slice(), enabled.as_slice()) {
            (_, [one]) => Ok((*one).to_owned()),
            ([], _) => {
                let message = format!("{needs}, which no linked adapter serves");
                let problem = Diagnostic::error("vwmp::no-adapter", message);
                Err(Problem(problem.help("link a crate with an adapter that serves it"), None))
            }
            ([first, ..], []) => {
                let message = format!("{needs}, but the adapter `{first}`, which serves it, is disabled");
                let by = self.disabled_adapter(first).map(place_of);
                Err(Problem(Diagnostic::error("vwmp::disabled-adapter", message), by))
            }
            (_, several) => {
                let message = format!("{needs}, which {} serve", several.join(" and "));
                let problem = Diagnostic::error("vwmp::ambiguous-adapter", message);
                let help = format!("pick one in the step with `adapters: [{}]`", several[0]);
                Err(Problem(problem.help(help), None))
            }
        }
    }

    fn disabled_adapter(&self, instance: &str) -> Option<NodeRef<'c>> {
        let base = instance.split('@').next().unwrap_or(instance);
        self.disabled("integration_adapters", instance)
            .or_else(|| self.disabled("integration_adapters", base))
    }

    /// The `enabled: false` that turns a plugin off; the workspace's word comes before the user's.
    fn disabled(&self, section: &str, name: &str) -> Option<NodeRef<'c>> {
        let off = |node: &NodeRef<'_>| node.kind() == Kind::Bool(false);
        let roots = || self.settings.files().map(|file| file.document().root());
        let all = roots().find_map(|root| root.get("plugins")?.get("enabled"));
        let one = roots().find_map(|root| root.get(section)?.get(name)?.get("enabled"));
        one.filter(off).or(all.filter(off))
    }
}

/// What is wrong, and the second place that it is about.
struct Problem(Diagnostic, Option<(Arc<Source>, Span)>);

impl Problem {
    /// The problem, with the place that a reader looks at first.
    fn at_first(self, node: NodeRef<'_>) -> Diagnostic {
        let found = self.0.at(node.source(), node.span(), "");
        match &self.1 {
            Some((source, span)) => found.at(source, *span, "disabled here"),
            None => found,
        }
    }
}

fn place_of(node: NodeRef<'_>) -> (Arc<Source>, Span) {
    (Arc::clone(node.source()), node.span())
}

fn unknown(kind: &str, name: &str, node: NodeRef<'_>, known: &[&str]) -> Diagnostic {
    let what = if kind == "type" { "workflow type" } else { kind };
    let problem =
        Diagnostic::error(format!("vwmp::unknown-{kind}"), format!("the {what} `{name}` is not known"));
    let problem = problem.at(node.source(), node.span(), "").nearest(name, known.iter().copied());
    if !problem.help.is_empty() {
        return problem;
    }
    match known.len() {
        0 => problem.help(format!("no {what} is linked into this program")),
        1..=12 => problem.help(known_are(known)),
        _ => problem.help(format!("`vwmp {kind}s` lists those that are linked")),
    }
}

fn disabled(kind: &str, name: &str, node: NodeRef<'_>, by: NodeRef<'_>) -> Diagnostic {
    let what = if kind == "type" { "workflow type" } else { kind };
    Diagnostic::error(format!("vwmp::disabled-{kind}"), format!("the {what} `{name}` is disabled"))
        .at(node.source(), node.span(), "")
        .at(by.source(), by.span(), "disabled here")
}
