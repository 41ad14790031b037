//! A run as one page that needs nothing else: what happened, the graph, when what ran, and the logs.

mod gantt;
mod graph;

use std::io;

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use vwmp_core::run::timings::critical_path;
use vwmp_core::run::{Event, Report, StepReport, StepState, Undone, Unit};
use vwmp_interfaces::log::Stream;

use super::to_do::{to_do, waits_for};
use super::{counted, date_and_time, duration, plain, report};
use crate::next::Next;

use self::gantt::Gantt;
use self::graph::Drawing;

/// What the page is filled with.
#[derive(Serialize)]
struct Page<'r> {
    workflow: String,
    source: &'r str,
    run: &'r str,
    status: &'static str,
    summary: String,
    started: String,
    duration: Option<String>,
    to_do: String,
    drawing: Option<Drawing>,
    node: (usize, usize),
    gantt: Option<Gantt>,
    path: Vec<Part>,
    undone: Vec<Taken>,
    warnings: &'r [String],
    steps: Vec<Step<'r>>,
    left_out: String,
}

/// A step of the critical path.
#[derive(Serialize)]
struct Part {
    id: String,
    waited: String,
    took: String,
}

/// What was taken back, or stands.
#[derive(Serialize)]
struct Taken {
    id: String,
    back: bool,
    reason: String,
}

/// What there is to know of a step.
#[derive(Serialize)]
struct Step<'r> {
    number: usize,
    id: &'r str,
    name: &'r str,
    handler: &'r str,
    status: &'static str,
    word: String,
    time: String,
    attempts: u32,
    error: Option<String>,
    causes: Vec<String>,
    waits: Option<String>,
    from: Option<String>,
    output: Option<String>,
    log: Log,
    items: Vec<Item>,
    more_items: usize,
}

/// One item of a step that fans out.
#[derive(Serialize)]
struct Item {
    id: String,
    value: String,
    status: &'static str,
    word: String,
    time: String,
    error: Option<String>,
    log: Log,
}

