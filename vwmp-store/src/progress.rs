//! How far a run is, kept up as events go by: a list need not read all that happened.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vwmp_core::run::{Event, EventKind, Outcome, StepStatus, Tally, Unit};

/// The fold of a run's events that a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Progress {
    /// How many steps ended in which way.
    #[serde(flatten)]
    pub(crate) tally: Tally,
    /// How many events are in it, from the first on.
    pub(crate) seen: u64,
    /// How many attempts are under way.
    running: u64,
    /// What waits for an answer or a time.
    waiting: BTreeSet<Unit>,
}

impl Progress {
    /// Takes in what follows. What is in it already changes nothing.
    pub(crate) fn add(&mut self, events: &[Event]) {
        for event in events {
            if event.seq >= self.seen {
                self.apply(&event.kind);
                self.seen = event.seq + 1;
            }
        }
    }

    /// Whether the run does nothing but wait.
    pub(crate) fn only_waits(&self) -> bool {
        self.running == 0 && !self.waiting.is_empty()
    }

    fn apply(&mut self, kind: &EventKind) {
        match kind {
            EventKind::StepReused { .. } => self.tally.succeeded += 1,
            EventKind::RunResumed { again, .. } => {
                self.running = 0;
                if let Some(stands) = again {
                    self.tally = **stands;
                }
            }
            EventKind::AttemptStarted { step, .. } => {
                self.running += 1;
                self.waiting.remove(step);
            }
            EventKind::AttemptFinished { step, outcome, .. } => {
                self.running = self.running.saturating_sub(1);
                if matches!(outcome, Outcome::Waiting(_)) {
                    self.waiting.insert(*step);
                }
            }
            EventKind::StepFinished { step, status, .. } => {
                self.waiting.remove(step);
                if step.item().is_none() {
                    self.count(*status);
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, status: StepStatus) {
        let tally = &mut self.tally;
        *match status {
            StepStatus::Succeeded => &mut tally.succeeded,
            StepStatus::Tolerated => &mut tally.tolerated,
            StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost => &mut tally.failed,
            StepStatus::Cancelled => &mut tally.cancelled,
            StepStatus::Skipped => &mut tally.skipped,
        } += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use vwmp_core::run::RunStatus;
    use vwmp_interfaces::{Timestamp, Wait};

    use super::*;

    fn events(kinds: Vec<EventKind>) -> Vec<Event> {
        let event = |(seq, kind)| Event { seq, at: Timestamp::default(), kind };
        (0..).zip(kinds).map(event).collect()
    }

    fn unit(json: Value) -> Unit {
        serde_json::from_value(json).unwrap()
    }

    fn story() -> Vec<Event> {
        let started = |unit| EventKind::AttemptStarted { step: unit, attempt: 1 };
        let finished =
            |step, outcome| EventKind::AttemptFinished { step, attempt: 1, outcome, masked: false };
        let ended = |step, status| EventKind::StepFinished { step, status, cause: None };
        let (gate, item) = (unit(json!(0)), unit(json!([1, 0])));
        let until = Wait::Until { at: Timestamp::from_micros(5) };
        events(vec![
            started(gate),
            started(item),
            finished(gate, Outcome::Waiting(Box::new(until))),
            finished(item, Outcome::Succeeded(Arc::new(Value::Null))),
            ended(item, StepStatus::Succeeded),
            started(gate),
            ended(gate, StepStatus::Failed),
            EventKind::RunFinished { status: RunStatus::MustContinue },
            EventKind::RunResumed { by: "ann".into(), again: Some(Box::default()) },
        ])
    }

    #[test]
    fn a_run_only_waits_while_nothing_is_under_way() {
        let mut progress = Progress::default();
        let waits: Vec<bool> = story()
            .chunks(1)
            .map(|one| {
                progress.add(one);
                progress.only_waits()
            })
            .collect();
        assert_eq!(waits, [false, false, false, true, true, false, false, false, false]);
    }

    #[test]
    fn it_goes_on_where_it_was_left_and_counts_nothing_twice() {
        let (all, mut whole) = (story(), Progress::default());
        whole.add(&all);
        assert_eq!((whole.tally, whole.seen), (Tally::default(), 9), "what failed starts again");
        for split in 0..all.len() {
            let mut one = Progress::default();
            one.add(&all[..split]);
            let text = serde_json::to_string(&one).unwrap();
            let mut other: Progress = serde_json::from_str(&text).unwrap();
            other.add(&all[split / 2..]);
            assert_eq!(other, whole, "{text}");
        }
    }

    #[test]
    fn what_earlier_programs_wrote_can_be_read() {
        let text = r#"{"succeeded":3,"tolerated":0,"failed":1,"cancelled":0,"skipped":2}"#;
        let progress: Progress = serde_json::from_str(text).unwrap();
        assert_eq!((progress.tally.succeeded, progress.tally.skipped, progress.seen), (3, 2, 0));
    }
}
