//! A run as Markdown, for pull requests, job summaries and chats.

use std::fmt::Write as _;

use vwmp_core::run::{Report, StepReport, Undone};

use super::to_do::to_do;
use super::{counted, date_and_time, duration, plain, report};
use crate::next::Next;

/// Longer plans are told without the steps that succeeded.
const LONG: usize = 200;
const MOST: usize = 1_000;
/// How many of a failed step's last lines are shown.
const LAST_LINES: usize = 20;

/// The report.
pub(crate) fn markdown(report: &Report, next: &Next) -> String {
    let mut text = format!("## {}\n\n", inline(report.plan().workflow_name()));
    let _ = writeln!(text, "{}", inline(report::summary(report, usize::MAX).trim()));
    let run = code(report.run_id());
    let _ = writeln!(
        text,
        "Run {run} of {}, started {}.\n",
        code(report.plan().workflow_id()),
        date_and_time(report.started())
    );
    steps(&mut text, report);
    undone(&mut text, report);
    for step in report.steps().filter(|step| report::is_trouble(step.phase)).take(MOST) {
        failure(&mut text, report, &step);
    }
    let to_do = plain_lines(&to_do(report, next, &[]));
    if !to_do.is_empty() {
        let _ = writeln!(text, "### What is left to do\n\n{}", fenced(&to_do));
    }
    text
}

fn steps(text: &mut String, report: &Report) {
    let all = report.plan().steps().len();
    let mut steps = report.steps().filter(|step| all <= LONG || report::is_unhappy(step.phase));
    text.push_str("| step | status | time | attempts | note |\n| --- | --- | ---: | ---: | --- |\n");
    for step in steps.by_ref().take(MOST) {
        let note = step.error.as_ref().map(|error| cell(&error.message)).unwrap_or_default();
        let time = if step.started.is_some() { duration(step.duration) } else { String::new() };
        let status = plain(&report::standing(step.phase));
        let _ = writeln!(text, "| {} | {status} | {time} | {} | {note} |", code(step.id), step.attempts);
    }
    let left_out = steps.count() + if all > LONG { report.tally().succeeded } else { 0 };
    if left_out > 0 {
        let _ = writeln!(text, "\nand {}", counted(left_out, "more step"));
    }
    text.push('\n');
}

fn undone(text: &mut String, report: &Report) {
    let all = report.undone();
    if all.is_empty() {
        return;
    }
    text.push_str("### What was taken back\n\n");
    for (id, undone, reason) in all {
        let word = if undone == Undone::Yes { "taken back" } else { "**stands**" };
        let reason = reason.map(|reason| format!(": {}", inline(reason))).unwrap_or_default();
        let _ = writeln!(text, "- {} {word}{reason}", code(&id));
    }
    text.push('\n');
}

fn failure(text: &mut String, report: &Report, step: &StepReport<'_>) {
    let _ = writeln!(text, "### {} {}\n", code(step.id), plain(&report::standing(step.phase)));
    if let Some(error) = &step.error {
        let causes = error.causes.iter().map(|cause| format!("caused by: {cause}"));
        let told = std::iter::once(error.message.clone()).chain(causes).collect::<Vec<_>>().join("\n");
        let _ = writeln!(text, "{}", fenced(&plain_lines(&told)));
    }
    let lines = report.log(step.id);
    let last: Vec<String> =
        lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| plain(&line.text)).collect();
    if !last.is_empty() {
        let _ = writeln!(text, "Its last lines:\n\n{}", fenced(&last.join("\n")));
    }
}

fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Text as it is, whatever it contains.
fn fenced(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}text\n{text}\n{fence}\n")
}

/// A name as code.
fn code(text: &str) -> String {
    let text = plain(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}").replace('|', "\\|")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// The first line of a text, in a table.
fn cell(text: &str) -> String {
    inline(text.lines().next().unwrap_or_default())
}

/// Text that is no markup.
fn inline(text: &str) -> String {
    let special = |c: char| "\\`*_{}[]<>#|~!&@".contains(c);
    plain(text).chars().fold(String::new(), |mut all, c| {
        all.extend(special(c).then_some('\\'));
        all.push(c);
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_not_leave_its_place() {
        assert_eq!(inline("<b> | [x](y) @me"), "\\<b\\> \\| \\[x\\](y) \\@me");
        assert_eq!(code("a`b|"), "``a`b\\|``");
        assert_eq!(fenced("```\nx"), "````text\n```\nx\n````\n");
    }
}
