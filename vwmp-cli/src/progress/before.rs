//! What happened to a run before this process went on with it, as far as whoever watches it has to know.

use std::collections::{BTreeMap, HashSet};

use vwmp_core::plan::StepIndex;
use vwmp_core::run::{Event, EventKind, Outcome, Unit};
use vwmp_interfaces::Wait;

/// What happened before.
#[derive(Default)]
pub(crate) struct Before {
    /// The steps that have ended.
    pub(super) ended: HashSet<StepIndex>,
    /// What asked for an approval that nobody has given.
    pub(super) asked: BTreeMap<Unit, Event>,
}

impl Before {
    pub(crate) fn of(events: &[Event]) -> Self {
        let mut before = Self::default();
        events.iter().for_each(|event| before.add(event));
        before
    }

    fn add(&mut self, event: &Event) {
        mark(&mut self.ended, event);
        match &event.kind {
            EventKind::AttemptFinished { step, outcome: Outcome::Waiting(wait), .. }
                if matches!(**wait, Wait::Approval(_)) =>
            {
                self.asked.insert(*step, event.clone());
            }
            EventKind::Answered { step, .. }
            | EventKind::AttemptStarted { step, .. }
            | EventKind::StepFinished { step, .. } => _ = self.asked.remove(step),
            _ => {}
        }
    }
}

/// Keeps account of the steps that have ended; one that is carried out again has not.
pub(super) fn mark(ended: &mut HashSet<StepIndex>, event: &Event) {
    match &event.kind {
        EventKind::StepFinished { step, .. } if step.item().is_none() => _ = ended.insert(step.step),
        EventKind::StepReused { step, .. } => _ = ended.insert(*step),
        EventKind::AttemptStarted { step, .. } => _ = ended.remove(&step.step),
        _ => {}
    }
}
