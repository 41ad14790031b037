//! Composite handlers: workflows that are used like any handler.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use vwmp_interfaces::context::Call;
use vwmp_interfaces::erased::{ConfigError, DynStep, PreparedStep, StepInfo};
use vwmp_interfaces::register::Origin;
use vwmp_interfaces::step::default_retry_delay;
use vwmp_interfaces::{BoxFuture, Capability, Effect, Findings, Metadata, Preview, StepContext, StepError};

use super::calls::COMPOSITE;
use super::expand::Texts;
use super::parameters::{self, Parameters};
use super::shape::{self, written};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, NodeRef};
use crate::registry::Registry;
use crate::template::marked;

/// What the origin of a composite handler says in the place of a crate.
pub(super) const COMPOSITE_PACKAGE: &str = "composite";

/// Adds composite handlers from their texts, which may use each other.
///
/// A text is a workflow with `handler: NAME`, or one whose file is called after the handler. Its shape is checked here;
/// what its steps mean is checked with each workflow that uses it.
///
/// # Errors
/// Every text that can't be a handler, and every name that is taken.
pub fn add_composites(registry: &mut Registry, texts: &[Arc<Document>]) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    let mut read: BTreeMap<String, Text> = BTreeMap::new();
    for document in texts {
        let Some(text) = Text::read(document, &mut found) else { continue };
        let taken = registry.step(&text.name).map(|step| step.origin().to_string());
        let taken = taken.or_else(|| read.get(&text.name).map(|other| other.origin().file.to_string()));
        match taken {
            Some(by) => found.push(text.clash(&by)),
            None => _ = read.insert(text.name.clone(), text),
        }
    }
    if found.has_errors() {
        return Err(found);
    }
    for text in read.values() {
        let parts = text.parts(&read, registry);
        let step = Composite::new(text, &read, registry);
        // The names were looked at above.
        let _ = registry.add_composite(Arc::new(step), text.origin(), parts);
    }
    Ok(())
}

/// Adds composite handlers in the place of those of the same names.
pub(super) fn replace_composites(
    registry: &mut Registry,
    texts: &[Arc<Document>],
) -> Result<(), Diagnostics> {
    let names: Vec<String> = texts.iter().filter_map(|text| composite_name(text)).collect();
    registry.remove_composites(&names);
    add_composites(registry, texts)
}

/// The text of a composite handler.
struct Text {
    name: String,
    document: Arc<Document>,
    parameters: Parameters,
    /// The handlers of its steps, `finally` included, as written.
    handlers: Vec<String>,
}

impl Text {
    fn read(document: &Arc<Document>, found: &mut Diagnostics) -> Option<Self> {
        let mut inside = Diagnostics::default();
        shape::workflow(document, &mut inside);
        let root = document.root();
        for key in ["extends", "template"] {
            if let Some(node) = written(root, key) {
                let message =
                    format!("a composite handler can't have `{key}`: its file is all there is of it");
                let problem = Diagnostic::error("vwmp::invalid-composite", message);
                inside.push(problem.at(node.source(), node.span(), ""));
            }
        }
        if written(root, "steps").is_none() {
            let problem = Diagnostic::error("vwmp::missing-key", "the composite handler has no `steps`");
            inside.push(problem.at(root.source(), root.span(), ""));
        }
        let name = name(document, &mut inside);
        let texts = Texts::recorded(vec![Arc::clone(document)], &mut Diagnostics::default());
        let parameters = parameters::read(&texts, &mut inside);
        let handler = |step: NodeRef<'_>| step.get("handler").and_then(NodeRef::as_str).map(str::to_owned);
        let handlers = texts.steps().iter().filter_map(|step| handler(step.node())).collect();
        let broken = inside.has_errors();
        found.extend(inside.in_order());
        Some(Self { name: name?, document: Arc::clone(document), parameters, handlers }).filter(|_| !broken)
    }

