//! Everything that can be known of a workflow before it is given parameters, in one pass.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::workflow_type::FailurePolicy;

use super::calls::{Callee, Calls};
use super::config::{Configs, StepConfig, merged};
use super::config_files::unknown_plugins;
use super::expand::{StepNode, Texts};
use super::handlers::{Handler, Plugins};
use super::layered;
use super::loader::Loader;
use super::order::Ids;
use super::policy::{self, Policies};
use super::references::Readable;
use super::{Adapter, Settings, Workflow, extras, locks, order, outline, parameters};
use crate::config::resolve;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, Kind, NodeRef};
use crate::plan::{Extras, PlannedStep, StepPolicy};
use crate::registry::{RegisteredWorkflowType, Registry};
use crate::source::Span;
use crate::template::{Condition, Expression, ExpressionCache, Namespace, Place, Reference, Template};

/// A step while it is checked.
pub(super) struct Draft<'c> {
    pub(super) node: StepNode<'c>,
    pub(super) id: Arc<str>,
    pub(super) handler: Option<Rc<Handler<'c>>>,
    pub(super) config: StepConfig,
    pub(super) when: Option<Arc<Condition>>,
    pub(super) extras: Option<Arc<Extras>>,
    /// The workflow that it calls.
    pub(super) callee: Option<Rc<Callee>>,
    policy: Arc<StepPolicy>,
}

/// Checks a workflow; see [`Workflow::check`].
pub(super) fn check(
    document: Arc<Document>,
    registry: &Registry,
    settings: &Settings,
    loader: &dyn Loader,
) -> Result<(Workflow, Diagnostics), Diagnostics> {
    let mut found = Diagnostics::default();
    let texts = Texts::read(document, registry, loader, &mut found);
    let mut calls = Calls::new(registry, settings, loader);
    let workflow = of_texts(&texts, registry, settings, Some(&mut calls), &mut found);
    let mut found = in_reading_order(found, texts.documents());
    found.extend(unknown_plugins(settings, registry));
    match workflow {
        Some(workflow) => found.into_result(workflow),
        None => Err(found),
    }
}

/// Checks a workflow whose texts were read before; see [`super::Record`].
pub(super) fn of_recorded(
    texts: &Texts,
    registry: &Registry,
    settings: &Settings,
    mut found: Diagnostics,
) -> Result<Workflow, Diagnostics> {
    match of_texts(texts, registry, settings, None, &mut found) {
        Some(workflow) => found.into_result(workflow).map(|(workflow, _)| workflow),
        None => Err(found),
    }
}

/// Checks a workflow; without `calls`, what its steps call is left for the run.
pub(super) fn of_texts(
    texts: &Texts,
    registry: &Registry,
    settings: &Settings,
    calls: Option<&mut Calls<'_>>,
    found: &mut Diagnostics,
) -> Option<Workflow> {
    require(texts, found);
    let cache = ExpressionCache::default();
    let mut plugins = Plugins::new(registry, settings);
    let workflow_type = texts.get("type").and_then(|node| plugins.workflow_type(node, found));
    let parameters = parameters::read(texts, found);
    let mut drafts = drafts(texts, &cache, &mut plugins, found);
    calls
        .into_iter()
        .for_each(|calls| calls.of_steps(texts.root().source(), &parameters, &mut drafts, found));
    let lock = locks::check(texts, workflow_type.as_deref(), &drafts, found);
    let ids = Ids::new(&drafts, found);
    let config = resolve(&layered::of_workflow(texts.documents(), settings, workflow_type.as_deref(), &[]));
    let mut adapters_read = BTreeSet::new();
    let secret_sources = if reads_secrets(&drafts) { plugins.secret_sources() } else { Vec::new() };
    let readable = Readable {
        drafts: &drafts,
        ids: &ids,
        parameters: &parameters,
        config: &config,
        config_schema: workflow_type.as_deref().map(|one| &one.info().config_schema),
        environment: &settings.environment,
        registry,
        adapters: plugins.instances(),
        secret_sources: &secret_sources,
    };
    let needs = needs(texts, &readable, &mut adapters_read, found);
    let outputs = extras::outputs(texts, &cache, found);
    readable.of_outputs(&outputs, &mut adapters_read, found);
    let output_schema = readable.schema_of_outputs(&outputs);
    adapters_read.retain(|name| plugins.instances().contains(name) && !plugins.adapters.contains(name));
    let layers = layered::Check { texts, settings, registry, readable: &readable, cache: &cache };
    layers.workflow(workflow_type.as_deref(), &config, found);
    let sources = secret_sources.iter().filter(|&name| !plugins.adapters.contains(name));
    layers.adapters(plugins.adapters.union(&adapters_read).chain(sources), found);
    let order = order::order(&drafts, &needs, found);
    type_rules(workflow_type.as_deref().filter(|_| order.is_some()), texts, &drafts, &needs, found);
    let main_steps = drafts.iter().take_while(|draft| !draft.node.finally).count();
    Some(Workflow {
        id: texts.root().source().name().into(),
        name: texts.text("name").or_else(|| texts.text("handler")).unwrap_or_default().into(),
        description: texts.text("description").map(str::to_owned),
        documents: texts.documents().to_vec(),
        settings: settings.clone(),
        parameters,
        max_parallel: texts.get("max_parallel").and_then(policy::int).and_then(|max| max.try_into().ok()),
        timeout: texts.get("timeout").and_then(policy::timeout),
        on_failure: on_failure(texts, workflow_type.as_deref()),
        locks: locks::all(lock.as_ref(), &drafts),
        lock,
        outputs,
        output_schema,
        workflow_type,
        adapters: adapters(plugins.adapters, registry),
        adapters_read: adapters(adapters_read, registry),
        secret_sources: adapters(secret_sources, registry),
        order: order?,
        steps: drafts.into_iter().map(Draft::into_step).collect::<Option<_>>()?,
        needs,
        main_steps,
    })
}

