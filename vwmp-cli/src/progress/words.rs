//! Events in words.

use std::collections::HashMap;
use std::sync::Arc;

use vwmp_core::plan::{Plan, StepIndex};
use vwmp_core::run::event::Cause;
use vwmp_core::run::{Event, EventKind, Limits, StepStatus};
use vwmp_interfaces::Timestamp;

use crate::render::{duration, plain, report};
use crate::terminal::{BOLD, DIM, YELLOW, paint};

/// Puts events in words, a line each.
pub(super) struct Words {
    plan: Arc<Plan>,
    /// The steps under way.
    under_way: HashMap<StepIndex, UnderWay>,
}

struct UnderWay {
    since: Timestamp,
    /// When the last attempt ended.
    until: Timestamp,
    /// Why the last attempt did not succeed.
    trouble: Option<String>,
}

impl Words {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        Self { plan, under_way: HashMap::new() }
    }

    /// What happened, where people should know.
    pub(super) fn tell(&mut self, event: &Event) -> Option<String> {
        Some(match &event.kind {
            EventKind::AttemptStarted { step, attempt } => self.started(*step, *attempt, event.at),
            EventKind::AttemptFinished { step, outcome, .. } => {
                if let Some(under_way) = self.under_way.get_mut(step) {
                    under_way.trouble = outcome.describe();
                    under_way.until = event.at;
                }
                return None;
            }
            EventKind::RetryScheduled { step, attempt, not_before } => {
                let delay = duration(not_before.since(event.at));
                let again = format!("attempt {attempt} in {delay}");
                format!("{} {}{}", self.name(*step), paint(YELLOW, again), self.trouble(*step))
            }
            EventKind::StepFinished { step, status, cause } => {
                self.finished(*step, *status, cause.as_deref())
            }
            EventKind::CancelRequested { reason } => paint(YELLOW, cancelling(reason)),
            EventKind::KillRequested => paint(YELLOW, KILLING),
            EventKind::RunAborted { .. } | EventKind::RunStarted { .. } | EventKind::RunFinished { .. } => {
                return None;
            }
        })
    }

    fn name(&self, step: StepIndex) -> String {
        paint(BOLD, self.plan[step].id())
    }

    fn started(&mut self, step: StepIndex, attempt: u32, at: Timestamp) -> String {
        self.under_way.entry(step).or_insert(UnderWay { since: at, until: at, trouble: None });
        match attempt {
            1 => format!("{} started", self.name(step)),
            _ => format!("{} started, attempt {attempt}", self.name(step)),
        }
    }

    fn finished(&mut self, step: StepIndex, status: StepStatus, cause: Option<&Cause>) -> String {
        let trouble = match cause {
            Some(cause) => format!(": {}", one_line(&cause.describe(&self.plan))),
            None if status == StepStatus::Succeeded => String::new(),
            None => self.trouble(step),
        };
        let after = self.under_way.remove(&step).map(|one| duration(one.until.since(one.since)));
        if let Some(rest) = report::said_twice(status, &trouble) {
            return format!("{} {}{rest}", self.name(step), report::status(status));
        }
        let after = after.map(|after| paint(DIM, format!(" after {after}"))).unwrap_or_default();
        format!("{} {}{after}{trouble}", self.name(step), report::status(status))
    }

    fn trouble(&self, step: StepIndex) -> String {
        let trouble = self.under_way.get(&step).and_then(|one| one.trouble.as_deref());
        trouble.map(|text| format!(": {}", one_line(text))).unwrap_or_default()
    }
}

/// What follows when a run is killed.
const KILLING: &str = "killed: what was running is left behind, and nothing more starts";

/// What follows when a run is cancelled.
pub(crate) fn cancelling(reason: &str) -> String {
    let grace = Limits::default().grace.as_secs();
    format!("{reason}: steps have {grace} s to stop; Ctrl-C once more kills them")
}

fn one_line(text: &str) -> String {
    plain(text.lines().next().unwrap_or_default())
}
