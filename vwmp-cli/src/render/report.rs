//! How a run went: a table, what failed and why, and one sentence.

use std::fmt::Write as _;

use anstyle::Style;
use vwmp_core::run::{Phase, Report, RunStatus, StepReport, StepStatus, Undone};
use vwmp_interfaces::log::{LogLine, Stream};

use super::table::{Table, wrap};
use super::{counted, duration, plain};
use crate::terminal::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, paint};

/// Longer plans are shown without the steps that succeeded.
const LONG: usize = 100;
/// How many rows there are at most.
const MOST: usize = 1000;
/// How many steps that were not done are named.
const MOST_UNDONE: usize = 20;
/// How many of a failed step's last lines are shown.
const LAST_LINES: usize = 10;

/// Every step in a table; of a long plan, those that did not succeed.
pub(crate) fn table(report: &Report, width: usize) -> String {
    let all = report.plan().steps().len();
    let shown = |step: &StepReport<'_>| all <= LONG || is_unhappy(step.phase);
    let mut table = Table::new(["step", "status", "time", "attempts", "note"]);
    let mut steps = report.steps().filter(shown);
    for step in steps.by_ref().take(MOST) {
        table.row([
            step.id.to_owned(),
            standing(step.phase),
            if step.started.is_some() { duration(step.duration) } else { String::new() },
            if step.attempts > 0 { step.attempts.to_string() } else { String::new() },
            note(&step),
        ]);
    }
    let mut text = if table.is_empty() { String::new() } else { table.render(width) };
    let succeeded = if all > LONG { report.tally().succeeded } else { 0 };
    for (count, why) in [(steps.count(), "that did not succeed"), (succeeded, "that succeeded")] {
        if count > 0 {
            let steps = if text.is_empty() { "step" } else { "more step" };
            let _ = writeln!(text, "{}", paint(DIM, format!("{} {why}", counted(count, steps))));
        }
    }
    text
}

/// What each step gave, as JSON.
pub(crate) fn outputs(report: &Report) -> String {
    let given = report.steps().filter_map(|step| Some((step.id, step.output?)));
    let given = given.filter(|(_, output)| !output.is_null()).take(MOST);
    given.fold(String::new(), |mut text, (id, output)| {
        let _ = writeln!(text, "{} {output}", paint(BOLD, id));
        text
    })
}

/// What failed, each with its causes and last lines.
pub(crate) fn problems(report: &Report, width: usize) -> String {
    let mut text = String::new();
    for step in report.steps().filter(|step| is_trouble(step.phase)).take(MOST) {
        let (style, word) = words(step.status);
        let _ = write!(text, "{} {}", paint(BOLD, step.id), paint(style, word));
        if step.attempts > 1 {
            let _ = write!(text, " after {} attempts", step.attempts);
        }
        failure(&mut text, &step, width);
        last_lines(&mut text, report, step.id);
    }
    if !matches!(report.status(), RunStatus::Succeeded | RunStatus::SucceededWithTolerated) {
        not_done(&mut text, report, width);
    }
    undone(&mut text, report, width);
    for warning in report.warnings() {
        let _ = writeln!(text, "{}: {warning}", paint(YELLOW, "warning"));
    }
    text
}

/// What a run that ended early, or with a failure, left undone, and why.
fn not_done(text: &mut String, report: &Report, width: usize) {
    let undone = |phase| matches!(phase, Phase::Ended(StepStatus::Skipped | StepStatus::Cancelled));
    let mut steps = report.steps().filter(|step| undone(step.phase));
    for step in steps.by_ref().take(MOST_UNDONE) {
        let (style, word) = match step.status {
            StepStatus::Cancelled => words(step.status),
            _ => (DIM, "not run"),
        };
        let _ = write!(text, "{} {}", paint(BOLD, step.id), paint(style, word));
        failure(text, &step, width);
    }
    let more = steps.count();
    if more > 0 {
        let _ = writeln!(text, "{}", paint(DIM, format!("and {} not run", counted(more, "more step"))));
    }
}

/// What was taken back, and what stands although it should not.
fn undone(text: &mut String, report: &Report, width: usize) {
    let all = report.undone();
    if all.is_empty() {
        return;
    }
    let (back, stands): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, undone, _)| *undone == Undone::Yes);
    if !back.is_empty() {
        let names: Vec<&str> = back.iter().map(|(id, _, _)| id.as_str()).take(MOST_UNDONE).collect();
        let more = back.len() - names.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!("taken back, the last first: {}{more}", names.join(", "));
        wrap(&line, width).iter().for_each(|line| _ = writeln!(text, "{line}"));
    }
    for (id, undone, reason) in stands.iter().take(MOST) {
        let style = if *undone == Undone::Failed { RED } else { YELLOW };
        let _ = write!(text, "{} {}", paint(BOLD, id), paint(style, "stands"));
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        indented(text, &reason, width);
    }
}

