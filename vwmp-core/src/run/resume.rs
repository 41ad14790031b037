//! How a run begins: anew, with results of an earlier run, or where another process left it.

use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::Timestamp;

use super::event::{Event, EventKind, Found, RunStatus};
use super::order::Order;
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
    /// Whether it is taken back although others may have seen what was done.
    pub force: bool,
    /// What was wanted of the run before: it happens before anything else.
    pub orders: Vec<Order>,
    /// Whether a run that has failed, was cancelled or taken back goes on: what did not succeed in it, or was taken back,
    /// starts again.
    pub again: bool,
}

/// The events are not those of a run of this plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OtherPlan(String);

/// Why a run can't be continued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The events are not those of a run of this plan.
    #[error(transparent)]
    OtherPlan(#[from] OtherPlan),
    /// It has ended, and nothing is left to do.
    #[error("the run has ended: {}", .0.name().replace('_', " "))]
    Ended(RunStatus),
}

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
            events.push(EventKind::LookupFinished { step, found, masked: false });
        }
        events.extend(self.orders.into_iter().filter_map(|order| order.event(plan)));
        let (by, forced) = (Some(Arc::from(self.by.as_str())), self.force);
        events.extend(self.roll_back.map(|reason| EventKind::RollbackStarted {
            reason: reason.into(),
            by,
            forced,
        }));
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
        if !event.kind.is_of(plan) {
            return Err(OtherPlan(format!("event {number} is about a step that the workflow doesn't have")));
        }
        state.apply(plan, event);
    }
    Ok(state)
}

impl Resume {
    /// Whether a run that has ended so can be continued like this.
    fn can_follow(&self, ended: RunStatus) -> bool {
        match (&self.roll_back, ended) {
            (Some(_), status) => status != RunStatus::RolledBack,
            (None, RunStatus::MustContinue) => true,
            (None, RunStatus::Failed | RunStatus::Cancelled | RunStatus::RolledBack) => self.again,
            (None, _) => false,
        }
    }
}

/// Where a run stands as soon as another process continues it, so and no other way.
pub(super) fn taken_up(
    plan: &Plan,
    events: &[Event],
    how: &Resume,
    now: Timestamp,
) -> Result<(RunState, Event), ResumeError> {
    let mut state = fold(plan, events)?;
    if let Some((status, _)) = state.ended().filter(|(status, _)| !how.can_follow(*status)) {
        return Err(ResumeError::Ended(status));
    }
    let again = state.ended().is_some() && how.roll_back.is_none();
    let kind = EventKind::RunResumed { by: how.by.as_str().into(), again: again.then(Box::default) };
    let mut resumed = Event { seq: events.len() as u64, at: now, kind };
    state.apply(plan, &resumed);
    if let EventKind::RunResumed { again: Some(stands), .. } = &mut resumed.kind {
        **stands = state.tally();
    }
    Ok((state, resumed))
}

impl RunState {
    /// Where a run stands as soon as another process continues it.
    ///
    /// # Errors
    /// When it can't be continued so.
    pub fn resumed(plan: &Plan, events: &[Event], how: &Resume) -> Result<Self, ResumeError> {
        taken_up(plan, events, how, Timestamp::default()).map(|(state, _)| state)
    }

    /// A step that has not ended and can't be carried out by a run that is continued: it reads a secret that was not
    /// written down.
    pub fn lost_secret<'p>(&self, plan: &'p Plan) -> Option<LostSecret<'p>> {
        let of_step = |id: &str| {
            plan.find(id).is_some_and(|step| {
                self.fan_is_masked(step) || self.board.step(step).is_some_and(|one| one.masked)
            })
        };
        plan.indexed().filter(|(index, _)| self.step(*index).status().is_none()).find_map(|(index, step)| {
            if self.fan(index).is_some_and(|fan| fan.values_masked) {
                return Some(LostSecret { step: step.id(), of: None });
            }
            step.reads().find(|of| of_step(of)).map(|of| LostSecret { step: step.id(), of: Some(of) })
        })
    }
}

/// A secret that a step reads and that was not written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostSecret<'p> {
    /// The step.
    pub step: &'p str,
    /// The step whose output held it; nothing where it was among the items of the step itself.
    pub of: Option<&'p str>,
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
            | Self::StartsAnnounced { .. }
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

    /// Whether the plan has the steps that it is about.
    fn is_of(&self, plan: &Plan) -> bool {
        let has = |unit: &Unit| unit.step.get() < plan.steps.len();
        match self {
            Self::StartsAnnounced { steps, .. } => steps.iter().all(has),
            _ => self.unit().as_ref().is_none_or(has),
        }
    }
}
