//! Events of every kind, for whoever writes them down and reads them again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vwmp_core::plan::StepIndex;
use vwmp_core::run::event::Interruption;
use vwmp_core::run::{Cause, EventKind, Failure, Found, Outcome, RunStatus, StepStatus, Undone, Unit};
use vwmp_interfaces::{ApprovalRequest, ErrorClass, Timestamp, Wait};

/// Every kind of event with every kind of part, made with a text, a value and a number.
pub fn every_kind(text: &str, value: &Value, number: u32) -> Vec<EventKind> {
    let with = With { text: text.into(), value: Arc::new(value.clone()), number };
    [with.of_the_run(), with.of_steps(), with.of_attempts(), with.of_rollbacks(), with.ends()].concat()
}

struct With {
    text: Arc<str>,
    value: Arc<Value>,
    number: u32,
}

impl With {
    fn text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    fn step(&self) -> StepIndex {
        // A step's place in a plan, which there is none of.
        serde_json::from_value(json!(self.number))
            .unwrap_or_else(|error| panic!("a step is a number: {error}"))
    }

    fn units(&self) -> [Unit; 2] {
        [self.step().into(), Unit::item_of(self.step(), self.number)]
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_micros(u64::from(self.number) << 20)
    }

    fn failures(&self) -> Vec<Failure> {
        let classes = [ErrorClass::Transient, ErrorClass::Permanent, ErrorClass::Invalid, ErrorClass::Denied];
        let failure = |class| Failure {
            class,
            message: self.text.to_string(),
            causes: match class {
                ErrorClass::Transient => vec![self.text.to_string(), String::new()],
                _ => Vec::new(),
            },
            retry_delay: (class == ErrorClass::Transient).then(|| Duration::from_nanos(self.number.into())),
            retry_after: (class == ErrorClass::Denied).then(|| Duration::from_secs(self.number.into())),
        };
        classes.map(failure).to_vec()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let interruption = Interruption { after: Duration::from_micros(self.number.into()), abandoned: true };
        let asked = ApprovalRequest { message: self.text.to_string(), timeout: None };
        let hurried = ApprovalRequest { timeout: Some(Duration::from_secs(1)), ..asked.clone() };
        let mut outcomes = vec![
            Outcome::Succeeded(Arc::clone(&self.value)),
            Outcome::Cached(Arc::clone(&self.value)),
            Outcome::Waiting(Box::new(Wait::Approval(asked))),
            Outcome::Waiting(Box::new(Wait::Approval(hurried))),
            Outcome::Waiting(Box::new(Wait::Until { at: self.at() })),
            Outcome::TimedOut(Box::new(interruption)),
            Outcome::Cancelled(Box::new(Interruption { abandoned: false, ..interruption })),
            Outcome::Lost,
        ];
        for failure in self.failures() {
            outcomes.push(Outcome::Failed(Box::new(failure.clone())));
            outcomes.push(Outcome::Panicked(Box::new(failure)));
        }
        outcomes
    }

    fn of_the_run(&self) -> Vec<EventKind> {
        let mut events = vec![
            EventKind::RunStarted { run_id: self.text() },
            EventKind::RunResumed { by: self.text(), again: None },
            EventKind::RunResumed { by: self.text(), again: Some(Box::default()) },
            EventKind::CancelRequested { reason: self.text(), by: None },
            EventKind::CancelRequested { reason: self.text(), by: Some(self.text()) },
            EventKind::KillRequested,
            EventKind::LockAwaited { step: None },
            EventKind::LockAcquired { step: None },
        ];
        events.extend(
            self.failures().into_iter().map(|failure| EventKind::RunAborted { failure: Box::new(failure) }),
        );
        events
    }

    fn of_steps(&self) -> Vec<EventKind> {
        let step = self.step();
        let items = [Value::clone(&self.value), Value::Null].to_vec();
        vec![
            EventKind::StepReused { step, run: self.text(), output: Arc::clone(&self.value) },
            EventKind::StepExpanded { step, items: Arc::new(items), masked: false },
            EventKind::StepExpanded { step, items: Arc::default(), masked: true },
            EventKind::LockAwaited { step: Some(step) },
            EventKind::LockAcquired { step: Some(step) },
            EventKind::StartsAnnounced { steps: self.units().into(), boot: self.text() },
        ]
    }

