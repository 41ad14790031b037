//! How a run begins: anew, with results of an earlier run, or where another process left it.

use std::sync::Arc;

use serde_json::Value;

use super::event::{Event, EventKind, Found};
use super::state::RunState;
use super::unit::Unit;
use crate::plan::{Plan, StepIndex};

/// How a new run begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The run's id.
    pub id: Arc<str>,
    /// Results of an earlier run that stand for steps.
    pub reuse: Vec<Reused>,
    /// Steps that are not carried out.
    pub leave_out: Vec<StepIndex>,
}

/// The result of an earlier run that stands for a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Reused {
    /// The step.
    pub step: StepIndex,
    /// The earlier run.
    pub run: Arc<str>,
    /// What the step gave there.
    pub output: Arc<Value>,
}

/// How a run is continued.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resume {
    /// Who wants it.
    pub by: String,
    /// What somebody knows about steps whose end nobody saw: their ids, and whether their work is done.
    pub assume: Vec<(String, bool)>,
    /// Whether what was done is taken back instead, and why.
    pub roll_back: Option<String>,
}

/// The events are not those of a run of this plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OtherPlan(String);

impl Start {
    /// A run that begins from nothing.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self { id: id.into(), reuse: Vec::new(), leave_out: Vec::new() }
    }
}

impl Resume {
    /// What happens before the first decision.
    pub(super) fn events(self, plan: &Plan) -> Result<Vec<EventKind>, OtherPlan> {
        let mut events = Vec::new();
        for (id, done) in self.assume {
            let step = Unit::named(&id, plan).ok_or_else(|| OtherPlan(format!("there is no step `{id}`")))?;
            let found = if done { Found::Done(Arc::new(Value::Null)) } else { Found::NotDone };
            events.push(EventKind::LookupFinished { step, found });
        }
        let by = Some(Arc::from(self.by.as_str()));
        events.extend(
            self.roll_back.map(|reason| EventKind::RollbackStarted { reason: reason.into(), by: by.clone() }),
        );
        Ok(events)
    }
}

/// The state after all events, which must be those of a run of this plan.
pub(super) fn fold(plan: &Plan, events: &[Event]) -> Result<RunState, OtherPlan> {
    let mut state = RunState::new(plan);
    for (number, event) in events.iter().enumerate() {
        if event.seq != number as u64 {
            return Err(OtherPlan(format!("event {number} is missing: the next one is {}", event.seq)));
        }
        let step = event.kind.step();
        if step.is_some_and(|step| step.get() >= plan.steps.len()) {
            return Err(OtherPlan(format!("event {number} is about a step that the workflow doesn't have")));
        }
        state.apply(plan, event);
    }
    Ok(state)
}

impl RunState {
    /// A step that has not ended, with the one whose output it reads, where that output held a secret: such a one is not
    /// written down, so a run that is continued can't carry out the step.
    pub fn lost_output<'p>(&self, plan: &'p Plan) -> Option<(&'p str, &'p str)> {
        let is_lost =
            |id: &str| plan.find(id).and_then(|step| self.board.step(step)).is_some_and(|one| one.masked);
        let open = plan.indexed().filter(|(index, _)| self.step(*index).status().is_none());
        open.flat_map(|(_, step)| step.reads().map(|of| (step.id(), of))).find(|(_, of)| is_lost(of))
    }
}

impl EventKind {
    /// The step that it is about, if it is about one.
    pub fn unit(&self) -> Option<Unit> {
        match self {
            Self::RunStarted { .. }
            | Self::RunResumed { .. }
            | Self::RunAborted { .. }
            | Self::CancelRequested { .. }
            | Self::KillRequested
            | Self::RollbackStarted { .. }
            | Self::RunFinished { .. } => None,
            Self::StepReused { step, .. } | Self::StepExpanded { step, .. } => Some((*step).into()),
            Self::LockAwaited { step } | Self::LockAcquired { step } => step.map(Unit::from),
            Self::AttemptStarted { step, .. }
            | Self::AttemptFinished { step, .. }
            | Self::Answered { step, .. }
            | Self::LookupStarted { step }
            | Self::LookupFinished { step, .. }
            | Self::RetryScheduled { step, .. }
            | Self::StepFinished { step, .. }
            | Self::UndoStarted { step, .. }
            | Self::UndoFinished { step, .. }
            | Self::UndoRetryScheduled { step, .. }
            | Self::StepUndone { step, .. } => Some(*step),
        }
    }

    fn step(&self) -> Option<StepIndex> {
        self.unit().map(|unit| unit.step)
    }
}
