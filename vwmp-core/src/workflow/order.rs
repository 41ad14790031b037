//! Which step waits for which: the edges, and the cycles among them.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::check::Draft;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Kind, NodeRef};
use crate::plan::{Cycle, sort};
use crate::source::{Source, Span};
use crate::template::Namespace;

/// The steps by id.
pub(super) struct Ids {
    numbers: HashMap<Arc<str>, usize>,
    in_order: Vec<Arc<str>>,
    /// How many more ids are compared with wrong ones: in a large workflow that takes long.
    comparisons: Cell<usize>,
}

impl Ids {
    /// The ids of steps; each must be one step's alone.
    pub(super) fn new(drafts: &[Draft<'_>], found: &mut Diagnostics) -> Self {
        let mut numbers = HashMap::with_capacity(drafts.len());
        for (at, draft) in drafts.iter().enumerate() {
            match numbers.entry(Arc::clone(&draft.id)) {
                Entry::Vacant(place) => {
                    place.insert(at);
                }
                Entry::Occupied(first) => found.push(twice(draft, &drafts[*first.get()])),
            }
        }
        let in_order = drafts.iter().map(|draft| Arc::clone(&draft.id)).collect();
        Self { numbers, in_order, comparisons: Cell::new(1_000_000) }
    }

    /// The number of a step.
    pub(super) fn get(&self, id: &str) -> Option<usize> {
        self.numbers.get(id).copied()
    }

    /// Says that there is no such step.
    pub(super) fn unknown(&self, id: &str) -> Diagnostic {
        let problem = Diagnostic::error("vwmp::unknown-step", format!("there is no step `{id}`"));
        match self.comparisons.get().checked_sub(self.in_order.len()) {
            None => problem,
            Some(left) => {
                self.comparisons.set(left);
                problem.nearest(id, self.in_order.iter().map(|id| &**id))
            }
        }
    }
}

fn twice(draft: &Draft<'_>, first: &Draft<'_>) -> Diagnostic {
    let (here, there) = (draft.id_node(), first.id_node());
    Diagnostic::error("vwmp::duplicate-id", format!("two steps have the id `{}`", draft.id))
        .at(here.source(), here.span(), "")
        .at(there.source(), there.span(), "the first one")
}

/// The steps in an order in which each comes after all that it needs, `finally` steps last; nothing when there is none.
pub(super) fn order(
    drafts: &[Draft<'_>],
    needs: &[Vec<usize>],
    found: &mut Diagnostics,
) -> Option<Vec<usize>> {
    match sort(needs) {
        Ok(order) => {
            let (mut order, mut finally): (Vec<_>, Vec<_>) =
                order.into_iter().partition(|&step| !drafts[step].node.finally);
            order.append(&mut finally);
            Some(order)
        }
        Err(cycles) => {
            found.extend(cycles.iter().map(|cycle| circle(drafts, cycle)));
            None
        }
    }
}

/// The steps that a step names in `needs`.
pub(super) fn named(drafts: &[Draft<'_>], at: usize, ids: &Ids, found: &mut Diagnostics) -> Vec<usize> {
    let draft = &drafts[at];
    let mut steps = Vec::new();
    for (name, node) in draft.node.get("needs").into_iter().flat_map(texts) {
        let problem =
            |code: &str, message: String| Diagnostic::error(code, message).at(node.source(), node.span(), "");
        match ids.get(name) {
            None => found.push(ids.unknown(name).at(node.source(), node.span(), "")),
            Some(step) if step == at => {
                let message = format!("the step `{name}` can't wait for itself");
                found.push(problem("vwmp::self-reference", message));
            }
            Some(step) if drafts[step].node.finally && !draft.node.finally => {
                let message = format!("`{name}` belongs to `finally`, which runs after all other steps");
                found.push(problem("vwmp::finally-reference", message));
            }
            Some(step) => steps.push(step),
        }
    }
    steps
}

/// One text, or the texts of a list.
pub(super) fn texts(node: NodeRef<'_>) -> impl Iterator<Item = (&str, NodeRef<'_>)> {
    let one = Some(node).filter(|node| node.kind() != Kind::Seq);
    one.into_iter().chain(node.items()).filter_map(|node| Some((node.as_str()?, node)))
}

/// How many steps of a cycle are shown in full.
const SHOWN: usize = 10;

fn circle(drafts: &[Draft<'_>], Cycle(steps): &Cycle) -> Diagnostic {
    let ids: Vec<&str> = steps.iter().chain(&steps[..1]).map(|&step| &*drafts[step].id).collect();
    let way = if steps.len() > SHOWN {
        // The first five, the last four, and the first one again.
        let (first, last) = (&ids[..5], &ids[steps.len() - 4..]);
        format!("{} → … {} more … → {}", first.join(" → "), steps.len() - 9, last.join(" → "))
    } else {
        ids.join(" → ")
    };
    let found = Diagnostic::error("vwmp::cycle", format!("the steps wait for each other: {way}"));
    let edges = steps.iter().zip(&ids[1..]).take(SHOWN);
    edges.fold(found, |found, (&step, need)| {
        let (source, span) = place(&drafts[step], need);
        found.at(source, span, format!("`{}` waits for `{need}`", drafts[step].id))
    })
}

/// Where a step says that it needs another: in `needs`, in an expression, or else by being where it is.
fn place<'d>(draft: &'d Draft<'_>, need: &str) -> (&'d Arc<Source>, Span) {
    let mut named = draft.node.get("needs").into_iter().flat_map(texts);
    if let Some((_, node)) = named.find(|(name, _)| *name == need) {
        return (node.source(), node.span());
    }
    let mut references = draft
        .references()
        .filter(|(_, reference)| matches!(reference.namespace, Namespace::StepOutputs | Namespace::Steps));
    match references.find(|(_, reference)| reference.key() == Some(need)) {
        Some((expression, reference)) => (expression.source(), expression.span_of(reference)),
        None => {
            let node = draft.id_node();
            (node.source(), node.span())
        }
    }
}
