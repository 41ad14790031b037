//! A run with all that is known of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use vwmp_core::run::{Event, EventKind, Phase, Report, Unit};
use vwmp_store::RunRow;

use super::table::{Table, wrap};
use super::to_do::to_do;
use super::{counted, date_and_time, duration, plain, report, runs, timings};
use crate::next::Next;
use crate::pending::Pending;
use crate::terminal::{BOLD, DIM, YELLOW, paint};

/// What is known of a run.
pub(crate) struct Known<'r> {
    pub(crate) report: &'r Report,
    pub(crate) row: &'r RunRow,
    pub(crate) events: &'r [Event],
    /// The parameters that were given, each with how; but for secret ones.
    pub(crate) parameters: &'r BTreeMap<String, (Value, String)>,
    /// Handlers that are others than when the run began.
    pub(crate) changes: Vec<String>,
    /// Answers that it has not taken in yet.
    pub(crate) pending: Vec<Pending>,
    /// The runs that its steps called.
    pub(crate) called: Vec<RunRow>,
    pub(crate) next: Next,
}

/// How many items of a step are shown, and how long a value is.
const MOST_ITEMS: usize = 50;
const MOST_VALUE: usize = 200;

/// All of it.
pub(crate) fn text(known: &Known<'_>, with_timings: bool, width: usize) -> String {
    let report = known.report;
    let mut text = head(known);
    let mut section = |title: &str, body: String| {
        if !body.is_empty() {
            let _ = write!(text, "\n{}\n{body}", paint(BOLD, title));
        }
    };
    section("steps", report::table(report, width));
    section("items", items(report, width));
    section("what it was given", given(known, width));
    section("what the steps gave", report::outputs(report));
    section("what happened to it", history(known, width));
    section("runs that it called", called(known));
    section("handlers that have changed since", lines(&known.changes, width));
    if with_timings {
        section("where the time went", timings::text(report, width));
    }
    let problems = report::problems(report, width);
    if !problems.is_empty() {
        let _ = write!(text, "\n{problems}");
    }
    let _ = write!(text, "\n{}", report::summary(report, width));
    // A run that is driven goes on by itself.
    let to_do = to_do(report, &known.next, &known.pending);
    match known.row.pid {
        Some(pid) => {
            let _ = writeln!(text, "Process {pid} drives it.");
            text.extend(
                to_do.lines().filter(|line| !line.starts_with("To go on")).map(|line| format!("{line}\n")),
            );
        }
        None => {
            text.push_str(&cut_off(report, width));
            text.push_str(&to_do);
        }
    }
    text
}

/// What was under way when the process ended.
fn cut_off(report: &Report, width: usize) -> String {
    let cut_off = report.steps().filter(|step| step.phase == Phase::Running);
    let names: Vec<&str> = cut_off.map(|step| step.id).take(MOST_ITEMS).collect();
    if names.is_empty() {
        return String::new();
    }
    lines(&[format!("Its process is gone; under way were: {}.", names.join(", "))], width)
}

fn head(known: &Known<'_>) -> String {
    let row = known.row;
    let mut text = format!(
        "{} {}\n{}\n",
        paint(BOLD, plain(&row.workflow)),
        runs::standing(row.standing),
        paint(DIM, format!("run {} of {}, started {}", row.id, row.source, date_and_time(row.started)))
    );
    if let Some(key) = &row.key {
        let _ = writeln!(text, "{}", paint(DIM, format!("its key is {}", plain(key))));
    }
    if let Some(parent) = &row.parent {
        let _ = writeln!(text, "{}", paint(DIM, format!("called by run {parent}")));
    }
    text
}

fn items(report: &Report, width: usize) -> String {
    let (plan, state) = (report.plan(), report.state());
    let mut table = Table::new(["item", "status", "time", "attempts", "value", "note"]);
    let mut more = 0;
    for (step, states) in plan.indexed().filter_map(|(step, _)| Some((step, state.items(step)?))) {
        more += states.len().saturating_sub(MOST_ITEMS);
        for (number, item) in states.iter().enumerate().take(MOST_ITEMS) {
            let unit = Unit::item_of(step, number as u32);
            table.row([
                unit.id(plan),
                report::standing(item.phase()),
                item.started().map(|_| duration(item.duration())).unwrap_or_default(),
                if item.attempts() > 0 { item.attempts().to_string() } else { String::new() },
                state.item_value(unit).map(short).unwrap_or_default(),
                state.error_of_unit(plan, unit).map(|error| first_line(&error)).unwrap_or_default(),
            ]);
        }
    }
    let mut text = if table.is_empty() { String::new() } else { table.render(width) };
    if more > 0 {
        let _ = writeln!(text, "{}", paint(DIM, format!("and {}", counted(more, "more item"))));
    }
    text
}

/// Parameters and config, each with where it comes from.
fn given(known: &Known<'_>, width: usize) -> String {
    let mut table = Table::new(["name", "value", "where it comes from"]);
    for (name, (value, how)) in known.parameters {
        table.row([format!("parameters.{name}"), short(value), plain(how)]);
    }
    for (key, value, origin) in known.report.plan().resolved_config().leaves() {
        table.row([format!("config.{key}"), short(value), plain(&origin.to_string())]);
    }
    if table.is_empty() { String::new() } else { table.render(width) }
}

/// What people did to the run: who, when and why.
fn history(known: &Known<'_>, width: usize) -> String {
    let plan = known.report.plan();
    let told = known.events.iter().filter_map(|event| {
        let what = match &event.kind {
            EventKind::RunResumed { by, .. } => format!("resumed by {by}"),
            EventKind::CancelRequested { reason, by } => match by {
                Some(by) => format!("cancelled by {by}: {reason}"),
                None => format!("cancelled: {reason}"),
            },
            EventKind::KillRequested => "killed".to_owned(),
            EventKind::RollbackStarted { reason, by, .. } => match by {
                Some(by) => format!("taken back, as {by} wanted: {reason}"),
                None => format!("taken back: {reason}"),
            },
            EventKind::Answered { step, approved, by, comment } => {
                let word = if *approved { "approved" } else { "rejected" };
                let comment = if comment.is_empty() { String::new() } else { format!(": {comment}") };
                format!("{} {word} by {by}{comment}", step.id(plan))
            }
            _ => return None,
        };
        Some(format!("{} {}", date_and_time(event.at), plain(&what)))
    });
    lines(&told.collect::<Vec<_>>(), width)
}

fn called(known: &Known<'_>) -> String {
    known.called.iter().fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "{} {} {}", row.id, runs::standing(row.standing), plain(&row.workflow));
        text
    })
}

fn lines(all: &[String], width: usize) -> String {
    let wrapped = all.iter().flat_map(|line| wrap(line, width));
    wrapped.map(|line| line + "\n").collect()
}

fn short(value: &Value) -> String {
    let text = plain(&value.to_string());
    match text.char_indices().nth(MOST_VALUE) {
        None => text,
        Some((end, _)) => paint(YELLOW, format!("{}…", &text[..end])),
    }
}

fn first_line(text: &str) -> String {
    plain(text.lines().next().unwrap_or_default())
}