/// The last lines that a step wrote.
#[derive(Serialize)]
struct Log {
    left_out: usize,
    lines: Vec<(String, &'static str)>,
}

const TEMPLATE: &str = include_str!("page.html");
/// Longer plans are not drawn, and of their steps only those are told that did not succeed.
const MOST_STEPS: usize = 5_000;
const MOST_ITEMS: usize = 500;
const MOST_LINES: usize = 1_000;
const MOST_OUTPUT: usize = 20_000;

/// The page.
///
/// # Errors
/// Never with a template that is right.
pub(crate) fn page(report: &Report, events: &[Event], next: &Next) -> io::Result<String> {
    let mut environment = Environment::new();
    let filled = environment.add_template("page.html", TEMPLATE).and_then(|()| {
        let page = Page::of(report, events, next);
        environment.get_template("page.html")?.render(Serde(page))
    });
    filled.map_err(io::Error::other)
}

impl<'r> Page<'r> {
    fn of(report: &'r Report, events: &[Event], next: &Next) -> Self {
        let plan = report.plan();
        let small = plan.steps().len() <= MOST_STEPS;
        let steps: Vec<Step<'r>> = report
            .steps()
            .enumerate()
            .filter(|(_, step)| small || report::is_unhappy(step.phase))
            .take(MOST_STEPS)
            .map(|(number, step)| Step::of(report, number, &step))
            .collect();
        let left_out = plan.steps().len() - steps.len();
        Self {
            workflow: plain(plan.workflow_name()),
            source: plan.workflow_id(),
            run: report.run_id(),
            status: report.status().name(),
            summary: plain(&report::summary(report, usize::MAX)),
            started: date_and_time(report.started()),
            duration: report.state().ended().map(|_| duration(report.duration())),
            to_do: to_do(report, next, &[]).lines().map(plain).collect::<Vec<_>>().join("\n"),
            drawing: small.then(|| graph::draw(plan)),
            node: graph::NODE,
            gantt: small.then(|| gantt::draw(plan, events)),
            path: path(report),
            undone: undone(report),
            warnings: report.warnings(),
            left_out: if left_out > 0 { counted(left_out, "step") } else { String::new() },
            steps,
        }
    }
}

fn path(report: &Report) -> Vec<Part> {
    let path = critical_path(report.plan(), report.state()).into_iter().map(|one| Part {
        id: report.plan()[one.step].id().to_owned(),
        waited: duration(one.waited),
        took: duration(one.took),
    });
    path.collect()
}

fn undone(report: &Report) -> Vec<Taken> {
    let all = report.undone().into_iter().map(|(id, undone, reason)| Taken {
        id,
        back: undone == Undone::Yes,
        reason: reason.map(plain).unwrap_or_default(),
    });
    all.collect()
}

impl<'r> Step<'r> {
    fn of(report: &'r Report, number: usize, step: &StepReport<'r>) -> Self {
        let standing = report.plan().find(step.id).map(|index| report.state().step(index));
        let from = match standing.and_then(StepState::reused_from) {
            Some(run) => Some(format!("taken from run {run}")),
            None => step.reused.then(|| "nothing has changed since an earlier run".to_owned()),
        };
        let (items, more_items) = items(report, step.id);
        Self {
            number,
            id: step.id,
            name: step.name,
            handler: step.handler,
            status: if step.undone == Some(Undone::Yes) { "undone" } else { step.phase.name() },
            word: word(step),
            time: if step.started.is_some() { duration(step.duration) } else { String::new() },
            attempts: step.attempts,
            causes: step.error.iter().flat_map(|error| &error.causes).map(|cause| lines(cause)).collect(),
            error: step.error.as_ref().map(|error| lines(&error.message)),
            waits: standing.and_then(waits_for).map(|(what, _)| plain(&what)),
            from,
            output: step.output.filter(|output| !output.is_null()).map(|output| short(format!("{output:#}"))),
            log: Log::of(report, step.id),
            items,
            more_items,
        }
    }
}

fn items(report: &Report, id: &str) -> (Vec<Item>, usize) {
    let (plan, state) = (report.plan(), report.state());
    let Some((step, states)) = plan.find(id).and_then(|step| Some((step, state.items(step)?))) else {
        return (Vec::new(), 0);
    };
    let items = states.iter().enumerate().take(MOST_ITEMS).map(|(number, item)| {
        let unit = Unit::item_of(step, number as u32);
        let id = unit.id(plan);
        Item {
            value: state.item_value(unit).map(|value| short(value.to_string())).unwrap_or_default(),
            status: item.phase().name(),
            word: plain(&report::standing(item.phase())),
            time: item.started().map(|_| duration(item.duration())).unwrap_or_default(),
            error: state.error_of_unit(plan, unit).map(|error| lines(&error)),
            log: Log::of(report, &id),
            id,
        }
    });
    (items.collect(), states.len().saturating_sub(MOST_ITEMS))
}

impl Log {
    fn of(report: &Report, id: &str) -> Self {
        let all = report.log(id);
        let left_out = all.len().saturating_sub(MOST_LINES);
        let lines = all[left_out..].iter().map(|line| (plain(&line.text), class(line.stream)));
        Self { left_out, lines: lines.collect() }
    }
}

/// Where a step stands, and what became of its work when it was to be taken back.
fn word(step: &StepReport<'_>) -> String {
    let standing = plain(&report::standing(step.phase));
    match step.undone {
        None => standing,
        Some(Undone::Yes) => format!("{standing}, taken back"),
        Some(Undone::Impossible | Undone::Failed) => format!("{standing}, stands"),
    }
}

fn class(stream: Stream) -> &'static str {
    match stream {
        Stream::Info | Stream::Stdout => "stdout",
        Stream::Warning => "warning",
        Stream::Stderr => "stderr",
    }
}

/// Text of several lines that can't paint.
fn lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Text that is not longer than it has to be.
fn short(text: String) -> String {
    match text.char_indices().nth(MOST_OUTPUT) {
        None => text,
        Some((end, _)) => format!("{}…\n[{} more bytes]", &text[..end], text.len() - end),
    }
}