    /// The file, and which text it had.
    fn origin(&self) -> Origin {
        let source = self.document.source();
        let version = format!("{:016x}", crate::source::fingerprint([source.text().as_bytes()]));
        let file = source.name().to_owned();
        Origin {
            package: COMPOSITE_PACKAGE.into(),
            version: version[..8].to_owned().into(),
            file: file.into(),
            line: 1,
        }
    }

    fn clash(&self, by: &str) -> Diagnostic {
        let root = self.document.root();
        let node = root.get("handler").unwrap_or(root);
        let message = format!("the handler `{}` is there already: {by}", self.name);
        let problem = Diagnostic::error("vwmp::handler-clash", message).at(node.source(), node.span(), "");
        problem.help("call one of them something else")
    }

    /// The texts that its work is made of: its own first, then those of the composite handlers that it uses.
    fn parts(&self, all: &BTreeMap<String, Self>, registry: &Registry) -> Arc<[Arc<Document>]> {
        let mut parts = vec![Arc::clone(&self.document)];
        for handler in self.all_handlers(all) {
            let known = registry.step(&handler).and_then(|step| step.composite());
            let more = all.get(&handler).map(|text| &text.document).into_iter();
            let more = more.chain(known.into_iter().flatten());
            for part in more {
                if !parts.iter().any(|one| Arc::ptr_eq(one, part)) {
                    parts.push(Arc::clone(part));
                }
            }
        }
        parts.into()
    }

    /// The handlers of its steps, and of those of the composite handlers among them.
    fn all_handlers(&self, all: &BTreeMap<String, Self>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut open: Vec<&str> = self.handlers.iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            if names.insert(name.to_owned()) {
                open.extend(all.get(name).into_iter().flat_map(|text| &text.handlers).map(String::as_str));
            }
        }
        names
    }
}

/// The name of a composite handler: what its `handler` says, or what its file is called; nothing where neither is one.
pub fn composite_name(document: &Document) -> Option<String> {
    name(document, &mut Diagnostics::default())
}

fn name(document: &Document, found: &mut Diagnostics) -> Option<String> {
    let root = document.root();
    if let Some(node) = written(root, "handler") {
        // Another value than a name was told by its shape.
        return node.as_str().filter(|name| shape::is_handler_name(name)).map(str::to_owned);
    }
    let file = document.source().name();
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if shape::is_handler_name(stem) {
        return Some(stem.to_owned());
    }
    let message = format!("`{file}` is in a plugin directory, but does not say which handler it is");
    let problem = Diagnostic::error("vwmp::missing-key", message).at(root.source(), root.span(), "");
    found
        .push(problem.help("add a line such as `handler: team.deploy`, or call the file `team.deploy.yaml`"));
    None
}

/// A composite handler.
struct Composite {
    name: String,
    info: StepInfo,
    effect: Effect,
    point_of_no_return: bool,
    /// The ids of its steps, for people.
    steps: Arc<str>,
}

impl Composite {
    fn new(text: &Text, all: &BTreeMap<String, Text>, registry: &Registry) -> Self {
        let handlers = text.all_handlers(all);
        // Those that are in `all` count with their own steps.
        let used: Vec<_> = handlers.iter().filter_map(|name| registry.step(name)).collect();
        let only_looks = handlers.iter().all(|name| {
            all.contains_key(name)
                || registry.step(name).is_some_and(|step| step.effect() == Effect::ReadOnly)
        });
        let steps = steps(&text.document);
        Self {
            name: text.name.clone(),
            // Repeated, it continues the run that the first attempt began: nothing in it is done twice.
            effect: if only_looks { Effect::ReadOnly } else { Effect::Idempotent },
            point_of_no_return: used.iter().any(|step| step.point_of_no_return()),
            info: StepInfo {
                metadata: Metadata::default(),
                description: description(&text.document, &steps),
                config_schema: config_schema(&text.parameters),
                output_schema: output_schema(&text.document),
                can_undo: used.iter().any(|step| step.info().can_undo),
            },
            steps: steps.into(),
        }
    }
}