/// How it went as a whole, in a sentence or two.
pub(crate) fn summary(report: &Report, width: usize) -> String {
    let tally = report.tally();
    let (style, word) = match report.status() {
        RunStatus::Succeeded => (GREEN, "succeeded"),
        RunStatus::SucceededWithTolerated => (YELLOW, "succeeded"),
        RunStatus::Failed => (RED, "failed"),
        RunStatus::Cancelled => (YELLOW, "was cancelled"),
        RunStatus::RolledBack => (RED, "failed and was taken back"),
        RunStatus::RollbackFailed => (RED, "failed and could not be taken back"),
        RunStatus::MustContinue => (RED, "failed after a point of no return"),
        RunStatus::Interrupted => (YELLOW, "has not ended"),
    };
    let counts = [
        (tally.succeeded, "done"),
        (tally.tolerated, "failed as they may"),
        (tally.failed, "failed"),
        (tally.cancelled, "cancelled"),
        (tally.skipped, "not run"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0).enumerate().map(|(i, (count, word))| {
        let word = if word == "failed as they may" && count == 1 { "failed as it may" } else { word };
        if i == 0 { format!("{} {word}", counted(count, "step")) } else { format!("{count} {word}") }
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    let counts = match counts.as_str() {
        "" if report.plan().steps().is_empty() => "it has no steps".to_owned(),
        "" => "no step has ended".to_owned(),
        _ => counts,
    };
    let name = paint(BOLD, plain(report.plan().workflow_name()));
    let after = match report.status() {
        RunStatus::Interrupted => String::new(),
        _ => format!(" after {}", duration(report.duration())),
    };
    let mut text = format!("{name} {}{after}: {counts}.", paint(style.bold(), word));
    if let Some(reason) = report.reason() {
        let _ = write!(text, " The reason: {}.", plain(reason));
    }
    wrap(&text, width).join("\n") + "\n"
}

/// A log line with the step that wrote it.
pub(crate) fn log_line(line: &LogLine) -> String {
    let text = plain(&line.text);
    let bar = paint(DIM, "|");
    match line.stream {
        Stream::Warning => format!("{} {bar} {}: {text}", paint(CYAN, &line.step), paint(YELLOW, "warning")),
        Stream::Info | Stream::Stdout | Stream::Stderr => {
            format!("{} {bar} {text}", paint(CYAN, &line.step))
        }
    }
}

/// A status as it is shown.
pub(crate) fn status(status: StepStatus) -> String {
    let (style, word) = words(status);
    paint(style, word)
}

/// What follows the word of a status in a text such as `: cancelled after 3 s`, which begins with that word.
pub(crate) fn said_twice(status: StepStatus, trouble: &str) -> Option<&str> {
    let word = words(status).1;
    trouble.strip_prefix(": ")?.strip_prefix(word).filter(|rest| rest.starts_with(' '))
}

/// Where a step stands, as it is shown.
pub(crate) fn standing(phase: Phase) -> String {
    match phase {
        Phase::Ended(ended) => status(ended),
        Phase::Pending => paint(DIM, phase.name()),
        Phase::Asking => paint(YELLOW, "done or not?"),
        _ => paint(CYAN, phase.name()),
    }
}

fn words(status: StepStatus) -> (Style, &'static str) {
    match status {
        StepStatus::Succeeded => (GREEN, "succeeded"),
        StepStatus::Tolerated => (YELLOW, "tolerated"),
        StepStatus::Failed => (RED, "failed"),
        StepStatus::TimedOut => (RED, "timed out"),
        StepStatus::Cancelled => (YELLOW, "cancelled"),
        StepStatus::Skipped => (DIM, "skipped"),
        StepStatus::Lost => (RED, "lost"),
    }
}

/// Whether a step is worth a look when there are too many to tell all.
pub(crate) fn is_unhappy(phase: Phase) -> bool {
    phase != Phase::Ended(StepStatus::Succeeded)
}

/// Whether it failed, tolerated or not.
pub(crate) fn is_trouble(phase: Phase) -> bool {
    use StepStatus::{Failed, Lost, TimedOut, Tolerated};
    matches!(phase, Phase::Ended(Tolerated | Failed | TimedOut | Lost))
}

/// The first line of what went wrong; else what is special about it.
fn note(step: &StepReport<'_>) -> String {
    let items = step.items.map(|items| counted(items, "item"));
    let reused = match (step.reused, step.attempts) {
        (false, _) => None,
        (true, 0) => Some("taken from an earlier run"),
        (true, _) => Some("nothing has changed since an earlier run"),
    };
    let undone = match step.undone {
        None => None,
        Some(Undone::Yes) => Some("taken back"),
        Some(Undone::Impossible | Undone::Failed) => Some("stands"),
    };
    let error = step.error.as_ref().map(|error| first_line(&error.message));
    let notes = [undone.map(str::to_owned), items, reused.map(str::to_owned), error];
    notes.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn first_line(text: &str) -> String {
    plain(text.lines().next().unwrap_or_default())
}

fn failure(text: &mut String, step: &StepReport<'_>, width: usize) {
    let Some(error) = &step.error else {
        text.push('\n');
        return;
    };
    let message = format!(": {}", error.message);
    indented(text, said_twice(step.status, &message).unwrap_or(&message), width);
    for cause in &error.causes {
        text.push_str("  caused by: ");
        indented(text, cause, width);
    }
}

/// Text of several lines, all but the first indented.
fn indented(text: &mut String, message: &str, width: usize) {
    let mut lines = message.lines().flat_map(|line| wrap(&plain(line), width.saturating_sub(4)));
    text.push_str(&lines.next().unwrap_or_default());
    text.push('\n');
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
}

fn last_lines(text: &mut String, report: &Report, id: &str) {
    let lines = report.log(id);
    if lines.is_empty() {
        return;
    }
    let left_out = lines.len().saturating_sub(LAST_LINES);
    if left_out > 0 {
        let _ = writeln!(text, "  its last {LAST_LINES} lines of {}:", lines.len());
    } else {
        text.push_str("  what it wrote:\n");
    }
    for line in &lines[left_out..] {
        let _ = writeln!(text, "    {}", log_line(line));
    }
}
