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

/// A step that has not ended and reads what another one gave, where that held a secret and so was not written down.
pub(super) fn reads_what_is_gone(plan: &Plan, state: &RunState) -> Option<OtherPlan> {
    let gone =
        |id: &str| plan.find(id).is_some_and(|step| state.board.step(step).is_some_and(|one| one.masked));
    let open = plan.indexed().filter(|(index, _)| state.step(*index).status().is_none());
    open.flat_map(|(_, step)| step.reads().map(move |of| (step, of))).find(|(_, of)| gone(of)).map(|(step, of)| {
        OtherPlan(format!(
            "{} reads what {of} gave, which held a secret and was not written down; `rerun --from {of}` carries both out \
             again, `undo` takes back what was done",
            step.id()
        ))
    })
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
