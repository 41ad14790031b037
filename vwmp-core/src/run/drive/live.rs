//! The attempts that are under way in this process.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinError;
use tokio::time::Instant;
use vwmp_interfaces::CancellationToken;
use vwmp_interfaces::StepContext;
use vwmp_interfaces::context::AttemptScope;

use super::{Drive, WATCH_EVERY};
use crate::run::attempt::message_of;
use crate::run::event::{EventKind, Failure, Found, Interruption, Outcome};
use crate::run::ports::{Attempt, Task};
use crate::run::state::UndoPhase;
use crate::run::unit::Unit;

/// The attempts that are under way.
#[derive(Default)]
pub(super) struct Live(HashMap<Unit, Attending>);

/// One attempt that is under way.
struct Attending {
    task: Kind,
    began: Instant,
    cancel: CancellationToken,
    /// When it was asked to stop, by the run.
    asked: Option<Instant>,
    abort: tokio::task::AbortHandle,
}

/// What an attempt is for, with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Execute(u32),
    LookUp,
    Undo(u32),
}

/// An attempt that ended by itself.
pub(super) type Finished = (Unit, Kind, Outcome);

impl Drive {
    pub(super) fn execute(&mut self, unit: Unit, attempt: u32) {
        self.attend(unit, Kind::Execute(attempt), Task::Execute);
    }

    pub(super) fn look_up(&mut self, unit: Unit) {
        self.attend(unit, Kind::LookUp, Task::LookUp);
    }

    pub(super) fn undo(&mut self, unit: Unit, attempt: u32) {
        let output = self.view.unit_output(&self.state, unit);
        self.attend(unit, Kind::Undo(attempt), Task::Undo(output));
    }

    fn attend(&mut self, unit: Unit, kind: Kind, task: Task) {
        let planned = &self.plan[unit.step];
        let state = self.state.unit(unit);
        let attempt = if let Kind::Undo(attempt) = kind { attempt } else { state.attempts() };
        let cancel = CancellationToken::new();
        let scope = AttemptScope {
            step_id: match unit.item() {
                None => Arc::clone(&planned.id),
                Some(_) => unit.id(&self.plan).into(),
            },
            step_name: Arc::clone(planned.name.as_ref().unwrap_or(&planned.id)),
            attempt,
            adapters: Arc::clone(&planned.policy.adapters),
            cancelled: cancel.clone(),
            planned: None,
            waited: state.waited().cloned(),
        };
        let item = unit.item().and_then(|_| {
            self.view.run.secrets.item(unit).or_else(|| self.state.item_value(unit).cloned()).map(Arc::new)
        });
        let work = self.executor.execute(Attempt {
            unit,
            task,
            context: StepContext::new(Arc::clone(&self.scope), scope),
            view: self.view.of_attempt(attempt, item),
            limits: self.limits,
            cache: self.cache.clone(),
        });
        let abort = self.attempts.spawn(async move { (unit, kind, work.await) });
        let attending = Attending { task: kind, began: Instant::now(), cancel, asked: None, abort };
        self.live.0.insert(unit, attending);
    }

    pub(super) fn finished(&mut self, first: Finished) -> Vec<EventKind> {
        let mut events = Vec::new();
        let mut next = Some(first);
        while let Some((unit, kind, outcome)) = next {
            // One that was left behind has been told of already.
            if self.live.0.get(&unit).is_some_and(|attending| attending.task == kind) {
                self.live.0.remove(&unit);
                events.push(self.end(unit, kind, outcome));
            }
            next = self.attempts.try_join_next().and_then(|joined| self.live.end_of(joined));
        }
        events
    }

    fn end(&self, unit: Unit, kind: Kind, outcome: Outcome) -> EventKind {
        match unit.item() {
            None => self.log.finish(&self.plan[unit.step].id),
            Some(_) => self.log.finish(&unit.id(&self.plan).into()),
        }
        match kind {
            Kind::Execute(attempt) => {
                EventKind::AttemptFinished { step: unit, attempt, outcome, masked: false }
            }
            Kind::LookUp => EventKind::LookupFinished { step: unit, found: found(&outcome), masked: false },
            Kind::Undo(attempt) => EventKind::UndoFinished { step: unit, attempt, outcome },
        }
    }

