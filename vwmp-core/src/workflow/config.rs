//! The config of a step: its layers merged, read, and held against the handler's schema.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};
use vwmp_interfaces::finding::{Finding, Findings, Place};

use super::expand::StepNode;
use super::handlers::Handler;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::{Kind, NodeRef, Path, overlaid};
use crate::run::guarded;
use crate::schema::{SchemaError, dotted};
use crate::source::Span;
use crate::template::{ExpressionCache, Piece, Template};

/// Reads the configs of steps.
pub(super) struct Configs<'c> {
    cache: &'c ExpressionCache,
    /// Shared by all steps without any.
    empty: Arc<Template>,
    /// What was said of the config files: each handler's config is read once a step.
    told: HashSet<(usize, Span, String)>,
}

/// The config of a step, and the steps that its handler finds in it.
pub(super) struct StepConfig {
    pub(super) template: Arc<Template>,
    pub(super) dependencies: Vec<String>,
    /// The values as written, where they differ from those of a literal template; boxed, for few have any.
    written: Option<Box<Value>>,
}

/// One config that is looked at: where each part of it is written.
struct Subject<'s, 'c> {
    step: &'s StepNode<'c>,
    handler: &'s Handler<'c>,
    layers: &'s [NodeRef<'c>],
}

impl<'c> Configs<'c> {
    pub(super) fn new(cache: &'c ExpressionCache) -> Self {
        let empty = Arc::new(Template::Literal(Value::Object(Map::new())));
        Self { cache, empty, told: HashSet::new() }
    }

    /// The config of a step without a handler that could say what it should be: only its references can be checked.
    pub(super) fn unread(&self, step: &StepNode<'c>, found: &mut Diagnostics) -> StepConfig {
        let layers: Vec<NodeRef<'c>> = step.all("config").collect();
        self.template(&layers, None, found).map_or_else(|broken| broken, only_template)
    }

    /// The template of a config; without the expressions that can't be read, where there are any.
    fn template(
        &self,
        layers: &[NodeRef<'c>],
        schema: Option<&Value>,
        found: &mut Diagnostics,
    ) -> Result<Arc<Template>, StepConfig> {
        if layers.is_empty() {
            return Ok(Arc::clone(&self.empty));
        }
        if layers.iter().any(|layer| layer.kind() != Kind::Map) {
            return Err(only_template(Arc::clone(&self.empty)));
        }
        match Template::parse_layers(layers, schema, self.cache) {
            Ok(template) => Ok(Arc::new(template)),
            Err((rest, problems)) => {
                found.extend(problems);
                Err(only_template(Arc::new(rest)))
            }
        }
    }

    /// The config of a step; what is wrong with it is found.
    pub(super) fn read(
        &mut self,
        step: &StepNode<'c>,
        handler: &Handler<'c>,
        found: &mut Diagnostics,
    ) -> StepConfig {
        let layers: Vec<NodeRef<'c>> = step.all("config").chain(handler.config.iter().copied()).collect();
        let schema = Some(&handler.step.info().config_schema);
        let template = match self.template(&layers, schema, found) {
            Ok(template) => template,
            Err(broken) => return broken,
        };
        let subject = Subject { step, handler, layers: &layers };
        let mut problems = Diagnostics::default();
        let mut config = StepConfig {
            written: subject.written(&template).map(Box::new),
            template,
            dependencies: Vec::new(),
        };
        let asked = guarded(|| {
            subject.check(&config, &mut problems);
            handler.step.dependencies(config.written())
        });
        match asked {
            Ok(dependencies) => config.dependencies = dependencies,
            Err(panic) => {
                let name = handler.step.name();
                let message = format!("{name} panicked while it was checked, which is a bug in it: {panic}");
                problems.push(subject.at("vwmp::panicked", "", &message));
            }
        }
        self.tell(&subject, problems, found);
        config
    }

    fn tell(&mut self, subject: &Subject<'_, '_>, problems: Diagnostics, found: &mut Diagnostics) {
        for problem in problems {
            let in_a_file = problem.labels.first().filter(|label| {
                subject.handler.config.iter().any(|layer| Arc::ptr_eq(layer.source(), &label.source))
            });
            let key = in_a_file
                .map(|label| (Arc::as_ptr(&label.source) as usize, label.span, problem.message.clone()));
            if key.is_none_or(|key| self.told.insert(key)) {
                found.push(problem);
            }
        }
    }
}

/// A config that is broken: what it reads can still be checked.
fn only_template(template: Arc<Template>) -> StepConfig {
    StepConfig { template, dependencies: Vec::new(), written: None }
}

impl StepConfig {
    /// The config as written.
    pub(super) fn written(&self) -> &Value {
        self.written.as_deref().or(self.template.literal()).unwrap_or(&Value::Null)
    }
}

impl Subject<'_, '_> {
    fn check(&self, config: &StepConfig, found: &mut Diagnostics) {
        match &*config.template {
            Template::Literal(value) => self.check_literal(value, found),
            template => self.check_known_parts(template, found),
        }
        let mut findings = Findings::default();
        self.handler.step.validate_written(config.written(), &mut findings);
        self.take(findings, found);
    }

