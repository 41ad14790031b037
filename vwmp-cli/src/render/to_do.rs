//! What is left to do about a run, with the commands to type.

use std::fmt::Write as _;

use vwmp_core::run::{Report, RunStatus, StepState, Unit};
use vwmp_interfaces::Wait;

use super::{date_and_time, plain};
use crate::next::Next;
use crate::pending::Pending;
use crate::terminal::{BOLD, paint};

/// What a step, or an item, waits for.
pub(crate) struct Waiting {
    pub(crate) id: String,
    /// What for, in words.
    pub(crate) what: String,
    /// Whether somebody has to say yes or no.
    pub(crate) asks: bool,
}

/// How many are named.
const MOST: usize = 100;

/// What somebody has to do, but for what is `pending`, with the commands to type; empty where nothing is left to do.
pub(crate) fn to_do(report: &Report, next: &Next, pending: &[Pending]) -> String {
    let mut text = String::new();
    let questions = report.questions();
    for id in questions.iter().take(MOST) {
        let id_shown = paint(BOLD, id);
        let _ = writeln!(text, "{id_shown} may be done or not, and nobody saw its end. Look, then say so:");
        for word in ["done", "not-done"] {
            command(&mut text, next.command("resume", &["--assume", &format!("{id}={word}")]));
        }
    }
    for one in waiting(report) {
        let _ = writeln!(text, "{} {}", paint(BOLD, &one.id), plain(&one.what));
        if let Some(answer) = pending.iter().find(|answer| answer.step == one.id) {
            let _ = writeln!(text, "  {}", plain(&answer.told()));
        } else if one.asks {
            command(&mut text, next.command("approve", &[&one.id]));
            command(&mut text, next.command("reject", &[&one.id]));
        }
    }
    if questions.is_empty() {
        text.push_str(&go_on(report.status(), next));
    }
    text
}

/// How to go on with a run as a whole.
fn go_on(status: RunStatus, next: &Next) -> String {
    let (say, verb) = match status {
        RunStatus::MustContinue => ("It must be continued, not restarted:", "resume"),
        RunStatus::Interrupted => ("To go on with it:", "resume"),
        RunStatus::RollbackFailed => {
            ("To take back what stands, when what kept it from that is gone:", "undo")
        }
        _ => return String::new(),
    };
    next.command(verb, &[]).map(|typed| format!("{say} {}\n", paint(BOLD, typed))).unwrap_or_default()
}

fn command(text: &mut String, typed: Option<String>) {
    text.extend(typed.map(|typed| format!("  {}\n", paint(BOLD, typed))));
}

/// The steps and items that wait for somebody or for a time.
pub(crate) fn waiting(report: &Report) -> Vec<Waiting> {
    let (plan, state) = (report.plan(), report.state());
    let units = plan.indexed().flat_map(|(step, _)| {
        let items = 0..state.items(step).map_or(0, <[_]>::len) as u32;
        std::iter::once(Unit::from(step)).chain(items.map(move |item| Unit::item_of(step, item)))
    });
    let waiting = units.filter_map(|unit| {
        let (what, asks) = waits_for(state.unit(unit))?;
        Some(Waiting { id: unit.id(plan), what, asks })
    });
    waiting.take(MOST).collect()
}

/// What a step waits for, in words, and whether somebody has to say yes or no.
pub(crate) fn waits_for(standing: &StepState) -> Option<(String, bool)> {
    Some(match standing.waits_for()? {
        Wait::Until { at } => (format!("waits until {}", date_and_time(*at)), false),
        approval @ Wait::Approval(_) => {
            let until = standing.due().map(|due| format!(", until {}", date_and_time(due)));
            (format!("{approval}{}", until.unwrap_or_default()), true)
        }
    })
}