/// Asks the type what it thinks of the whole.
fn type_rules(
    workflow_type: Option<&RegisteredWorkflowType>,
    texts: &Texts,
    drafts: &[Draft<'_>],
    needs: &[Vec<usize>],
    found: &mut Diagnostics,
) {
    // A rule about steps that are missing would speak of those that are only mistyped.
    let whole = texts.are_whole() && drafts.iter().all(|draft| draft.handler.is_some());
    if let (Some(workflow_type), true) = (workflow_type, whole) {
        outline::check(workflow_type, texts, drafts, needs, found);
    }
}

/// Whether any step does, so that there must be somebody to ask.
fn reads_secrets(drafts: &[Draft<'_>]) -> bool {
    drafts.iter().any(|draft| draft.references().any(|(_, one)| one.namespace == Namespace::Secrets))
}

/// What every workflow has.
fn require(texts: &Texts, found: &mut Diagnostics) {
    let root = texts.root();
    for (key, help) in
        [("name", "add a line such as `name: release`"), ("steps", "a workflow has `steps:` with a list")]
    {
        let known = texts.get(key).is_some() || key == "name" && texts.get("handler").is_some();
        if !known && texts.are_whole() && root.kind() == Kind::Map {
            let message = format!("the workflow has no `{key}`");
            let problem = Diagnostic::error("vwmp::missing-key", message);
            let start = Span { end: root.span().start, ..root.span() };
            found.push(problem.at(root.source(), start, "").help(help));
        }
    }
}

fn drafts<'c>(
    texts: &'c Texts,
    cache: &'c ExpressionCache,
    plugins: &mut Plugins<'c>,
    found: &mut Diagnostics,
) -> Vec<Draft<'c>> {
    let mut configs = Configs::new(cache);
    let mut policies = Policies::new(texts);
    let steps = texts.steps().into_iter().enumerate();
    steps
        .map(|(at, node)| {
            let handler = match node.get("handler") {
                Some(name) => plugins.handler(name, found),
                None => {
                    found.push(no_handler(&node));
                    None
                }
            };
            let chosen: Vec<(&str, NodeRef<'_>)> =
                node.get("adapters").into_iter().flat_map(order::texts).collect();
            let place = node.get("handler").unwrap_or(node.node());
            plugins.adapters_of(handler.as_deref(), place, &chosen, found);
            let config = match &handler {
                Some(handler) => configs.read(&node, handler, found),
                None => configs.unread(&node, found),
            };
            let calls = handler.as_ref().is_some_and(|one| one.step.calls(config.written()).is_some());
            Draft {
                id: match node.get("id").and_then(NodeRef::as_str) {
                    Some(id) => id.into(),
                    None => format!("step-{}", at + 1).into(),
                },
                config,
                when: node.get("when").and_then(|when| condition(when, cache, found)),
                extras: extras::of_step(&node, cache, found),
                callee: None,
                policy: policies.of(&node, handler.as_deref(), &chosen, calls),
                handler,
                node,
            }
        })
        .collect()
}

fn no_handler(step: &StepNode<'_>) -> Diagnostic {
    let node = step.node();
    Diagnostic::error("vwmp::missing-key", format!("`{}` has no `handler`", step.way()))
        .at(node.source(), node.span(), "")
        .help("add a line such as `handler: shell.run`")
}

fn condition(node: NodeRef<'_>, cache: &ExpressionCache, found: &mut Diagnostics) -> Option<Arc<Condition>> {
    let text = match node.kind() {
        Kind::Str(text) => text,
        Kind::Bool(_) => node.raw(),
        _ => return None,
    };
    match Condition::parse(text, &Place::of(node), cache) {
        Ok(condition) => Some(Arc::new(condition)),
        Err(problems) => {
            found.extend(problems);
            None
        }
    }
}

/// What each step needs: named, read, found by its handler, or above it.
fn needs(
    texts: &Texts,
    readable: &Readable<'_>,
    adapters_read: &mut BTreeSet<String>,
    found: &mut Diagnostics,
) -> Vec<Vec<usize>> {
    let (drafts, ids) = (readable.drafts, readable.ids);
    let sequential = texts.text("order") == Some("sequential");
    let of_step = |at: usize| {
        let mut needs = order::named(drafts, at, ids, found);
        needs.append(&mut readable.of_step(at, adapters_read, found));
        needs.append(&mut dependencies(drafts, at, ids, found));
        if sequential && at > 0 && drafts[at - 1].node.finally == drafts[at].node.finally {
            needs.push(at - 1);
        }
        needs.sort_unstable();
        needs.dedup();
        needs
    };
    (0..drafts.len()).map(of_step).collect()
}

/// The steps whose outputs a handler finds in its config by itself.
fn dependencies(drafts: &[Draft<'_>], at: usize, ids: &Ids, found: &mut Diagnostics) -> Vec<usize> {
    let draft = &drafts[at];
    let mut steps = Vec::new();
    for name in &draft.config.dependencies {
        let node = draft.node.get("config").unwrap_or(draft.node.node());
        match ids.get(name) {
            None => found.push(ids.unknown(name).at(node.source(), node.span(), "its output is needed here")),
            Some(step) if step == at || (drafts[step].node.finally && !draft.node.finally) => {
                let message =
                    format!("`{}` needs the output of `{name}`, which does not end before it", draft.id);
                let problem = Diagnostic::error("vwmp::unknown-step", message);
                found.push(problem.at(node.source(), node.span(), ""));
            }
            Some(step) => steps.push(step),
        }
    }
    steps
}

fn on_failure(texts: &Texts, workflow_type: Option<&RegisteredWorkflowType>) -> FailurePolicy {
    match texts.text("on_failure") {
        Some("stop") => FailurePolicy::Stop,
        Some("rollback") => FailurePolicy::Rollback,
        Some(_) => FailurePolicy::Continue,
        None => workflow_type.map_or(FailurePolicy::Continue, |one| one.info().on_failure),
    }
}

fn adapters(names: impl IntoIterator<Item = String>, registry: &Registry) -> Vec<Adapter> {
    let known = |name: String| Some((Arc::clone(registry.adapter(&name)?), name));
    names.into_iter().filter_map(known).map(|(adapter, instance)| Adapter { instance, adapter }).collect()
}

impl Draft<'_> {
    /// What the step's expressions read, each with the expression.
    pub(super) fn references(&self) -> impl Iterator<Item = (&Expression, &Reference)> {
        let expressions = match &*self.config.template {
            Template::Literal(_) => Vec::new(),
            template => template.expressions(),
        };
        let when = self.when.as_deref().map(Condition::expression);
        let extras = self.extras.iter().flat_map(|extras| extras.templates().flat_map(Template::expressions));
        expressions
            .into_iter()
            .chain(when)
            .chain(extras)
            .flat_map(|one| one.references().iter().map(move |reference| (one, reference)))
    }

    /// The lock that the step holds.
    pub(super) fn lock(&self) -> Option<&Arc<str>> {
        self.extras.as_deref()?.lock.as_ref()
    }

    /// The id, or the step when it has none.
    pub(super) fn id_node(&self) -> NodeRef<'_> {
        self.node.get("id").unwrap_or(self.node.node())
    }

    /// The step, when nothing of it is missing.
    fn into_step(mut self) -> Option<PlannedStep> {
        if let Some(callee) = self.callee {
            Arc::make_mut(self.extras.get_or_insert_default()).called = Some(callee.called());
        }
        Some(PlannedStep {
            id: self.id,
            name: self.node.get("name").and_then(NodeRef::as_str).map(Arc::from),
            handler: Arc::clone(&self.handler?.step),
            config: self.config.template,
            when: self.when,
            policy: self.policy,
            extras: self.extras,
        })
    }
}

/// What has no place first, then from top to bottom, the workflow itself before what it is based on.
pub(super) fn in_reading_order(found: Diagnostics, documents: &[Arc<Document>]) -> Diagnostics {
    let mut found: Vec<Diagnostic> = found.into_iter().collect();
    found.sort_by_cached_key(|one| {
        one.labels.first().map(|label| {
            let of = documents.iter().position(|document| Arc::ptr_eq(document.source(), &label.source));
            // What is called comes last, each file for itself.
            let called = if of.is_none() { label.source.name().to_owned() } else { String::new() };
            (of.unwrap_or(documents.len()), called, label.span.start)
        })
    });
    found.into_iter().collect()
}

/// The config of a workflow as written, for the rules of its type.
pub(super) fn written_config(texts: &Texts) -> Value {
    let layers: Vec<NodeRef<'_>> = texts.all("config").collect();
    merged(&layers)
}
