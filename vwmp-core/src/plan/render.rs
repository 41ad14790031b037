//! A plan as a graph for other programs: Mermaid, DOT, JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};
use vwmp_interfaces::template::has_expressions;
use vwmp_interfaces::workflow_type::FailurePolicy;

use super::{Backoff, Extras, Items, Plan, PlannedStep, RetryPolicy, StepIndex, items};
use crate::template::{Piece, Template};
use crate::workflow::duration;

/// The steps and their edges as a Mermaid flowchart.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart TD\n");
    let node = |out: &mut String, indent: &str, (index, step): (StepIndex, &PlannedStep)| {
        let lines = label(plan, step);
        let label: Vec<String> = lines.iter().map(|line| in_mermaid(line)).collect();
        let _ = writeln!(out, "{indent}n{}[\"{}\"]", index.get(), label.join("<br/>"));
    };
    let (main, finally) = parts(plan);
    main.into_iter().for_each(|step| node(&mut out, "    ", step));
    if !finally.is_empty() {
        out += "    subgraph finally\n";
        finally.into_iter().for_each(|step| node(&mut out, "        ", step));
        out += "    end\n";
    }
    for (from, to) in edges(plan) {
        let _ = writeln!(out, "    n{from} --> n{to}");
    }
    out
}

/// The steps and their edges in the language of Graphviz.
pub fn dot(plan: &Plan) -> String {
    let mut out = format!("digraph {} {{\n    node [shape=box];\n", in_dot(plan.workflow_name()));
    let node = |out: &mut String, indent: &str, (index, step): (StepIndex, &PlannedStep)| {
        let label = in_dot(&label(plan, step).join("\n"));
        let _ = writeln!(out, "{indent}n{} [label={label}];", index.get());
    };
    let (main, finally) = parts(plan);
    main.into_iter().for_each(|step| node(&mut out, "    ", step));
    if !finally.is_empty() {
        out += "    subgraph cluster_finally {\n        label=\"finally\";\n";
        finally.into_iter().for_each(|step| node(&mut out, "        ", step));
        out += "    }\n";
    }
    for (from, to) in edges(plan) {
        let _ = writeln!(out, "    n{from} -> n{to};");
    }
    out + "}\n"
}

/// The plan as JSON: the steps in their order, each with its config as written.
pub fn json(plan: &Plan) -> Value {
    let mut graph = json!({
        "workflow": {
            "id": plan.workflow_id(),
            "name": plan.workflow_name(),
            "type": plan.workflow_type.as_ref().map(|one| one.name()),
        },
        "max_parallel": plan.max_parallel,
        "timeout": plan.timeout.map(duration::written),
        "on_failure": plan.on_failure,
        "lock": plan.lock(),
        "outputs": plan.outputs().iter().map(|(name, one)| (name.clone(), written(one))).collect::<Map<_, _>>(),
        "adapters": plan.adapters().collect::<Vec<_>>(),
        "steps": plan.indexed().map(|(index, step)| step_json(plan, index, step)).collect::<Vec<_>>(),
    });
    plan.masker.value(&mut graph);
    graph
}

fn step_json(plan: &Plan, index: StepIndex, step: &PlannedStep) -> Value {
    let needs: Vec<&str> = plan.needs(index).iter().map(|&need| plan[need].id()).collect();
    let policy = &step.policy;
    let mut json = json!({
        "id": step.id(),
        "name": step.name(),
        "handler": step.handler.name(),
        "effect": step.handler.effect(),
        "finally": plan.is_finally(index),
        "needs": needs,
        "when": step.when().map(crate::template::Condition::text),
        "required": policy.required,
        "timeout": policy.timeout.map(duration::written),
        "retry": retry(&policy.retry),
        "priority": policy.priority,
        "adapters": *policy.adapters,
        "config": written(&step.config),
        "can_undo": step.handler.info().can_undo,
        "point_of_no_return": step.handler.point_of_no_return(),
    });
    if let Some(extras) = &step.extras {
        extras_json(extras, &mut json);
    }
    json
}

