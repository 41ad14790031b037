//! A plan as a graph for other programs: Mermaid, DOT, JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use vwmp_interfaces::template::has_expressions;

use super::{Backoff, Plan, PlannedStep, RetryPolicy, StepIndex};
use crate::template::{Piece, Template};
use crate::workflow::duration;

/// The steps and their edges as a Mermaid flowchart.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart TD\n");
    let node = |out: &mut String, indent: &str, (index, step): (StepIndex, &PlannedStep)| {
        let label = format!("{}<br/>{}", in_mermaid(step.name()), in_mermaid(step.handler.name()));
        let _ = writeln!(out, "{indent}n{}[\"{label}\"]", index.get());
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
        let label = in_dot(&format!("{}\n{}", step.name(), step.handler.name()));
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
        "adapters": plan.adapters().collect::<Vec<_>>(),
        "steps": plan.indexed().map(|(index, step)| step_json(plan, index, step)).collect::<Vec<_>>(),
    });
    plan.masker.value(&mut graph);
    graph
}

fn step_json(plan: &Plan, index: StepIndex, step: &PlannedStep) -> Value {
    let needs: Vec<&str> = plan.needs(index).iter().map(|&need| plan[need].id()).collect();
    let policy = &step.policy;
    json!({
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
    })
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