    fn check_literal(&self, value: &Value, found: &mut Diagnostics) {
        let errors = self.handler.step.config_errors(value);
        if !errors.is_empty() {
            return found.extend(errors.iter().map(|error| self.misfit(error)));
        }
        match self.handler.step.prepare(value.clone()) {
            Ok(prepared) => {
                let mut findings = Findings::default();
                prepared.validate(&mut findings);
                self.take(findings, found);
            }
            Err(error) => {
                let pointer = error.path.parse::<Path>().map(|path| path.to_pointer()).unwrap_or_default();
                found.push(self.at("vwmp::invalid-config", &pointer, &error.message));
            }
        }
    }

    /// Everything but what depends on the value of an expression.
    fn check_known_parts(&self, template: &Template, found: &mut Diagnostics) {
        let mut unknown = Vec::new();
        let value = with_marks(template, &mut String::new(), &mut unknown);
        let errors = self.handler.step.config_errors(&value);
        let certain = errors.iter().filter(|error| is_certain(error, &unknown));
        found.extend(certain.map(|error| self.misfit(error)));
    }

    /// The config as written, where a literal template says it in other words.
    fn written(&self, template: &Template) -> Option<Value> {
        let same = template.literal().is_some_and(|value| !has_dollar(value));
        (!same).then(|| merged(self.layers))
    }

    fn misfit(&self, error: &SchemaError) -> Diagnostic {
        let written = |layer: &NodeRef<'_>| layer.key_at_pointer(&error.pointer).is_some();
        let problem = match self.layers.iter().position(written).filter(|_| error.unknown_key) {
            Some(layer) => {
                let parent = error.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                let message = format!("`{}{}`: {}", self.whole(layer), dotted(parent), error.message);
                let key = self.layers[layer].key_at_pointer(&error.pointer).unwrap_or_default();
                Diagnostic::error("vwmp::invalid-config", message).at(self.layers[layer].source(), key, "")
            }
            None => self.at("vwmp::invalid-config", &error.pointer, &error.message),
        };
        match &error.nearest {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        }
    }

    fn take(&self, findings: Findings, found: &mut Diagnostics) {
        for Finding { code, warning, place, message, help } in findings {
            let mut problem = match place {
                Place::Config(pointer) | Place::StepConfig(_, pointer) => self.at(&code, &pointer, &message),
                Place::ConfigText(pointer, part) => {
                    let (layer, node, whole) = self.nearest(&pointer);
                    let span = if whole { node.span_of_part(part) } else { node.span() };
                    self.problem(&code, &pointer, &message, layer).at(node.source(), span, "")
                }
                Place::Workflow | Place::Step(_) => {
                    let node = self.step.get("handler").unwrap_or(self.step.node());
                    Diagnostic::error(code, format!("`{}`: {message}", self.step.way())).at(
                        node.source(),
                        node.span(),
                        "",
                    )
                }
            };
            if warning {
                problem.severity = Severity::Warning;
            }
            found.push(match help {
                Some(help) => problem.help(help),
                None => problem,
            });
        }
    }

