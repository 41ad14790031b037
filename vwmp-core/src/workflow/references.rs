//! What expressions read: whether it is there, and which step it comes from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::check::Draft;
use super::order::Ids;
use super::parameters::Parameters;
use super::step_outputs::{Given, referred};
use crate::config::Resolved;
use crate::diagnostic::{Diagnostic, Diagnostics, known_are, nearest};
use crate::document::Path;
use crate::document::path::Segment as PathSegment;
use crate::plan::{FanOut, Items};
use crate::registry::Registry;
use crate::run::{FINALLY_RUN_KEYS, RUN_KEYS};
use crate::schema::dotted;
use crate::template::{Condition, Expression, Namespace, Reference, Segment, Template, marked};

/// What expressions can read before the run.
pub(super) struct Readable<'c> {
    pub(super) drafts: &'c [Draft<'c>],
    pub(super) ids: &'c Ids,
    pub(super) parameters: &'c Parameters,
    /// As far as it is known without parameters.
    pub(super) config: &'c Resolved,
    /// The schema of the workflow type.
    pub(super) config_schema: Option<&'c Value>,
    pub(super) environment: &'c BTreeMap<String, String>,
    pub(super) registry: &'c Registry,
    pub(super) adapters: &'c BTreeSet<String>,
    /// Who is asked for secrets.
    pub(super) secret_sources: &'c [String],
}

/// A reference, and the expression that it is part of.
#[derive(Clone, Copy)]
pub(super) struct Read<'e> {
    pub(super) expression: &'e Expression,
    pub(super) reference: &'e Reference,
}