/// What few steps have, where they have it.
fn extras_json(extras: &Extras, json: &mut Value) {
    if let Some(fan) = &extras.fan_out {
        match &fan.items {
            Items::ForEach(list) => json["foreach"] = written(list),
            Items::Matrix { axes, include, exclude } => {
                let keys = axes.iter().map(|(axis, values)| (axis.as_str(), values));
                let keys = keys.chain(include.iter().map(|one| ("include", one)));
                let keys = keys.chain(exclude.iter().map(|one| ("exclude", one)));
                json["matrix"] = keys.map(|(key, one)| (key.to_owned(), written(one))).collect();
            }
        }
        json["max_parallel"] = json!(fan.max_parallel);
        json["fail_fast"] = fan.fail_fast.into();
    }
    if let Some(lock) = &extras.lock {
        json["lock"] = (**lock).into();
    }
    if let Some(cache) = &extras.cache {
        json["cache"] =
            json!({ "inputs": cache.inputs, "key": written(&cache.key), "outputs": cache.outputs });
    }
    if let Some(called) = &extras.called {
        json["calls"] = json!({ "workflow": *called.workflow, "steps": called.steps });
    }
}

/// What stands in the box of a step, a line each.
fn label(plan: &Plan, step: &PlannedStep) -> Vec<String> {
    let mut lines = vec![step.name().to_owned(), step.handler.name().to_owned()];
    if let Some(fan) = step.fan_out() {
        lines.push(match items(fan, plan) {
            Ok(items) => format!("× {}", items.len()),
            // Known during the run.
            Err(_) => "× n".to_owned(),
        });
    }
    lines.extend(step.called().map(|called| format!("calls {}", called.workflow)));
    lines.extend(step.lock().map(|lock| format!("lock {lock}")));
    lines.extend(step.cache().map(|_| "cached".to_owned()));
    if plan.on_failure == FailurePolicy::Rollback && step.handler.point_of_no_return() {
        lines.push("point of no return".to_owned());
    }
    lines
}

fn retry(policy: &RetryPolicy) -> Value {
    let backoff = policy.backoff.map(|backoff| match backoff {
        Backoff::Constant => "constant",
        Backoff::Linear => "linear",
        Backoff::Exponential => "exponential",
    });
    let time = |time: Duration| duration::written(time);
    json!({
        "max_attempts": policy.max_attempts,
        "backoff": backoff,
        "delay": policy.delay.map(time),
        "max_delay": time(policy.max_delay),
        "jitter": policy.jitter,
    })
}

/// A template as a workflow would have it.
fn written(template: &Template) -> Value {
    match template {
        Template::Literal(value) => escaped(value),
        Template::Expression(expression) => Value::String(format!("$<{}>", expression.text())),
        Template::Text(pieces) | Template::Script(pieces) => {
            let piece = |piece: &Piece| match piece {
                Piece::Text(text) => text.replace("$<", "$$<"),
                Piece::Expression(expression) => format!("$<{}>", expression.text()),
            };
            Value::String(pieces.iter().map(piece).collect())
        }
        Template::List(items) => items.iter().map(written).collect(),
        Template::Map(entries) => entries.iter().map(|(key, value)| (key.clone(), written(value))).collect(),
    }
}

/// A value in which no text reads as an expression.
fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) if has_expressions(text) => text.replace("$<", "$$<").into(),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), escaped(value))).collect(),
        other => other.clone(),
    }
}

type Steps<'p> = Vec<(StepIndex, &'p PlannedStep)>;

fn parts(plan: &Plan) -> (Steps<'_>, Steps<'_>) {
    plan.indexed().partition(|(index, _)| !plan.is_finally(*index))
}

fn edges(plan: &Plan) -> impl Iterator<Item = (usize, usize)> {
    plan.indexed().flat_map(|(to, _)| plan.needs(to).iter().map(move |from| (from.get(), to.get())))
}

/// Text for a quoted Mermaid label, which knows entities written with `#`.
fn in_mermaid(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, char| {
        match char {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '%' | ';' => {
                let _ = write!(out, "#{};", char as u32);
            }
            char if char.is_control() => out.push(' '),
            char => out.push(char),
        }
        out
    })
}

/// A quoted text.
fn in_dot(text: &str) -> String {
    let inside = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "");
    format!("\"{inside}\"")
}
