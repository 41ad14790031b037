//! Approvals that steps ask for where nobody sees the question, or nobody could answer it.

use std::sync::Arc;

use vwmp_core::plan::Plan;
use vwmp_core::run::{Event, EventKind, Outcome, Report, RunControl, Unit};
use vwmp_interfaces::log::StepLog;
use vwmp_interfaces::{ApprovalRequest, Wait};
use vwmp_telemetry::Observer;

use crate::next::Next;
use crate::render::to_do::waiting;

/// Says no at once where nobody can ever answer: the run would wait for ever.
pub(super) struct Nobody {
    plan: Arc<Plan>,
    control: RunControl,
}

impl Nobody {
    pub(super) fn new(plan: Arc<Plan>, control: RunControl) -> Self {
        Self { plan, control }
    }
}

impl Observer for Nobody {
    fn observe(&mut self, event: &Event) {
        // One with a time limit ends by itself, as its workflow says.
        if let Some((unit, ApprovalRequest { timeout: None, .. })) = asked(event) {
            let why = "the run is kept in no store, so nobody can answer; run it without --no-store";
            self.control.answer(&unit.id(&self.plan), false, "nobody", why);
        }
    }

    fn catch_up(&mut self, _: &Event) {}
}

/// Tells what a called run asks, in the words of the step that called it.
pub(super) struct Told {
    plan: Arc<Plan>,
    log: StepLog,
    next: Next,
    /// Where the run is kept nowhere.
    nobody: Option<Nobody>,
}

impl Told {
    pub(super) fn new(plan: Arc<Plan>, log: StepLog, next: Next, nobody: Option<Nobody>) -> Self {
        Self { plan, log, next, nobody }
    }

    /// What a run asks that was left while it waited.
    pub(super) fn left(&self, report: &Report) {
        for one in waiting(report).into_iter().filter(|one| one.asks) {
            self.tell(&one.id, &one.what);
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        if let Some((unit, request)) = asked(event) {
            let question = request.message.lines().next().unwrap_or_default();
            self.tell(&unit.id(&self.plan), &format!("waits for an approval: {question}"));
        }
        if let Some(nobody) = &mut self.nobody {
            nobody.observe(event);
        }
    }

    fn tell(&self, id: &str, what: &str) {
        self.log.info(format!("{id}: {what} ({})", self.next.answers(id)));
    }
}

/// The step that begins to wait for an approval, and what it asks.
fn asked(event: &Event) -> Option<(Unit, &ApprovalRequest)> {
    match &event.kind {
        EventKind::AttemptFinished { step, outcome: Outcome::Waiting(wait), .. } => match &**wait {
            Wait::Approval(request) => Some((*step, request)),
            Wait::Until { .. } => None,
        },
        _ => None,
    }
}