    /// A problem at a part of the config, or at what is around it.
    fn at(&self, code: &str, pointer: &str, message: &str) -> Diagnostic {
        let (layer, node, _) = self.nearest(pointer);
        self.problem(code, pointer, message, layer).at(node.source(), node.span(), "")
    }

    fn problem(&self, code: &str, pointer: &str, message: &str, layer: usize) -> Diagnostic {
        Diagnostic::error(code, format!("`{}{}`: {message}", self.whole(layer), dotted(pointer)))
    }

    /// Where something is written, or what is around it: the layer, the node, and whether it is the thing itself.
    fn nearest(&self, pointer: &str) -> (usize, NodeRef<'_>, bool) {
        let mut around = pointer;
        loop {
            let mut layers = self.layers.iter().enumerate();
            let written = layers.find_map(|(layer, node)| Some((layer, node.at_pointer(around)?)));
            match (written, around.rsplit_once('/')) {
                (Some((layer, node)), _) => return (layer, node, around == pointer),
                (None, Some((parent, _))) => around = parent,
                (None, None) => return (0, self.step.get("handler").unwrap_or(self.step.node()), false),
            }
        }
    }

    /// What the config is called where a layer of it is written.
    fn whole(&self, layer: usize) -> String {
        let own = self.layers.len() - self.handler.config.len();
        if layer < own || self.layers.is_empty() {
            format!("{}.config", self.step.way())
        } else {
            format!("step_handlers.{}.config", self.handler.step.name())
        }
    }
}

/// Whether an error does not depend on a value that is not known yet. A key is unknown whatever its value will be.
pub(super) fn is_certain(error: &SchemaError, unknown: &[String]) -> bool {
    let shapes = error.alternatives.as_deref();
    let depends = |at: &String| {
        !error.unknown_key && is_within(&error.pointer, at)
            || shapes.is_some_and(|place| is_within(at, place))
    };
    !unknown.iter().any(depends)
}

fn is_within(pointer: &str, around: &str) -> bool {
    pointer.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The value with each expression as its text; where those stand is noted.
fn with_marks(template: &Template, pointer: &mut String, unknown: &mut Vec<String>) -> Value {
    let at = pointer.len();
    match template {
        Template::Literal(value) => value.clone(),
        Template::Expression(expression) => {
            unknown.push(pointer.clone());
            Value::String(format!("$<{}>", expression.text()))
        }
        Template::Text(pieces) | Template::Script(pieces) => {
            unknown.push(pointer.clone());
            Value::String(pieces.iter().map(mark).collect())
        }
        Template::List(items) => {
            let mut marked = Vec::with_capacity(items.len());
            for (i, item) in items.iter().enumerate() {
                *pointer += &format!("/{i}");
                marked.push(with_marks(item, pointer, unknown));
                pointer.truncate(at);
            }
            Value::Array(marked)
        }
        Template::Map(entries) => {
            let mut marked = Map::new();
            for (key, value) in entries {
                *pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1"));
                marked.insert(key.clone(), with_marks(value, pointer, unknown));
                pointer.truncate(at);
            }
            Value::Object(marked)
        }
    }
}

fn mark(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => text.clone(),
        Piece::Expression(expression) => format!("$<{}>", expression.text()),
    }
}

/// Layers as one value, as written.
pub(super) fn merged(layers: &[NodeRef<'_>]) -> Value {
    match layers {
        [one] => one.to_json(),
        [first, ..] if first.kind() != Kind::Map => first.to_json(),
        _ => {
            overlaid(layers).into_iter().map(|(key, values)| (key.text.to_owned(), merged(&values))).collect()
        }
    }
}

fn has_dollar(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('$'),
        Value::Array(items) => items.iter().any(has_dollar),
        Value::Object(entries) => entries.values().any(has_dollar),
        _ => false,
    }
}
