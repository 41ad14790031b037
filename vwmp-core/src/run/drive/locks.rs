//! The locks that a run holds and waits for.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use vwmp_interfaces::StepError;

use crate::plan::{Plan, StepIndex};
use crate::run::event::{EventKind, Failure};
use crate::run::ports::{LockGuard, Locks};

/// The locks that a run holds and waits for. Dropping it frees them all.
pub(super) struct Held {
    port: Arc<dyn Locks>,
    awaited: JoinSet<Locked>,
    /// By step; nothing for the run's own.
    held: HashMap<Option<StepIndex>, LockGuard>,
}

/// A lock that was waited for.
pub(super) struct Locked {
    step: Option<StepIndex>,
    guard: Result<LockGuard, StepError>,
}

impl Held {
    pub(super) fn new(port: Arc<dyn Locks>) -> Self {
        Self { port, awaited: JoinSet::new(), held: HashMap::new() }
    }

    pub(super) fn await_lock(&mut self, step: Option<StepIndex>, plan: &Plan) {
        let name = match step {
            None => plan.lock.as_ref(),
            Some(step) => plan[step].lock(),
        };
        if let Some(name) = name {
            let acquiring = self.port.acquire(Arc::clone(name));
            self.awaited.spawn(async move { Locked { step, guard: acquiring.await } });
        }
    }

    /// The next lock that is there; never when none is waited for.
    pub(super) async fn next(&mut self) -> Option<Locked> {
        self.awaited.join_next().await?.ok()
    }

    /// Holds a lock. Without it the run can't go on.
    pub(super) fn take(&mut self, locked: Locked) -> Vec<EventKind> {
        match locked.guard {
            Ok(guard) => {
                self.held.insert(locked.step, guard);
                vec![EventKind::LockAcquired { step: locked.step }]
            }
            Err(error) => vec![EventKind::RunAborted { failure: Box::new(Failure::from(&error)) }],
        }
    }

    pub(super) fn release(&mut self, step: StepIndex) {
        if !self.held.is_empty() {
            self.held.remove(&Some(step));
        }
    }
}
