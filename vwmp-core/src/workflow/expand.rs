//! A workflow together with what it extends and the template it starts from.

use std::collections::HashMap;
use std::sync::Arc;

use super::loader::Loader;
use super::shape::{self, written};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, Kind, NodeRef};
use crate::registry::Registry;
use crate::source::Source;

/// A workflow, what it extends, and the template below all of it: upper ones win.
pub(super) struct Texts {
    documents: Vec<Arc<Document>>,
    /// Whether all of them could be read.
    whole: bool,
}

/// A step: where it is written, and the steps of the same id that it inherits from.
#[derive(Debug)]
pub(super) struct StepNode<'d> {
    node: NodeRef<'d>,
    below: Vec<NodeRef<'d>>,
    /// Whether it belongs to `finally`.
    pub(super) finally: bool,
    /// Its place in its list.
    index: usize,
}

impl Texts {
    /// Reads what a workflow is based on, and looks at the shape of all of it.
    pub(super) fn read(
        document: Arc<Document>,
        registry: &Registry,
        loader: &dyn Loader,
        found: &mut Diagnostics,
    ) -> Self {
        shape::workflow(&document, found);
        let mut texts = Self { documents: vec![document], whole: true };
        let mut unread = Diagnostics::default();
        while let Some(base) = texts.base(loader, &mut unread) {
            shape::workflow(&base, found);
            texts.documents.push(base);
        }
        if let Some(template) = texts.template(registry, &mut unread) {
            shape::workflow(&template, found);
            texts.refuse_more(&template, found);
            texts.documents.push(template);
        } else {
            texts.whole = texts.get("template").is_none();
        }
        texts.whole &= unread.is_empty();
        found.extend(unread);
        texts
    }

    /// The texts of a workflow that was read before.
    pub(super) fn recorded(documents: Vec<Arc<Document>>, found: &mut Diagnostics) -> Self {
        documents.iter().for_each(|document| shape::workflow(document, found));
        Self { documents, whole: true }
    }

    /// Whether everything that the workflow is based on could be read.
    pub(super) fn are_whole(&self) -> bool {
        self.whole
    }

    /// The documents, the workflow itself first.
    pub(super) fn documents(&self) -> &[Arc<Document>] {
        &self.documents
    }

