//! Workflows of other tools, as far as they can be carried over.
//!
//! A reader turns a foreign file into a [`Draft`]: steps with scripts, and notes about what was left behind. A step
//! that can't be carried over becomes one that does nothing and says what it was: nothing is left out silently.

mod draft;
mod dagu;
mod github;
mod splice;
mod taskfile;
mod words;

use vwmp_core::diagnostic::{Diagnostic, nearest};
use vwmp_core::document::{Document, Kind, NodeRef};

pub(crate) use self::draft::Draft;
use crate::arguments::ForeignFormat;

/// A foreign file as a draft of a workflow.
///
/// # Errors
/// When it is none of the known formats, or has no job or task of the wanted name.
pub(crate) fn import(
    document: &Document,
    name: &str,
    format: Option<ForeignFormat>,
    only: Option<&str>,
) -> Result<(Draft, ForeignFormat), Diagnostic> {
    let root = document.root();
    if let Some(handler) = own(root) {
        let message = "the file is a workflow of this program already";
        return Err(Diagnostic::error("vwmp::nothing-to-import", message)
            .at(document.source(), handler.span(), "")
            .help("`validate` checks it, `run` runs it"));
    }
    let Some(format) = format.or_else(|| told(root)) else {
        let message = "the file is no GitHub Actions workflow, no Taskfile and no Dagu DAG";
        return Err(Diagnostic::error("vwmp::unknown-format", message)
            .at(document.source(), root.span(), "")
            .help(
                "a workflow has `jobs:`, a Taskfile `tasks:`, a DAG `steps:`; say which it is with --from",
            ));
    };
    let draft = match format {
        ForeignFormat::Github => github::read(root, name, only),
        ForeignFormat::Taskfile => taskfile::read(root, name, only),
        ForeignFormat::Dagu => dagu::read(root, name),
    };
    Ok((draft?, format))
}

/// What shows that a file is a workflow of ours: a step with a handler.
fn own(root: NodeRef<'_>) -> Option<NodeRef<'_>> {
    let steps = root.get("steps").filter(|steps| steps.kind() == Kind::Seq)?;
    steps.items().find_map(|step| step.get("handler"))
}

/// What a file is, told by its keys.
fn told(root: NodeRef<'_>) -> Option<ForeignFormat> {
    let has = |key: &str| root.get(key).is_some();
    match () {
        () if has("jobs") => Some(ForeignFormat::Github),
        () if has("tasks") || (has("includes") && has("version")) => Some(ForeignFormat::Taskfile),
        () if has("steps") => Some(ForeignFormat::Dagu),
        () => None,
    }
}

/// The wanted job or task is not there.
fn no_such(what: &str, name: &str, place: NodeRef<'_>) -> Diagnostic {
    let known: Vec<&str> = place.entries().map(|(key, _)| key.text).collect();
    let problem = Diagnostic::error("vwmp::unknown-name", format!("there is no {what} `{name}`"));
    let problem = problem.at(place.source(), place.span(), "");
    match nearest(name, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("there are {}", known.join(", "))),
    }
}

/// A scalar as it is written; `1.10` stays `1.10`.
fn scalar(node: NodeRef<'_>) -> Option<String> {
    match node.kind() {
        Kind::Str(text) => Some(text.to_owned()),
        Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => Some(node.raw().to_owned()),
        _ => None,
    }
}

/// A text, or a list of texts.
fn texts(node: Option<NodeRef<'_>>) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    match node.kind() {
        Kind::Seq => node.items().filter_map(scalar).collect(),
        _ => scalar(node).into_iter().collect(),
    }
}

/// The line of a value.
fn line(node: NodeRef<'_>) -> u32 {
    node.source().position(node.span().start).line
}
