//! Lists of runs.

use std::fmt::Write as _;

use anstyle::Style;
use vwmp_core::run::RunStatus;
use vwmp_interfaces::Timestamp;
use vwmp_store::{Pruned, RunRow, Standing};

use super::table::Table;
use super::{counted, date_and_time, duration, plain};
use crate::terminal::{CYAN, DIM, GREEN, RED, YELLOW, paint};

/// The runs in a table, the latest first.
pub(crate) fn table(rows: &[RunRow], now: Timestamp, width: usize) -> String {
    if rows.is_empty() {
        return "no runs\n".to_owned();
    }
    let keyed = rows.iter().any(|row| row.key.is_some());
    let mut header = vec!["run", "status", "started", "took", "steps"];
    header.extend(keyed.then_some("key"));
    header.push("workflow");
    let mut table = Table::new(header);
    for row in rows {
        let mut cells = vec![
            row.id.clone(),
            standing(row.standing),
            date_and_time(row.started),
            took(row, now),
            steps(row),
        ];
        cells.extend(keyed.then(|| plain(row.key.as_deref().unwrap_or_default())));
        cells.push(plain(&row.workflow));
        table.row(cells);
    }
    let mut text = table.render(width);
    let open = rows.iter().filter(|row| row.standing == Standing::Ended(RunStatus::Interrupted)).count();
    if open > 0 {
        let told =
            format!("{} interrupted: their processes are gone; `resume RUN` goes on", counted(open, "run"));
        let _ = writeln!(text, "\n{}", paint(DIM, told));
    }
    text
}

/// How a run stands, in words.
pub(crate) fn standing(standing: Standing) -> String {
    let style: Style = match standing {
        Standing::Ended(RunStatus::Succeeded) => GREEN,
        Standing::Ended(
            RunStatus::SucceededWithTolerated | RunStatus::Cancelled | RunStatus::Interrupted,
        ) => YELLOW,
        Standing::Ended(
            RunStatus::Failed | RunStatus::RolledBack | RunStatus::RollbackFailed | RunStatus::MustContinue,
        ) => RED,
        Standing::Live(_) => CYAN,
    };
    let word = match standing {
        Standing::Ended(RunStatus::SucceededWithTolerated) => "succeeded, some failed".to_owned(),
        other => other.name().replace('_', " "),
    };
    paint(style, word)
}

/// How long it took, or takes so far.
fn took(row: &RunRow, now: Timestamp) -> String {
    match (row.ended, row.standing) {
        (Some(ended), _) => duration(ended.since(row.started)),
        (None, Standing::Live(_)) => duration(now.since(row.started)),
        (None, Standing::Ended(_)) => String::new(),
    }
}

/// How many of its steps have ended.
fn steps(row: &RunRow) -> String {
    let tally = row.tally;
    let ended = tally.succeeded + tally.tolerated + tally.failed + tally.cancelled + tally.skipped;
    format!("{ended}/{}", row.steps)
}

/// The runs that go, or went.
pub(crate) fn pruned(pruned: &[Pruned], width: usize) -> String {
    let mut table = Table::new(["run", "status", "started", "size", "workflow"]);
    for one in pruned {
        let row = &one.run;
        table.row([
            row.id.clone(),
            standing(row.standing),
            date_and_time(row.started),
            size(one.bytes),
            plain(&row.workflow),
        ]);
    }
    table.render(width)
}

/// A number of bytes as people say it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}
