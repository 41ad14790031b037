//! Workflows that steps call: read and checked together with the one that calls them.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::template::has_expressions;

use super::check::{Draft, in_reading_order, of_texts};
use super::expand::Texts;
use super::given;
use super::loader::Loader;
use super::parameters::Parameters;
use super::{Settings, Workflow};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, NodeRef};
use crate::plan::Called;
use crate::registry::Registry;
use crate::source::{Source, Span};

/// How deep workflows may call each other.
pub(crate) const DEEPEST: usize = 16;

/// What a call names that calls a composite handler.
pub(crate) const COMPOSITE: &str = "handler:";

/// A workflow that some step calls.
pub(super) struct Callee {
    /// Where it was read from.
    pub(super) name: Arc<str>,
    pub(super) parameters: Parameters,
    /// What its outputs are, as far as it is known: a JSON Schema.
    pub(super) outputs: Value,
    /// The locks that it takes, and what it calls.
    pub(super) locks: BTreeSet<Arc<str>>,
    /// The ids of its steps, in their order.
    steps: Vec<Arc<str>>,
    /// The longest way down from it: what it calls, what that calls, and so on.
    below: Vec<Arc<str>>,
}

/// Reads and checks what steps call, each workflow once.
pub(super) struct Calls<'l> {
    registry: &'l Registry,
    settings: &'l Settings,
    loader: &'l dyn Loader,
    /// Who calls whom, from the outermost to the one that is looked at.
    trail: Vec<Calling>,
    /// By the name of the source; nothing for those that can't be used.
    known: HashMap<String, Option<Rc<Callee>>>,
    /// The texts, by who calls and what is written there.
    read: HashMap<(String, String), Arc<Document>>,
    /// The longest way down from the workflow that is looked at.
    below: Vec<Arc<str>>,
}

/// A workflow that calls, and where it does.
struct Calling {
    name: String,
    source: Arc<Source>,
    span: Span,
}

/// The text of what a step of the workflow `from` calls: a file, or a composite handler.
pub(crate) fn called(
    path: &str,
    from: &Source,
    registry: &Registry,
    loader: &dyn Loader,
) -> Result<Arc<Document>, Diagnostics> {
    match path.strip_prefix(COMPOSITE) {
        Some(name) => registry.composite(name).cloned().ok_or_else(|| {
            Diagnostic::error("vwmp::unknown-handler", format!("there is no composite handler `{name}`"))
                .into()
        }),
        None => Document::parse(loader.load(path, from)?).map(Arc::new),
    }
}

impl<'l> Calls<'l> {
    pub(super) fn new(registry: &'l Registry, settings: &'l Settings, loader: &'l dyn Loader) -> Self {
        Self {
            registry,
            settings,
            loader,
            trail: Vec::new(),
            known: HashMap::new(),
            read: HashMap::new(),
            below: Vec::new(),
        }
    }