fn description(document: &Document, steps: &str) -> String {
    let said = document.root().get("description").and_then(NodeRef::as_str).unwrap_or_default().trim();
    let gap = if said.is_empty() { "" } else { "\n\n" };
    format!("{said}{gap}A composite handler. Its steps: {steps}.")
}

fn steps(document: &Document) -> String {
    let lists = ["steps", "finally"].map(|key| document.root().get(key));
    let steps = lists.into_iter().flatten().flat_map(NodeRef::items).enumerate();
    let id = |(at, step): (usize, NodeRef<'_>)| match step.get("id").and_then(NodeRef::as_str) {
        Some(id) => id.to_owned(),
        None => format!("step-{}", at + 1),
    };
    steps.map(id).collect::<Vec<_>>().join(", ")
}

fn config_schema(parameters: &Parameters) -> Value {
    let property = |(name, one): (&String, &parameters::Parameter)| {
        let mut schema = one.schema.clone();
        let also = [
            ("description", one.description.clone().map(Value::from)),
            ("default", one.default.clone()),
            (marked::SECRET, one.secret.then_some(Value::Bool(true))),
        ];
        for (key, value) in also.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            schema[key] = value;
        }
        (name.clone(), schema)
    };
    let required = parameters.iter().filter(|(_, one)| one.required && one.default.is_none());
    json!({
        "type": "object",
        "properties": parameters.iter().map(property).collect::<Map<_, _>>(),
        "required": required.map(|(name, _)| name).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

/// The names of the outputs; what they are is known where the handler is used.
fn output_schema(document: &Document) -> Value {
    let outputs = document.root().get("outputs").into_iter().flat_map(NodeRef::entries);
    let properties: Map<String, Value> =
        outputs.map(|(key, _)| (key.text.to_owned(), Value::Object(Map::new()))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

impl DynStep for Composite {
    fn name(&self) -> &str {
        &self.name
    }

    fn effect(&self) -> Effect {
        self.effect
    }

    fn point_of_no_return(&self) -> bool {
        self.point_of_no_return
    }

    fn info(&self) -> &StepInfo {
        &self.info
    }

    fn requires(&self) -> Vec<Capability> {
        // What its steps need is opened by their own run.
        Vec::new()
    }

    fn dependencies(&self, _: &Value) -> Vec<String> {
        Vec::new()
    }

    fn validate_written(&self, _: &Value, _: &mut Findings) {}

    fn calls(&self, _: &Value) -> Option<String> {
        Some(format!("{COMPOSITE}{}", self.name))
    }

    fn prepare(&self, config: Value) -> Result<Box<dyn PreparedStep>, ConfigError> {
        let parameters = match config {
            Value::Object(parameters) => parameters,
            Value::Null => Map::new(),
            _ => {
                let message = "expected a mapping of parameters".to_owned();
                return Err(ConfigError { path: String::new(), message });
            }
        };
        let call = Call::new(format!("{COMPOSITE}{}", self.name), parameters);
        Ok(Box::new(Prepared { call, steps: Arc::clone(&self.steps) }))
    }
}

/// A composite handler with its parameters.
struct Prepared {
    call: Call,
    steps: Arc<str>,
}

impl PreparedStep for Prepared {
    fn validate(&self, _: &mut Findings) {}

    fn execute<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move { ctx.caller()?.call(self.call.clone(), ctx).await })
    }

    fn preview<'a>(&'a self, _: &'a StepContext) -> BoxFuture<'a, Result<Preview<Value>, StepError>> {
        Box::pin(async move { Ok(Preview::new(format!("runs its steps: {}", self.steps))) })
    }

    fn can_retry(&self, error: &StepError) -> bool {
        error.is_transient()
    }

    fn retry_delay(&self, attempt: u32) -> Duration {
        default_retry_delay(attempt)
    }

    fn undo<'a>(&'a self, _: Option<Value>, ctx: &'a StepContext) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move { ctx.caller()?.undo(self.call.clone(), ctx).await })
    }
}

#[cfg(test)]
#[path = "composite_tests.rs"]
mod tests;
