//! What a run would do, step by step.

mod fan;

use std::fmt::Write as _;

use std::sync::Arc;

use serde_json::{Value, json};
use vwmp_core::plan::preview::{KnownValue, StepPreview, Verdict};
use vwmp_core::plan::{Plan, PlannedStep, render};
use vwmp_core::registry::RegisteredStep;
use vwmp_interfaces::workflow_type::FailurePolicy;
use vwmp_interfaces::{Change, Effect};

use super::change::change as changed;
use super::table::{Table, wrap};
use super::{counted, plain};
use crate::terminal::{BOLD, CYAN, DIM, RED, YELLOW, paint};

/// Longer values are cut in tables.
const LONGEST_VALUE: usize = 60;

/// For people.
pub(crate) fn text(plan: &Plan, previews: &[StepPreview], width: usize) -> String {
    let mut text = String::new();
    let name = paint(BOLD, plain(plan.workflow_name()));
    let steps = counted(plan.steps().len(), "step");
    let _ = writeln!(text, "{name}: {steps}, at most {} at once", plan.max_parallel());
    let _ = writeln!(text, "in {}", plan.workspace().display());
    if let Some(lock) = plan.lock() {
        let _ = writeln!(text, "holds the lock {lock}, so that no other run does at the same time");
    }
    if plan.on_failure() == FailurePolicy::Rollback {
        text.push_str("on failure, what was done is taken back\n");
    }
    values(&mut text, plan, width);
    for (number, preview) in previews.iter().enumerate() {
        text.push('\n');
        step(&mut text, plan, preview, number + 1, width);
    }
    let _ = writeln!(text, "\n{}", totals(previews));
    text
}

/// For programs.
pub(crate) fn json(plan: &Plan, previews: &[StepPreview]) -> Value {
    let mut whole = render::json(plan);
    whole["workspace"] = plan.workspace().to_string_lossy().into();
    whole["config"] = plan
        .resolved_config()
        .leaves()
        .map(|(key, value, origin)| json!({ "key": key, "value": value, "origin": origin.to_string() }))
        .collect();
    for preview in previews {
        let step = &mut whole["steps"][preview.step.get()];
        step["preview"] = preview_json(preview);
    }
    whole
}

/// The config, with where each value came from.
fn values(text: &mut String, plan: &Plan, width: usize) {
    let mut table = Table::new(["config", "value", "where"]);
    for (key, value, origin) in plan.resolved_config().leaves() {
        table.row([key, short(value), origin.to_string()]);
    }
    if !table.is_empty() {
        let _ = write!(text, "\n{}", table.render(width));
    }
}

fn step(text: &mut String, plan: &Plan, preview: &StepPreview, number: usize, width: usize) {
    let step = &plan[preview.step];
    let finally = if plan.is_finally(preview.step) { " at the end" } else { "" };
    let handler = paint(DIM, step.handler().name());
    let _ = writeln!(text, "{number}. {}  {handler}{finally}", paint(BOLD, step.id()));
    let mut line = |line: &str| {
        let _ = writeln!(text, "   {line}");
    };
    let needs: Vec<&str> = plan.needs(preview.step).iter().map(|&need| plan[need].id()).collect();
    if !needs.is_empty() {
        line(&format!("after {}", needs.join(", ")));
    }
    extras(step).iter().for_each(|one| wrapped(one, width, &mut line));
    match &preview.verdict {
        Verdict::Runs => {}
        Verdict::Skipped(why) => line(&paint(DIM, format!("does not run: {why}"))),
        Verdict::Unknown(why) => line(&paint(YELLOW, format!("may not run: {why}"))),
    }
    for known in preview.values.iter().filter(|known| !known.origins.is_empty()) {
        wrapped(&value(known), width, &mut line);
    }
    if !preview.unknown.is_empty() {
        let names = preview.unknown.iter().map(|one| format!("$<{one}>")).collect::<Vec<_>>();
        wrapped(&paint(YELLOW, format!("known during the run: {}", names.join(", "))), width, &mut line);
    }
    if !preview.summary.is_empty() {
        wrapped(&format!("{} {}", paint(CYAN, "=>"), plain(&preview.summary)), width, &mut line);
    }
    if let Some(items) = &preview.items {
        fan::lines(items).iter().for_each(|one| wrapped(one, width, &mut line));
    }
    for change in &preview.changes {
        let lines = changed(change);
        match change {
            Change::File { .. } => lines.iter().for_each(|text| line(text)),
            Change::Action { .. } => lines.iter().for_each(|text| wrapped(text, width, &mut line)),
        }
    }
    if plan.on_failure() == FailurePolicy::Rollback {
        undoing(step.handler()).into_iter().for_each(|one| line(&paint(DIM, one)));
    }
    if let Some(error) = &preview.error {
        wrapped(&format!("{} {}", paint(RED, "can't tell:"), plain(error)), width, &mut line);
    }
}

