//! Where the time of a run went.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use vwmp_core::run::Report;
use vwmp_core::run::timings::critical_path;

use super::table::Table;
use super::{duration, plain};
use crate::terminal::{BOLD, DIM, paint};

/// How many of the slowest steps are named.
const SLOWEST: usize = 10;
/// Longer waits are worth a word.
const NOTICED: Duration = Duration::from_millis(100);

/// The slowest steps, and the chain that the run could not have been shorter than.
pub(crate) fn text(report: &Report, width: usize) -> String {
    let mut steps: Vec<_> = report.steps().filter(|step| step.started.is_some()).collect();
    steps.sort_by_key(|step| std::cmp::Reverse(step.duration));
    let mut slowest = Table::new(["slowest", "time", "handler"]);
    for step in steps.iter().take(SLOWEST) {
        slowest.row([step.id.to_owned(), duration(step.duration), step.handler.to_owned()]);
    }
    let mut path = Table::new(["critical path", "time", "waited before"]);
    let (mut took, mut waited) = (Duration::ZERO, Duration::ZERO);
    for one in critical_path(report.plan(), report.state()) {
        took += one.took;
        waited += one.waited;
        let wait = if one.waited >= NOTICED { duration(one.waited) } else { String::new() };
        path.row([report.plan()[one.step].id().to_owned(), duration(one.took), wait]);
    }
    if path.is_empty() {
        return format!("{}\n", paint(DIM, "nothing has run yet"));
    }
    let name = paint(BOLD, plain(report.plan().workflow_name()));
    let mut text = format!("{}\n{}\n", slowest.render(width), path.render(width));
    let _ = writeln!(
        text,
        "{name} took {}; its critical path {}, and {} of waiting between its steps.",
        duration(report.duration()),
        duration(took),
        duration(waited)
    );
    text
}

/// The critical path as JSON, in seconds.
pub(crate) fn json(report: &Report) -> Value {
    let path = critical_path(report.plan(), report.state()).into_iter().map(|one| {
        json!({
            "step": report.plan()[one.step].id(),
            "waited": one.waited.as_secs_f64(),
            "took": one.took.as_secs_f64(),
        })
    });
    json!({ "critical_path": path.collect::<Vec<_>>() })
}