    /// Attempts of a process that is gone have ended, and nobody knows how.
    pub(super) fn end_what_died(&mut self) {
        let lost = |(step, attempt)| EventKind::AttemptFinished {
            step,
            attempt,
            outcome: Outcome::Lost,
            masked: false,
        };
        let started = self.state.under_way().into_iter().chain(self.state.lost_starts(self.boot.as_deref()));
        let mut events: Vec<EventKind> = started.map(lost).collect();
        if let Some(rollback) = self.state.rollback()
            && let (UndoPhase::Running, Some(step)) = (&rollback.phase, rollback.next())
        {
            let attempt = rollback.attempts();
            events.push(EventKind::UndoFinished { step, attempt, outcome: Outcome::Lost });
        }
        self.take_in(events);
    }

    /// An attempt that blocks its thread can't even be timed out from within its own task.
    pub(super) fn leave_behind_the_deaf(&mut self) -> Vec<EventKind> {
        let patience = self.limits.grace + 2 * WATCH_EVERY;
        let now = Instant::now();
        let deaf = self.live.0.iter().filter_map(|(&unit, attending)| {
            let limit = self.plan[unit.step].policy.timeout;
            let late = limit.is_some_and(|limit| now > attending.began + limit + patience);
            let ignored = attending.asked.is_some_and(|asked| now > asked + patience);
            (late || ignored).then_some((unit, late && !ignored))
        });
        self.leave_behind(deaf.collect())
    }

    pub(super) fn kill(&mut self) -> Vec<EventKind> {
        let mut events = vec![EventKind::KillRequested];
        let all = self.live.0.keys().map(|&unit| (unit, false)).collect();
        events.extend(self.leave_behind(all));
        events
    }

    fn leave_behind(&mut self, mut units: Vec<(Unit, bool)>) -> Vec<EventKind> {
        units.sort_unstable();
        let left = units.into_iter().filter_map(|(unit, late)| {
            let attending = self.live.0.remove(&unit)?;
            attending.abort.abort();
            let limit = self.plan[unit.step].policy.timeout.filter(|_| late);
            let after = limit.unwrap_or_else(|| attending.began.elapsed());
            let how = Box::new(Interruption { after, abandoned: true });
            let outcome = if late { Outcome::TimedOut(how) } else { Outcome::Cancelled(how) };
            Some(self.end(unit, attending.task, outcome))
        });
        left.collect()
    }
}

/// What a handler found out about an attempt whose end nobody saw.
fn found(outcome: &Outcome) -> Found {
    match outcome {
        Outcome::Succeeded(found) => {
            serde_json::from_value((**found).clone()).unwrap_or(Found::Unknown(None))
        }
        trouble => Found::Unknown(trouble.describe().map(Arc::from)),
    }
}

impl Live {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks attempts to stop; what is being taken back is not left half-done.
    pub(super) fn ask_all_to_stop(&mut self) {
        for attending in self.0.values_mut().filter(|one| !matches!(one.task, Kind::Undo(_))) {
            attending.cancel.cancel();
            attending.asked.get_or_insert_with(Instant::now);
        }
    }

    /// How an attempt ended; nothing about one that was aborted. A handler's panic is an outcome: one
    /// that comes this far is the executor's own, and must not leave its step waiting for ever.
    pub(super) fn end_of(&self, joined: Result<Finished, JoinError>) -> Option<Finished> {
        let error = match joined {
            Ok(finished) => return Some(finished),
            Err(error) => error,
        };
        let (&unit, attending) = self.0.iter().find(|(_, one)| one.abort.id() == error.id())?;
        let panic = error.try_into_panic().ok()?;
        let failure = Failure::permanent(message_of(&*panic));
        Some((unit, attending.task, Outcome::Panicked(Box::new(failure))))
    }
}