    fn of_attempts(&self) -> Vec<EventKind> {
        let (attempt, not_before) = (self.number, self.at());
        let mut events = Vec::new();
        for step in self.units() {
            events.push(EventKind::AttemptStarted { step, attempt });
            for (number, outcome) in self.outcomes().into_iter().enumerate() {
                let masked = number % 2 == 0;
                events.push(EventKind::AttemptFinished { step, attempt, outcome, masked });
            }
            for approved in [true, false] {
                events.push(EventKind::Answered { step, approved, by: self.text(), comment: self.text() });
            }
            events.push(EventKind::LookupStarted { step });
            let done = Found::Done(Arc::clone(&self.value));
            for found in [done, Found::NotDone, Found::Unknown(None), Found::Unknown(Some(self.text()))] {
                events.push(EventKind::LookupFinished { step, found, masked: self.number.is_multiple_of(2) });
            }
            events.push(EventKind::RetryScheduled { step, attempt, not_before });
        }
        events
    }

    fn of_rollbacks(&self) -> Vec<EventKind> {
        let (attempt, not_before) = (self.number, self.at());
        let mut events = vec![
            EventKind::RollbackStarted { reason: self.text(), by: None, forced: false },
            EventKind::RollbackStarted { reason: self.text(), by: Some(self.text()), forced: true },
        ];
        for step in self.units() {
            events.push(EventKind::UndoStarted { step, attempt });
            let outcomes = self.outcomes().into_iter();
            events.extend(outcomes.map(|outcome| EventKind::UndoFinished { step, attempt, outcome }));
            events.push(EventKind::UndoRetryScheduled { step, attempt, not_before });
            for undone in [Undone::Yes, Undone::Impossible, Undone::Failed] {
                let reason = (undone != Undone::Yes).then(|| self.text());
                events.push(EventKind::StepUndone { step, undone, reason });
            }
        }
        events
    }

    fn ends(&self) -> Vec<EventKind> {
        use StepStatus::{Cancelled, Failed, Lost, Skipped, Succeeded, TimedOut, Tolerated};
        let mut causes = vec![
            None,
            Some(Cause::Condition { when: self.text.to_string() }),
            Some(Cause::Need { step: self.step() }),
            Some(Cause::FailFast { item: self.number }),
            Some(Cause::NotChosen),
            Some(Cause::Stopping { reason: self.text() }),
        ];
        causes.extend(self.failures().into_iter().map(|failure| Some(Cause::Failure(failure))));
        let mut events = Vec::new();
        for step in self.units() {
            for status in [Succeeded, Tolerated, Failed, TimedOut, Cancelled, Skipped, Lost] {
                events.push(EventKind::StepFinished { step, status, cause: None });
            }
            for cause in causes.iter().cloned() {
                events.push(EventKind::StepFinished { step, status: Skipped, cause: cause.map(Box::new) });
            }
        }
        events.extend(RunStatus::ALL.map(|status| EventKind::RunFinished { status }));
        events
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A new kind of event does not compile here until it has a number, and fails below until it is made above.
    fn number(kind: &EventKind) -> usize {
        match kind {
            EventKind::RunStarted { .. } => 0,
            EventKind::RunAborted { .. } => 1,
            EventKind::RunResumed { .. } => 2,
            EventKind::CancelRequested { .. } => 3,
            EventKind::KillRequested => 4,
            EventKind::StepReused { .. } => 5,
            EventKind::StepExpanded { .. } => 6,
            EventKind::LockAwaited { .. } => 7,
            EventKind::LockAcquired { .. } => 8,
            EventKind::AttemptStarted { .. } => 9,
            EventKind::AttemptFinished { .. } => 10,
            EventKind::Answered { .. } => 11,
            EventKind::LookupStarted { .. } => 12,
            EventKind::LookupFinished { .. } => 13,
            EventKind::RetryScheduled { .. } => 14,
            EventKind::StepFinished { .. } => 15,
            EventKind::RollbackStarted { .. } => 16,
            EventKind::UndoStarted { .. } => 17,
            EventKind::UndoFinished { .. } => 18,
            EventKind::UndoRetryScheduled { .. } => 19,
            EventKind::StepUndone { .. } => 20,
            EventKind::RunFinished { .. } => 21,
            EventKind::StartsAnnounced { .. } => 22,
        }
    }

    #[test]
    fn no_kind_is_missing() {
        let made: BTreeSet<usize> = every_kind("x", &Value::Null, 1).iter().map(number).collect();
        assert_eq!(made, (0..23).collect());
    }
}
