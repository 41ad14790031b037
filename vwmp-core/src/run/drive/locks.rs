//! The locks that a run holds and waits for.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::{AbortHandle, JoinSet};
use vwmp_interfaces::StepError;

use crate::plan::{Plan, StepIndex};
use crate::run::event::{EventKind, Failure};
use crate::run::ports::{LockGuard, Locks};

/// The locks that a run holds and waits for. Dropping it frees them all.
pub(super) struct Held {
    port: Arc<dyn Locks>,
    acquiring: JoinSet<Locked>,
    /// What is waited for, by step; nothing for the run's own.
    awaited: HashMap<Option<StepIndex>, AbortHandle>,
    /// What is held, by step; nothing for the run's own.
    held: HashMap<Option<StepIndex>, LockGuard>,
}

/// A lock that was waited for.
pub(super) struct Locked {
    step: Option<StepIndex>,
    guard: Result<LockGuard, StepError>,
}

impl Held {
    pub(super) fn new(port: Arc<dyn Locks>) -> Self {
        Self { port, acquiring: JoinSet::new(), awaited: HashMap::new(), held: HashMap::new() }
    }

    pub(super) fn await_lock(&mut self, step: Option<StepIndex>, plan: &Plan) {
        let name = match step {
            None => plan.lock.as_ref(),
            Some(step) => plan[step].lock(),
        };
        if let Some(name) = name {
            let acquiring = self.port.acquire(Arc::clone(name));
            let waiter = self.acquiring.spawn(async move { Locked { step, guard: acquiring.await } });
            self.awaited.insert(step, waiter);
        }
    }

    /// The next lock that is there; never when none is waited for.
    pub(super) async fn next(&mut self) -> Option<Locked> {
        loop {
            // Who was told to wait no longer has nothing to say.
            if let Ok(locked) = self.acquiring.join_next().await? {
                return Some(locked);
            }
        }
    }

    /// Holds a lock, unless nobody waits for it any more. Without it the run can't go on.
    pub(super) fn take(&mut self, locked: Locked) -> Vec<EventKind> {
        if self.awaited.remove(&locked.step).is_none() {
            return Vec::new();
        }
        match locked.guard {
            Ok(guard) => {
                self.held.insert(locked.step, guard);
                vec![EventKind::LockAcquired { step: locked.step }]
            }
            Err(error) => vec![EventKind::RunAborted { failure: Box::new(Failure::from(&error)) }],
        }
    }

    /// The step has ended: it needs its lock no longer, nor waits for it.
    pub(super) fn release(&mut self, step: StepIndex) {
        if !self.held.is_empty() {
            self.held.remove(&Some(step));
        }
        if !self.awaited.is_empty()
            && let Some(waiter) = self.awaited.remove(&Some(step))
        {
            waiter.abort();
        }
    }
}
