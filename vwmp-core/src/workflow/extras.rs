//! What few steps have: items, a lock, a cache; and what a workflow gives to whoever calls it.

use std::sync::Arc;

use serde_json::Value;

use super::expand::{StepNode, Texts};
use super::policy::int;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Kind, NodeRef};
use crate::plan::{CachePolicy, Extras, FanOut, Items};
use crate::template::{ExpressionCache, Nothing, Template};

/// Keys that mean something only where a step fans out.
const OF_FAN_OUT: [&str; 2] = ["max_parallel", "fail_fast"];

/// What few steps have; nothing for most.
pub(super) fn of_step(
    step: &StepNode<'_>,
    cache: &ExpressionCache,
    found: &mut Diagnostics,
) -> Option<Arc<Extras>> {
    let extras = Extras {
        fan_out: fan_out(step, cache, found),
        lock: step.get("lock").and_then(NodeRef::as_str).map(Arc::from),
        cache: step.get("cache").and_then(|node| policy(node, cache, found)),
        called: None,
    };
    if extras.fan_out.is_none() && step.get("foreach").is_none() && step.get("matrix").is_none() {
        for key in OF_FAN_OUT {
            found.extend(step.get(key).map(|node| alone(step, key, node)));
        }
    }
    (extras != Extras::default()).then(|| Arc::new(extras))
}

/// What a workflow gives to whoever calls it, by name.
pub(super) fn outputs(
    texts: &Texts,
    cache: &ExpressionCache,
    found: &mut Diagnostics,
) -> Arc<[(String, Template)]> {
    let mut outputs: Vec<(String, Template)> = Vec::new();
    for node in texts.all("outputs") {
        for (key, value) in node.entries() {
            if outputs.iter().all(|(name, _)| name != key.text) {
                let template = template(value, cache, found).unwrap_or_else(|| Value::Null.into());
                outputs.push((key.text.to_owned(), template));
            }
        }
    }
    outputs.into()
}

fn fan_out(step: &StepNode<'_>, cache: &ExpressionCache, found: &mut Diagnostics) -> Option<FanOut> {
    let items = match (step.get("foreach"), step.get("matrix")) {
        (Some(_), Some(matrix)) => {
            let message = format!("`{}` has both `foreach` and `matrix`", step.way());
            let problem = Diagnostic::error("vwmp::two-fan-outs", message);
            let problem = problem.at(matrix.source(), matrix.span(), "");
            found.push(problem.help("put the values of `foreach` into an axis of the `matrix`"));
            return None;
        }
        (Some(list), None) => Items::ForEach(template(list, cache, found)?),
        (None, Some(matrix)) => items_of(matrix, cache, found)?,
        (None, None) => return None,
    };
    let fan = FanOut {
        items,
        max_parallel: step.get("max_parallel").and_then(int).and_then(|most| most.try_into().ok()),
        fail_fast: step.get("fail_fast").is_some_and(|node| node.kind() == Kind::Bool(true)),
    };
    found.extend(too_many(step, &fan));
    Some(fan)
}

/// More items than a step may have, where they are known.
fn too_many(step: &StepNode<'_>, fan: &FanOut) -> Option<Diagnostic> {
    let is_literal = fan.templates().all(|template| template.literal().is_some());
    let error = crate::plan::items(fan, &Nothing).err().filter(|_| is_literal)?;
    let (key, node) = ["foreach", "matrix"].into_iter().find_map(|key| Some((key, step.get(key)?)))?;
    // Values of a wrong type are told by their shape.
    let message = error.is_too_many().then(|| format!("`{}.{key}`: {error}", step.way()))?;
    Some(Diagnostic::error("vwmp::too-many-items", message).at(node.source(), node.span(), ""))
}

fn items_of(matrix: NodeRef<'_>, cache: &ExpressionCache, found: &mut Diagnostics) -> Option<Items> {
    let mut axes = Vec::new();
    let (mut include, mut exclude) = (None, None);
    for (key, node) in matrix.entries() {
        let values = template(node, cache, found)?;
        match key.text {
            "include" => include = Some(values),
            "exclude" => exclude = Some(values),
            axis => axes.push((axis.to_owned(), values)),
        }
    }
    Some(Items::Matrix { axes, include, exclude })
}

fn policy(node: NodeRef<'_>, cache: &ExpressionCache, found: &mut Diagnostics) -> Option<CachePolicy> {
    if node.kind() != Kind::Map {
        return None;
    }
    let patterns = |key: &str| -> Vec<String> {
        let texts = node.get(key).into_iter().flat_map(super::order::texts);
        texts.map(|(text, _)| text.to_owned()).collect()
    };
    let key = match node.get("key") {
        Some(key) => template(key, cache, found)?,
        None => Value::Null.into(),
    };
    Some(CachePolicy { inputs: patterns("inputs"), key, outputs: patterns("outputs") })
}

fn template(node: NodeRef<'_>, cache: &ExpressionCache, found: &mut Diagnostics) -> Option<Template> {
    match Template::parse(node, cache) {
        Ok(template) => Some(template),
        Err(problems) => {
            found.extend(problems);
            None
        }
    }
}

fn alone(step: &StepNode<'_>, key: &str, node: NodeRef<'_>) -> Diagnostic {
    let message = format!("`{}.{key}` says something about items, but the step has none", step.way());
    let problem = Diagnostic::error("vwmp::no-fan-out", message).at(node.source(), node.span(), "");
    match key {
        "max_parallel" => problem.help("write it at the top to limit how many steps run at once"),
        _ => problem.help("add `foreach: [...]` or `matrix: {...}`, or leave it out"),
    }
}

impl Extras {
    /// All templates of it.
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        let items = self.fan_out.iter().flat_map(FanOut::templates);
        items.chain(self.cache.iter().map(|cache| &cache.key))
    }
}