impl Readable<'_> {
    /// The steps whose outputs a step reads; what can't be read is found.
    pub(super) fn of_step(
        &self,
        at: usize,
        adapters: &mut BTreeSet<String>,
        found: &mut Diagnostics,
    ) -> Vec<usize> {
        let mut steps = Vec::new();
        for (expression, reference) in self.drafts[at].references() {
            let read = Read { expression, reference };
            let problem = match reference.namespace {
                Namespace::StepOutputs | Namespace::Steps => match self.step(at, read) {
                    Ok(step) => {
                        steps.push(step);
                        self.inside_step(step, read)
                    }
                    Err(problem) => Some(*problem),
                },
                Namespace::Adapter => {
                    adapters.extend(reference.key().map(str::to_owned));
                    self.adapter(read)
                }
                Namespace::Config => self.config(read),
                Namespace::Run => self.run(self.drafts[at].node.finally, read),
                Namespace::Secrets => self.secret(at, read),
                Namespace::Item | Namespace::Matrix => self.item(at, read),
                _ => self.elsewhere(read),
            };
            found.extend(problem);
        }
        self.arguments(at, found);
        self.items_from(at, found);
        steps
    }

    /// Looks at an expression in a config value, which is read before there are steps.
    pub(super) fn of_config(&self, expression: &Expression, found: &mut Diagnostics) {
        for reference in expression.references() {
            let read = Read { expression, reference };
            found.extend(match reference.namespace {
                Namespace::Parameters | Namespace::Env => self.elsewhere(read),
                other => {
                    let message = format!(
                        "`{other}` can't be read here: config values can read `parameters` and `env` alone"
                    );
                    Some(read.problem("vwmp::unknown-reference", message))
                }
            });
        }
    }

    fn step(&self, at: usize, read: Read<'_>) -> Result<usize, Box<Diagnostic>> {
        let id = read.reference.key().unwrap_or_default();
        let Some(step) = self.ids.get(id) else {
            return Err(Box::new(self.ids.unknown(id).at(read.expression.source(), read.span(), "")));
        };
        if step == at {
            let message = format!("the step `{id}` can't read its own result");
            return Err(Box::new(read.problem("vwmp::self-reference", message)));
        }
        if self.drafts[step].node.finally && !self.drafts[at].node.finally {
            let message = format!("`{id}` belongs to `finally`, which runs after all other steps");
            return Err(Box::new(read.problem("vwmp::finally-reference", message)));
        }
        Ok(step)
    }

    /// Looks at where an item is read, and what of it.
    fn item(&self, at: usize, read: Read<'_>) -> Option<Diagnostic> {
        let name = read.reference.namespace;
        let extras = self.drafts[at].extras.as_deref();
        let items = extras.and_then(|extras| extras.fan_out.as_ref()).map(|fan| &fan.items);
        let in_items = extras.is_some_and(|extras| {
            extras
                .templates()
                .any(|one| one.expressions().iter().any(|one| std::ptr::eq(*one, read.expression)))
        });
        let in_when = self.drafts[at].when.as_deref().map(Condition::expression);
        if in_when.is_some_and(|when| std::ptr::eq(when, read.expression)) {
            let message = format!(
                "`when` decides about the whole step, before there are items: `{name}` can't be read"
            );
            return Some(read.problem("vwmp::unknown-reference", message));
        }
        match (name, items) {
            (Namespace::Item, Some(Items::ForEach(_))) if !in_items => None,
            (Namespace::Matrix, Some(Items::Matrix { axes, include, .. })) if !in_items => {
                let key = read.reference.key()?;
                // More axes may come with `include`.
                let known = || axes.iter().map(|(axis, _)| axis.as_str());
                (include.is_none() && !known().any(|axis| axis == key))
                    .then(|| read.unknown_name("matrix", key, known()))
            }
            _ => {
                let key = if name == Namespace::Item { "foreach" } else { "matrix" };
                let message = format!("`{name}` can be read only in the `config` of a step with `{key}`");
                Some(read.problem("vwmp::unknown-reference", message))
            }
        }
    }

    /// Looks at what a workflow gives to its callers.
    pub(super) fn of_outputs(
        &self,
        outputs: &[(String, Template)],
        adapters: &mut BTreeSet<String>,
        found: &mut Diagnostics,
    ) {
        for (expression, reference) in outputs.iter().flat_map(|(_, template)| template.references()) {
            let read = Read { expression, reference };
            found.extend(match reference.namespace {
                Namespace::StepOutputs | Namespace::Steps => {
                    let id = reference.key().unwrap_or_default();
                    match self.ids.get(id) {
                        Some(step) => self.inside_step(step, read),
                        None => Some(self.ids.unknown(id).at(expression.source(), read.span(), "")),
                    }
                }
                Namespace::Adapter => {
                    adapters.extend(reference.key().map(str::to_owned));
                    self.adapter(read)
                }
                Namespace::Config => self.config(read),
                Namespace::Run => self.run(true, read),
                Namespace::Item | Namespace::Matrix | Namespace::Secrets => {
                    let message = format!("`{}` can't be read in `outputs`", reference.namespace);
                    Some(read.problem("vwmp::unknown-reference", message))
                }
                _ => self.elsewhere(read),
            });
        }
    }

    fn adapter(&self, read: Read<'_>) -> Option<Diagnostic> {
        let name = read.reference.key()?;
        if !self.adapters.contains(name) {
            return Some(read.unknown_name("adapter", name, self.adapters.iter().map(String::as_str)));
        }
        let schema = &self.registry.adapter(name)?.info().config_schema;
        (!read.reference.optional).then(|| Given { schema, typed: true }.inside(read, 1))?
    }

    fn config(&self, read: Read<'_>) -> Option<Diagnostic> {
        if read.reference.optional {
            return None;
        }
        let mut schema = self.config_schema;
        let mut value = &self.config.value;
        for (i, segment) in read.reference.path.iter().enumerate() {
            let Segment::Key(key) = segment else { return None };
            let root = self.config_schema.unwrap_or(&Value::Null);
            schema = schema.and_then(|one| referred(root, one).get("properties")?.get(&**key));
            match (value, value.get(&**key)) {
                (_, Some(found)) => value = found,
                _ if schema.is_some() => return None,
                (Value::Object(_), None) => {
                    let key = path(&read.reference.path[..=i]);
                    let mut problem = self.config.unknown_key(&key.to_string());
                    if let Some(near) = nearest(&key.to_string(), self.schema_keys()) {
                        problem.help = vec![format!("did you mean `{near}`?")];
                    }
                    return Some(problem.at(read.expression.source(), read.span(), ""));
                }
                // A value with an expression in it, or one that a parameter may replace.
                _ => return None,
            }
        }
        None
    }

    fn schema_keys(&self) -> impl Iterator<Item = &str> {
        let properties = self.config_schema.and_then(|schema| schema["properties"].as_object());
        properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str))
    }

    /// Looks at what is read of the run; `finally` knows more of it.
    fn run(&self, finally: bool, read: Read<'_>) -> Option<Diagnostic> {
        let key = read.reference.key()?;
        if FINALLY_RUN_KEYS.contains(&key) && !finally {
            let message = format!("`run.{key}` is known only to the steps of `finally`");
            return Some(read.problem("vwmp::unknown-reference", message));
        }
        let known = || RUN_KEYS.into_iter().chain(FINALLY_RUN_KEYS);
        (!known().any(|known| known == key)).then(|| read.unknown_name("run", key, known()))
    }

    /// Looks at where a secret is read. Whether there is such a secret is nobody's business before the run.
    fn secret(&self, at: usize, read: Read<'_>) -> Option<Diagnostic> {
        let when = self.drafts[at].when.as_deref().map(Condition::expression);
        if when.is_some_and(|when| std::ptr::eq(when, read.expression)) {
            let problem =
                read.problem("vwmp::secret-in-condition", "`secrets` can't be read in `when`".into());
            return Some(
                problem.help("whether a step runs is shown to everybody; decide by a parameter or an output"),
            );
        }
        if let [Segment::Key(name), more, ..] = read.reference.path.as_slice() {
            let message = format!("`secrets.{name}` is text, which has no `{more}`");
            return Some(read.problem("vwmp::unknown-reference", message));
        }
        self.secret_sources.is_empty().then(|| {
            let message = "there is nobody to ask for secrets: no adapter that is linked and enabled serves SecretSource";
            let problem = read.problem("vwmp::no-secret-source", message.into());
            problem.help("enable one in `integration_adapters` of `vwmp_config.yaml`, or use a parameter with `secret: true`")
        })
    }

    /// Looks at what of a config becomes arguments of a process, where others on the machine could read a secret.
    fn arguments(&self, at: usize, found: &mut Diagnostics) {
        let Some(handler) = &self.drafts[at].handler else { return };
        let is_secret = |one: &Reference| match one.namespace {
            Namespace::Secrets => true,
            Namespace::Parameters => {
                one.key().and_then(|key| self.parameters.get(key)).is_some_and(|parameter| parameter.secret)
            }
            _ => false,
        };
        let template = &self.drafts[at].config.template;
        if !template.references().any(|(_, reference)| is_secret(reference)) {
            return;
        }
        for (pointer, part) in template.marked(&handler.step.info().config_schema, marked::ARGUMENT) {
            for (expression, reference) in part.references().filter(|(_, one)| is_secret(one)) {
                let message = format!(
                    "`{reference}` is secret, and `config{}` becomes an argument of a process, which others on the \
                     machine can read",
                    dotted(&pointer)
                );
                let problem = Read { expression, reference }.problem("vwmp::secret-in-argument", message);
                found.push(problem.help("hand it on by the environment, a file or the standard input"));
            }
        }
    }

    /// Looks at the parameters that give the items of a step: nothing but a list can.
    fn items_from(&self, at: usize, found: &mut Diagnostics) {
        let fan = self.drafts[at].extras.as_deref().and_then(|extras| extras.fan_out.as_ref());
        for template in fan.into_iter().flat_map(FanOut::templates) {
            let Template::Expression(expression) = template else { continue };
            let [reference] = expression.references() else { continue };
            let [Segment::Key(name)] = reference.path.as_slice() else { continue };
            let is_plain = reference.namespace == Namespace::Parameters && !reference.optional;
            let parameter = self.parameters.get(&**name).filter(|_| is_plain && !expression.computes());
            let declared = parameter.and_then(|parameter| parameter.schema["type"].as_str());
            if let Some(kind) = declared.filter(|kind| *kind != "array") {
                let message =
                    format!("`parameters.{name}` has the type `{kind}`, and items come from a list alone");
                let problem = Read { expression, reference }.problem("vwmp::wrong-type", message);
                found.push(problem.help("declare it with `type: array`"));
            }
        }
    }

    fn elsewhere(&self, read: Read<'_>) -> Option<Diagnostic> {
        let key = read.reference.key().unwrap_or_default();
        match read.reference.namespace {
            Namespace::Parameters | Namespace::Env if key.is_empty() => None,
            Namespace::Parameters => match self.parameters.get(key) {
                Some(_) if read.reference.optional => None,
                Some(parameter) => Given { schema: &parameter.schema, typed: false }.inside(read, 1),
                None => {
                    Some(read.unknown_name("parameters", key, self.parameters.keys().map(String::as_str)))
                }
            },
            Namespace::Env if !read.reference.optional && !self.environment.contains_key(key) => {
                let message = format!("the environment has no `{key}`");
                let problem = read.problem("vwmp::unknown-variable", message);
                let problem = problem.nearest(key, self.environment.keys().map(String::as_str));
                Some(problem.help(format!("set {key}, or give a default: `$<env.{key} ?? …>`")))
            }
            _ => None,
        }
    }
}

impl Read<'_> {
    fn span(&self) -> crate::source::Span {
        self.expression.span_of(self.reference)
    }

    pub(super) fn problem(&self, code: &str, message: String) -> Diagnostic {
        Diagnostic::error(code, message).at(self.expression.source(), self.span(), "")
    }

    pub(super) fn unknown_name<'a>(
        &self,
        place: &str,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Diagnostic {
        let problem = self.problem("vwmp::unknown-reference", format!("`{place}` has no `{name}`"));
        let problem = problem.nearest(name, known.clone());
        let known: Vec<&str> = known.collect();
        match known.as_slice() {
            _ if !problem.help.is_empty() => problem,
            [] => problem,
            known => problem.help(known_are(known)),
        }
    }
}

fn path(segments: &[Segment]) -> Path {
    let segment = |segment: &Segment| match segment {
        Segment::Key(key) => PathSegment::Key(key.to_string()),
        Segment::Index(index) => PathSegment::Index(*index),
    };
    segments.iter().map(segment).collect()
}
