//! `show`: everything that is known of a run.

use serde_json::{Value, json};
use vwmp_core::run::{Event, EventKind, Report, Unit};
use vwmp_interfaces::Timestamp;
use vwmp_store::{Filter, RunRow, Store};

use crate::arguments::{Format, Show};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::recorded::Recorded;
use crate::render::show::{self, Known};
use crate::render::timings;
use crate::{Program, pending, store};

pub(super) fn show(mut program: Program, arguments: &Show) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let recorded = Recorded::read(&store, &arguments.one.run, &registry)?;
    let report = recorded.report(&store)?;
    let known = Known {
        report: &report,
        row: &recorded.row,
        events: &recorded.events,
        parameters: recorded.record.parameters(),
        changes: recorded.record.changes(&registry),
        pending: pending::of(&store, &recorded, &report)?,
        called: called(&store, &recorded.row.id)?,
        next: store::next(&program, place, &recorded.row),
    };
    program.terminal.print(&match arguments.format {
        Format::Text => show::text(&known, arguments.timings, program.terminal.out_width()),
        Format::Json => format!("{:#}\n", json_of(&known, arguments.timings)),
    })?;
    Ok(Exit::Done)
}

/// The runs that its steps called.
fn called(store: &Store, run: &str) -> Result<Vec<RunRow>, Failure> {
    let mut rows = store.runs(&Filter { called: true, ..Filter::default() })?;
    rows.retain(|row| row.parent.as_deref() == Some(run));
    rows.reverse();
    Ok(rows)
}

fn json_of(known: &Known<'_>, timings: bool) -> Value {
    let report = known.report;
    let mut object = json!(report);
    object["run"] = json!(known.row);
    object["standing"] = known.row.standing.name().into();
    object["parameters"] = known
        .parameters
        .iter()
        .map(|(name, (value, how))| (name.clone(), json!({ "value": value, "origin": how })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let config = report.plan().resolved_config().leaves();
    object["config"] = config
        .map(|(key, value, origin)| json!({ "key": key, "value": value, "origin": origin.to_string() }))
        .collect();
    object["items"] = items(report);
    object["history"] = known.events.iter().filter_map(|event| happened(report, event)).collect();
    object["handler_changes"] = json!(known.changes);
    object["pending_answers"] = json!(known.pending);
    object["called"] = json!(known.called);
    if timings {
        object["timings"] = timings::json(report);
    }
    object
}

/// The items of every step that fans out.
fn items(report: &Report) -> Value {
    let (plan, state) = (report.plan(), report.state());
    let of_step = |step| {
        let states = state.items(step)?;
        let items = states.iter().enumerate().map(|(number, item)| {
            let unit = Unit::item_of(step, number as u32);
            json!({
                "id": unit.id(plan),
                "value": state.item_value(unit),
                "status": item.phase().name(),
                "attempts": item.attempts(),
                "duration": item.duration().as_secs_f64(),
                "output": state.item_output(unit),
                "error": state.error_of_unit(plan, unit),
            })
        });
        Some((plan[step].id().to_owned(), items.collect::<Value>()))
    };
    plan.indexed().filter_map(|(step, _)| of_step(step)).collect::<serde_json::Map<_, _>>().into()
}

/// What people did to the run, and what its process did to it.
fn happened(report: &Report, event: &Event) -> Option<Value> {
    let told = match &event.kind {
        EventKind::RunResumed { by, .. } => json!({ "what": "resumed", "by": by }),
        EventKind::CancelRequested { reason, by } => {
            json!({ "what": "cancelled", "by": by, "reason": reason })
        }
        EventKind::KillRequested => json!({ "what": "killed" }),
        EventKind::RollbackStarted { reason, by, .. } => {
            json!({ "what": "taken back", "by": by, "reason": reason })
        }
        EventKind::Answered { step, approved, by, comment } => json!({
            "what": if *approved { "approved" } else { "rejected" },
            "step": step.id(report.plan()), "by": by, "comment": comment,
        }),
        _ => return None,
    };
    let mut told = told;
    told["at"] = json!(rfc3339(event.at));
    Some(told)
}

fn rfc3339(at: Timestamp) -> String {
    let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX).to_string()
}