    /// The workflow itself.
    pub(super) fn root(&self) -> NodeRef<'_> {
        self.documents[0].root()
    }

    /// The value of a key at the top, from the highest document that has it.
    pub(super) fn get(&self, key: &str) -> Option<NodeRef<'_>> {
        self.all(key).next()
    }

    /// The text behind a key at the top.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(NodeRef::as_str)
    }

    /// The values of a key at the top, the highest first.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = NodeRef<'_>> {
        self.documents.iter().filter_map(move |document| written(document.root(), key))
    }

    /// The steps, `finally` steps last: those of the base in its order, then the new ones.
    pub(super) fn steps(&self) -> Vec<StepNode<'_>> {
        let mut steps = self.list("steps", false);
        steps.append(&mut self.list("finally", true));
        steps
    }

    fn list(&self, key: &str, finally: bool) -> Vec<StepNode<'_>> {
        let mut merged: Vec<StepNode<'_>> = Vec::new();
        let mut inherited = HashMap::new();
        for list in self.all(key).collect::<Vec<_>>().into_iter().rev() {
            for (index, node) in list.items().enumerate().filter(|(_, node)| node.kind() == Kind::Map) {
                match id(node).and_then(|id| inherited.get(id)) {
                    Some(&at) => {
                        let step: &mut StepNode<'_> = &mut merged[at];
                        step.below.insert(0, step.node);
                        (step.node, step.index) = (node, index);
                    }
                    None => merged.push(StepNode { node, below: Vec::new(), finally, index }),
                }
            }
            if self.documents.len() > 1 {
                let ids = merged.iter().enumerate().filter_map(|(at, step)| Some((id(step.node)?, at)));
                inherited = ids.collect();
            }
        }
        merged
    }

    /// The workflow that the last one extends.
    fn base(&self, loader: &dyn Loader, found: &mut Diagnostics) -> Option<Arc<Document>> {
        let last = self.documents.last()?;
        let node = written(last.root(), "extends")?;
        let source = match loader.load(node.as_str()?, last.source()) {
            Ok(source) => source,
            Err(problem) => {
                found.push(problem.at(node.source(), node.span(), ""));
                return None;
            }
        };
        if let Some(first) =
            self.documents.iter().position(|document| document.source().name() == source.name())
        {
            found.push(self.cycle(first));
            return None;
        }
        parsed(source, found)
    }

    fn cycle(&self, first: usize) -> Diagnostic {
        let circle = &self.documents[first..];
        let names = circle.iter().chain(&circle[..1]).map(|document| document.source().name());
        let names: Vec<&str> = names.collect();
        let message = format!("workflows extend each other: {}", names.join(" → "));
        let places = circle.iter().filter_map(|document| written(document.root(), "extends"));
        places.fold(Diagnostic::error("vwmp::extends-cycle", message), |found, node| {
            found.at(node.source(), node.span(), "by this")
        })
    }

    /// The template of the workflow's type that it starts from.
    fn template(&self, registry: &Registry, found: &mut Diagnostics) -> Option<Arc<Document>> {
        let node = self.get("template")?;
        let wanted = node.as_str()?;
        let Some(name) = self.text("type") else {
            let message =
                format!("the template `{wanted}` belongs to a workflow type, but there is no `type`");
            let problem = Diagnostic::error("vwmp::unknown-template", message);
            found
                .push(problem.at(node.source(), node.span(), "").help("write, for example, `type: release`"));
            return None;
        };
        let templates = &registry.workflow_type(name)?.info().templates;
        let Some(template) = templates.iter().find(|template| template.name == wanted) else {
            let message = format!("the workflow type `{name}` has no template `{wanted}`");
            let known: Vec<&str> = templates.iter().map(|template| template.name).collect();
            let problem = Diagnostic::error("vwmp::unknown-template", message);
            let problem = problem.at(node.source(), node.span(), "").nearest(wanted, known.iter().copied());
            found.push(match known.as_slice() {
                [] => problem.help("the type has no templates"),
                _ => problem.help(format!("its templates are {}", known.join(", "))),
            });
            return None;
        };
        let source = Source::new(format!("template `{wanted}` of type `{name}`"), template.workflow);
        parsed(Arc::new(source), found)
    }

    /// A template is the bottom of it all.
    fn refuse_more(&self, template: &Document, found: &mut Diagnostics) {
        for key in ["extends", "template"] {
            if let Some(node) = written(template.root(), key) {
                let message = format!("a template can't have `{key}`, which is a bug in the plugin");
                let problem = Diagnostic::error("vwmp::invalid-template", message);
                found.push(problem.at(node.source(), node.span(), ""));
            }
        }
    }
}

fn parsed(source: Arc<Source>, found: &mut Diagnostics) -> Option<Arc<Document>> {
    match Document::parse(source) {
        Ok(document) => Some(Arc::new(document)),
        Err(problems) => {
            found.extend(problems);
            None
        }
    }
}

fn id(step: NodeRef<'_>) -> Option<&str> {
    step.get("id")?.as_str()
}

impl<'d> StepNode<'d> {
    /// Where the step is written.
    pub(super) fn node(&self) -> NodeRef<'d> {
        self.node
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<NodeRef<'d>> {
        written(self.node, key).or_else(|| self.below.iter().find_map(|&node| written(node, key)))
    }

    /// The values of a key, the highest first.
    pub(super) fn all<'s>(&'s self, key: &'s str) -> impl Iterator<Item = NodeRef<'d>> + 's {
        let nodes = std::iter::once(self.node).chain(self.below.iter().copied());
        nodes.filter_map(move |node| written(node, key))
    }

    /// Such as `steps[2]`.
    pub(super) fn way(&self) -> String {
        format!("{}[{}]", if self.finally { "finally" } else { "steps" }, self.index)
    }
}
