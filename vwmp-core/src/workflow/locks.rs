//! Locks that would never become free: whoever waits for them holds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::calls::Callee;
use super::check::Draft;
use super::expand::Texts;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Kind, NodeRef};
use crate::registry::RegisteredWorkflowType;

/// The lock of a whole run: what the workflow says, `false` or `none` where it shall hold none, or else that of its type.
fn of_run(texts: &Texts, workflow_type: Option<&RegisteredWorkflowType>) -> Option<Arc<str>> {
    match texts.get("lock") {
        Some(node) if node.kind() == Kind::Bool(false) => None,
        Some(node) => node.as_str().filter(|name| *name != "none").map(Arc::from),
        None => workflow_type?.info().lock.map(Arc::from),
    }
}

/// Every lock that the steps take, and those that are taken by what they call.
pub(super) fn all(own: Option<&Arc<str>>, drafts: &[Draft<'_>]) -> BTreeSet<Arc<str>> {
    let of_steps = drafts.iter().filter_map(Draft::lock);
    let called = drafts.iter().filter_map(|draft| draft.callee.as_deref()).flat_map(|callee| &callee.locks);
    own.into_iter().chain(of_steps).chain(called).cloned().collect()
}

/// The lock of the whole run. Looks at what is waited for while the run holds it, and a step holds its own.
pub(super) fn check(
    texts: &Texts,
    workflow_type: Option<&RegisteredWorkflowType>,
    drafts: &[Draft<'_>],
    found: &mut Diagnostics,
) -> Option<Arc<str>> {
    let of_run = of_run(texts, workflow_type);
    let own = of_run.as_ref();
    for draft in drafts {
        if let (Some(lock), Some(own)) = (draft.lock(), own)
            && lock == own
        {
            let message = format!(
                "`{}.lock`: the run holds `{lock}` already, so the step would wait for ever",
                draft.node.way()
            );
            found.push(
                at_both(message, draft.node.get("lock"), texts)
                    .help("leave it out: the lock of the run covers all its steps"),
            );
        }
        let Some(callee) = &draft.callee else { continue };
        for held in own.into_iter().chain(draft.lock()).filter(|held| callee.locks.contains(*held)) {
            found.push(called(draft, callee, held, texts));
        }
    }
    of_run
}

fn called(draft: &Draft<'_>, callee: &Callee, held: &Arc<str>, texts: &Texts) -> Diagnostic {
    let message = format!(
        "`{}` calls `{}`, which waits for the lock `{held}` for ever: it is held here while the other runs",
        draft.node.way(),
        callee.name
    );
    let node = draft.node.get("lock").filter(|_| draft.lock() == Some(held));
    let node = node.or_else(|| draft.node.get("handler"));
    at_both(message, node, texts)
        .help("let one of them hold it; `lock: none` at the top of the other overrides that of its type")
}

/// At a step, and where the lock of the run is written.
fn at_both(message: String, node: Option<NodeRef<'_>>, texts: &Texts) -> Diagnostic {
    let problem = Diagnostic::error("vwmp::deadlock", message);
    let problem = node.into_iter().fold(problem, |one, node| one.at(node.source(), node.span(), ""));
    let run = texts.get("lock").filter(|run| node.is_none_or(|node| node.span() != run.span()));
    run.into_iter().fold(problem, |one, node| one.at(node.source(), node.span(), "held by the whole run"))
}