/// What few steps have, a line each.
fn extras(step: &PlannedStep) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(step.called().map(|called| format!("calls {}: {}", called.workflow, listed(&called.steps))));
    lines.extend(step.lock().map(|lock| format!("holds the lock {lock}")));
    if let Some(cache) = step.cache() {
        let reads = match cache.inputs.as_slice() {
            [] => "its key has".to_owned(),
            inputs => format!("{} and its key have", inputs.join(", ")),
        };
        let keeps = if cache.outputs.is_empty() {
            String::new()
        } else {
            format!("; keeps {}", cache.outputs.join(", "))
        };
        lines.push(format!("taken from the cache while {reads} not changed{keeps}"));
    }
    if let Some(fan) = step.fan_out() {
        let most = fan.max_parallel.map(|most| format!("at most {most} at once"));
        let fast = fan.fail_fast.then(|| "none starts when one has failed".to_owned());
        let said: Vec<String> = most.into_iter().chain(fast).collect();
        lines.extend((!said.is_empty()).then(|| format!("of its items {}", said.join(", "))));
    }
    lines
}

/// What happens to the work of a step when the run is taken back; nothing for steps that only look.
fn undoing(handler: &RegisteredStep) -> Option<&'static str> {
    match (handler.point_of_no_return(), handler.effect(), handler.info().can_undo) {
        (true, ..) => Some("point of no return: from then on the run is continued, not taken back"),
        (_, Effect::ReadOnly, _) => None,
        (_, _, true) => Some("can be taken back"),
        (_, _, false) => Some("can't be taken back"),
    }
}

/// The first of many names.
fn listed(names: &[Arc<str>]) -> String {
    const MOST: usize = 8;
    let first: Vec<&str> = names.iter().take(MOST).map(|name| &**name).collect();
    let more = if names.len() > MOST { format!(", and {} more", names.len() - MOST) } else { String::new() };
    first.join(", ") + &more
}

fn wrapped(text: &str, width: usize, line: &mut impl FnMut(&str)) {
    for (i, part) in wrap(text, width.saturating_sub(5)).iter().enumerate() {
        line(&if i == 0 { part.clone() } else { format!("  {part}") });
    }
}

/// An expression with its value, and where that came from.
fn value(known: &KnownValue) -> String {
    let origins: Vec<String> = known.origins.iter().map(ToString::to_string).collect();
    format!(
        "$<{}> = {} {}",
        known.expression,
        short(&known.value),
        paint(DIM, format!("({})", origins.join(", ")))
    )
}

fn short(value: &Value) -> String {
    let text = plain(&value.to_string());
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    let start: String = text.chars().take(LONGEST_VALUE).collect();
    format!("{start}…")
}

fn totals(previews: &[StepPreview]) -> String {
    let count = |wanted: fn(&Verdict) -> bool| previews.iter().filter(|one| wanted(&one.verdict)).count();
    let runs = count(|verdict| *verdict == Verdict::Runs);
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    let unknown = count(|verdict| matches!(verdict, Verdict::Unknown(_)));
    let mut text = format!("{} would run", counted(runs, "step"));
    if skipped > 0 {
        let _ = write!(text, ", {skipped} would not");
    }
    if unknown > 0 {
        let _ = write!(text, ", {unknown} may or may not");
    }
    text + "; nothing was touched"
}

fn preview_json(preview: &StepPreview) -> Value {
    let (verdict, reason) = match &preview.verdict {
        Verdict::Runs => ("runs", None),
        Verdict::Skipped(why) => ("skipped", Some(why)),
        Verdict::Unknown(why) => ("unknown", Some(why)),
    };
    let values = preview.values.iter().map(|known| {
        let origins: Vec<String> = known.origins.iter().map(ToString::to_string).collect();
        json!({ "expression": known.expression, "value": known.value, "origins": origins })
    });
    json!({
        "verdict": verdict,
        "reason": reason,
        "config": preview.config,
        "unknown": preview.unknown,
        "values": values.collect::<Vec<_>>(),
        "summary": preview.summary,
        "changes": preview.changes,
        "items": preview.items.as_ref().map(fan::json),
        "error": preview.error,
    })
}