    /// Finds the workflows that steps call, where they are known before the run; `own` are the parameters of the
    /// workflow that calls.
    pub(super) fn of_steps(
        &mut self,
        caller: &Arc<Source>,
        own: &Parameters,
        drafts: &mut [Draft<'_>],
        found: &mut Diagnostics,
    ) {
        for draft in drafts {
            draft.callee = self.of_step(caller, own, draft, found);
        }
    }

    fn of_step(
        &mut self,
        caller: &Arc<Source>,
        own: &Parameters,
        draft: &Draft<'_>,
        found: &mut Diagnostics,
    ) -> Option<Rc<Callee>> {
        let handler = draft.handler.as_ref()?;
        let path = handler.step.calls(draft.config.written())?;
        if has_expressions(&path) {
            return None;
        }
        let place = place(draft, &path);
        let callee = self.follow(&path, caller, draft, place, found)?;
        if self.below.len() <= callee.below.len() {
            self.below = std::iter::once(&callee.name).chain(&callee.below).cloned().collect();
        }
        let place = if path.starts_with(COMPOSITE) { given::Place::Whole } else { given::Place::Key };
        given::check(draft, own, place, &callee, found);
        Some(callee)
    }

    fn follow(
        &mut self,
        path: &str,
        caller: &Arc<Source>,
        draft: &Draft<'_>,
        place: NodeRef<'_>,
        found: &mut Diagnostics,
    ) -> Option<Rc<Callee>> {
        let document = match self.text(path, caller) {
            Ok(document) => document,
            Err(problems) => {
                // What could not be found has no place yet; what could not be read has one in its own text.
                let (unread, broken): (Vec<_>, Vec<_>) =
                    problems.into_iter().partition(|problem| problem.labels.is_empty());
                found.extend(unread.into_iter().map(|one| one.at(place.source(), place.span(), "")));
                found.extend(
                    (!broken.is_empty()).then(|| broken_call(draft, path, place.source(), place.span())),
                );
                found.extend(broken);
                return None;
            }
        };
        let name = document.source().name().to_owned();
        let calling = Calling {
            name: caller.name().to_owned(),
            source: Arc::clone(place.source()),
            span: place.span(),
        };
        self.trail.push(calling);
        let callee = self.look(name, document, draft, found);
        self.trail.pop();
        callee
    }

    /// What is called, read once however often it is.
    fn text(&mut self, path: &str, caller: &Source) -> Result<Arc<Document>, Diagnostics> {
        let key = (caller.name().to_owned(), path.to_owned());
        if let Some(document) = self.read.get(&key) {
            return Ok(Arc::clone(document));
        }
        let document = called(path, caller, self.registry, self.loader)?;
        self.read.insert(key, Arc::clone(&document));
        Ok(document)
    }

    /// The workflow at the end of the trail.
    fn look(
        &mut self,
        name: String,
        document: Arc<Document>,
        draft: &Draft<'_>,
        found: &mut Diagnostics,
    ) -> Option<Rc<Callee>> {
        if let Some(first) = self.trail.iter().position(|calling| calling.name == name) {
            found.push(self.cycle(first));
            return None;
        }
        let deeper = match self.known.get(&name) {
            Some(Some(callee)) => callee.below.len(),
            _ => 0,
        };
        if self.trail.len() + deeper > DEEPEST {
            found.push(self.too_deep(&name));
            return None;
        }
        if let Some(known) = self.known.get(&name) {
            return known.clone();
        }
        let above = std::mem::take(&mut self.below);
        let callee = self.check(document, draft, found).map(Rc::new);
        self.below = above;
        self.known.insert(name, callee.clone());
        callee
    }

    fn check(
        &mut self,
        document: Arc<Document>,
        draft: &Draft<'_>,
        found: &mut Diagnostics,
    ) -> Option<Callee> {
        let mut inside = Diagnostics::default();
        let texts = Texts::read(document, self.registry, self.loader, &mut inside);
        let workflow = of_texts(&texts, self.registry, self.settings, Some(self), &mut inside);
        let broken = inside.has_errors();
        let told = inside.iter().any(|one| matches!(&*one.code, "vwmp::call-cycle" | "vwmp::calls-too-deep"));
        found.extend(in_reading_order(inside, texts.documents()));
        if broken && !told {
            let name = texts.root().source().name();
            let Calling { source, span, .. } = self.trail.last()?;
            found.push(broken_call(draft, name, source, *span));
        }
        let Workflow { id, parameters, output_schema, locks, steps, order, .. } =
            workflow.filter(|_| !broken)?;
        let steps = order.into_iter().map(|step| Arc::clone(&steps[step].id)).collect();
        let below = std::mem::take(&mut self.below);
        Some(Callee { name: id, parameters, outputs: output_schema, locks, steps, below })
    }

    fn cycle(&self, first: usize) -> Diagnostic {
        let circle = &self.trail[first..];
        let names: Vec<&str> =
            circle.iter().chain(&circle[..1]).map(|calling| calling.name.as_str()).collect();
        let message = format!("workflows call each other: {}", names.join(" → "));
        let problem = circle.iter().fold(Diagnostic::error("vwmp::call-cycle", message), |problem, one| {
            problem.at(&one.source, one.span, "by this")
        });
        problem.help("a run of it would never end")
    }

    fn too_deep(&self, name: &str) -> Diagnostic {
        let names: Vec<&str> = self.trail.iter().map(|calling| calling.name.as_str()).collect();
        let message = format!(
            "workflows call each other more than {DEEPEST} deep: {}",
            shortened(&names.iter().copied().chain([name]).collect::<Vec<_>>())
        );
        let problem = Diagnostic::error("vwmp::calls-too-deep", message);
        self.trail.last().into_iter().fold(problem, |problem, one| problem.at(&one.source, one.span, ""))
    }
}

impl Callee {
    /// What a plan shows of it.
    pub(super) fn called(&self) -> Called {
        Called { workflow: Arc::clone(&self.name), steps: self.steps.clone() }
    }
}

fn broken_call(draft: &Draft<'_>, name: &str, source: &Arc<Source>, span: Span) -> Diagnostic {
    let message = format!("`{}` calls `{name}`, which has errors", draft.node.way());
    Diagnostic::error("vwmp::broken-call", message).at(source, span, "")
}

/// The first and the last names of a long way.
fn shortened(names: &[&str]) -> String {
    match names {
        [first, second, .., last] if names.len() > 6 => format!("{first} → {second} → … → {last}"),
        names => names.join(" → "),
    }
}

/// Where a step says what it calls.
fn place<'c>(draft: &Draft<'c>, path: &str) -> NodeRef<'c> {
    let configs: Vec<NodeRef<'c>> = draft.node.all("config").collect();
    let named = configs.iter().flat_map(|config| config.entries()).map(|(_, value)| value);
    let mut named = named.filter(|value| value.as_str() == Some(path));
    named.next().or_else(|| draft.node.get("handler")).unwrap_or(draft.node.node())
}
