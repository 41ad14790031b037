//! Where a run stands: the fold of its events, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::workflow_type::FailurePolicy;

use super::event::{Cause, Event, EventKind, Failure, Outcome, RunStatus, StepStatus};
use super::queue::ReadyQueue;
use super::step_state::{Phase, StepState, Tally};
use super::view::{Board, Ended};
use crate::plan::{Plan, StepIndex};

/// Where a run stands. Changes only in [`RunState::apply`].
#[derive(Debug)]
pub struct RunState {
    pub(super) run_id: Arc<str>,
    steps: Vec<StepState>,
    /// How many of its needs have not ended, for each step.
    waiting: Vec<u32>,
    pub(super) board: Arc<Board>,
    /// Steps whose needs have all ended, in the order they go.
    pub(super) ready: ReadyQueue,
    /// Failed steps with another attempt to come.
    pub(super) delayed: BTreeSet<(Timestamp, StepIndex)>,
    /// Steps whose last attempt ended and about which nothing was decided yet.
    pub(super) unsettled: Vec<StepIndex>,
    pub(super) running: usize,
    main_left: usize,
    finally_left: usize,
    stopping: Option<Stop>,
    /// Whether the `finally` steps are to stop as well.
    finally_stopping: bool,
    tally: Tally,
    started: Option<Timestamp>,
    ended: Option<(RunStatus, Timestamp)>,
}

/// Why the main part of a run ends early.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    Cancelled(Arc<str>),
    Aborted(Box<Failure>),
    StepFailed(StepIndex),
}

impl RunState {
    /// The state before the first event.
    pub fn new(plan: &Plan) -> Self {
        Self::with_board(plan, Arc::new(Board::new(plan.steps.len())))
    }

    /// The same, on a board that expressions read.
    pub(super) fn with_board(plan: &Plan, board: Arc<Board>) -> Self {
        let steps = plan.steps.len();
        let waiting = (0..steps).map(|step| plan.needs(StepIndex::new(step)).len() as u32).collect();
        let mut state = Self {
            run_id: "".into(),
            steps: vec![StepState::default(); steps],
            waiting,
            board,
            ready: ReadyQueue::default(),
            delayed: BTreeSet::new(),
            unsettled: Vec::new(),
            running: 0,
            main_left: plan.main_steps,
            finally_left: steps - plan.main_steps,
            stopping: None,
            finally_stopping: false,
            tally: Tally::default(),
            started: None,
            ended: None,
        };
        state.queue_unblocked(plan, 0..plan.main_steps);
        if state.main_left == 0 {
            state.end_main(plan);
        }
        state
    }

    /// Takes one event in. The only way this state changes.
    pub fn apply(&mut self, plan: &Plan, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { run_id } => {
                self.run_id = Arc::clone(run_id);
                self.started = Some(event.at);
            }
            EventKind::RunAborted { failure } => self.stop(Stop::Aborted(failure.clone())),
            EventKind::CancelRequested { reason } => self.cancel(reason),
            EventKind::KillRequested => self.kill(),
            EventKind::AttemptStarted { step, attempt } => self.start(plan, *step, *attempt, event.at),
            EventKind::AttemptFinished { step, outcome, masked, .. } => {
                self.finish_attempt(*step, outcome, *masked, event.at);
            }
            EventKind::RetryScheduled { step, not_before, .. } => {
                self.unsettled.retain(|one| one != step);
                let state = &mut self.steps[step.get()];
                (state.phase, state.not_before) = (Phase::Delayed, *not_before);
                self.delayed.insert((*not_before, *step));
            }
            EventKind::StepFinished { step, status, cause } => {
                self.end_step(plan, *step, *status, cause.as_deref(), event.at);
            }
            EventKind::RunFinished { status } => self.ended = Some((*status, event.at)),
        }
    }

    fn start(&mut self, plan: &Plan, step: StepIndex, attempt: u32, at: Timestamp) {
        self.leave_waiting(plan, step);
        let state = &mut self.steps[step.get()];
        if attempt == 1 {
            state.started = at;
        }
        state.attempts = attempt;
        state.phase = Phase::Running;
        self.running += 1;
    }

    fn finish_attempt(&mut self, step: StepIndex, outcome: &Outcome, masked: bool, at: Timestamp) {
        let state = &mut self.steps[step.get()];
        state.phase = Phase::Unsettled;
        state.ended = at;
        state.trouble = match outcome {
            Outcome::Succeeded(output) => {
                let (status, output) = (StepStatus::Succeeded, Some(Arc::clone(output)));
                self.board.end(step, Ended { status, output, masked, error: None });
                None
            }
            trouble => Some(Box::new(trouble.clone())),
        };
        self.running -= 1;
        self.unsettled.push(step);
    }

    fn end_step(
        &mut self,
        plan: &Plan,
        step: StepIndex,
        status: StepStatus,
        cause: Option<&Cause>,
        at: Timestamp,
    ) {
        self.leave_waiting(plan, step);
        let state = &mut self.steps[step.get()];
        state.phase = Phase::Ended(status);
        state.cause = cause.cloned().map(Box::new);
        if state.attempts == 0 {
            (state.started, state.ended) = (at, at);
        }
        if status != StepStatus::Succeeded {
            let error = self.error_of(plan, step).map(Arc::from);
            self.board.end(step, Ended { status, output: None, masked: false, error });
        }
        self.tally.count(status);
        let failed = matches!(status, StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost);
        if failed && plan.on_failure == FailurePolicy::Stop && !plan.is_finally(step) {
            self.stop(Stop::StepFailed(step));
        }
        self.release_dependents(plan, step);
        self.count_down(plan, step);
    }

    fn leave_waiting(&mut self, plan: &Plan, step: StepIndex) {
        match self.steps[step.get()].phase {
            Phase::Pending => self.ready.remove(plan[step].policy.priority, step),
            Phase::Delayed => {
                self.delayed.remove(&(self.steps[step.get()].not_before, step));
            }
            Phase::Unsettled => self.unsettled.retain(|one| *one != step),
            Phase::Running | Phase::Ended(_) => {}
        }
    }

    fn release_dependents(&mut self, plan: &Plan, step: StepIndex) {
        for &dependent in plan.graph.dependents(step) {
            self.waiting[dependent.get()] -= 1;
            if self.waiting[dependent.get()] == 0 && self.may_queue(plan, dependent) {
                self.ready.push(plan[dependent].policy.priority, dependent);
            }
        }
    }

    /// A step enters the queue unless its part of the run is stopping, or has not begun.
    fn may_queue(&self, plan: &Plan, step: StepIndex) -> bool {
        let open = if plan.is_finally(step) {
            self.main_left == 0 && !self.finally_stopping
        } else {
            self.stopping.is_none()
        };
        open && self.steps[step.get()].phase == Phase::Pending
    }

    fn queue_unblocked(&mut self, plan: &Plan, steps: std::ops::Range<usize>) {
        for step in steps.map(StepIndex::new) {
            if self.waiting[step.get()] == 0 && self.may_queue(plan, step) {
                self.ready.push(plan[step].policy.priority, step);
            }
        }
    }

    fn count_down(&mut self, plan: &Plan, step: StepIndex) {
        if plan.is_finally(step) {
            self.finally_left -= 1;
        } else {
            self.main_left -= 1;
            if self.main_left == 0 {
                self.end_main(plan);
            }
        }
    }

    fn end_main(&mut self, plan: &Plan) {
        let failed: Vec<&str> = plan
            .indexed()
            .take(plan.main_steps)
            .filter(|(step, _)| self.has_failed(*step))
            .map(|(_, step)| step.id())
            .collect();
        self.board.end_main(json!({ "status": self.verdict().name(), "failed_steps": failed }));
        self.queue_unblocked(plan, plan.main_steps..plan.steps.len());
    }

    fn cancel(&mut self, reason: &Arc<str>) {
        // A run that is in its `finally` part can only be cancelled by stopping that too.
        self.finally_stopping |= self.main_left == 0;
        self.stop(Stop::Cancelled(Arc::clone(reason)));
        if self.finally_stopping {
            self.ready.clear();
        }
    }

    fn kill(&mut self) {
        self.finally_stopping = true;
        self.stop(Stop::Cancelled("killed".into()));
        self.ready.clear();
    }

    fn stop(&mut self, stop: Stop) {
        // A cancelled or aborted run stays so, but cancelling outweighs a failed step.
        if let Some(Stop::StepFailed(_)) | None = self.stopping {
            self.stopping = Some(stop);
        }
        if self.main_left > 0 {
            self.ready.clear();
        }
    }
}

/// Questions that may be asked of a run at any time.
impl RunState {
    /// The run's id; empty before the run started.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Where a step stands.
    pub fn step(&self, step: StepIndex) -> &StepState {
        &self.steps[step.get()]
    }

    /// How many steps ended in which way.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// When the run started.
    pub fn started(&self) -> Option<Timestamp> {
        self.started
    }

    /// How and when the run ended.
    pub fn ended(&self) -> Option<(RunStatus, Timestamp)> {
        self.ended
    }

    /// The output of a step, secrets masked.
    pub fn output(&self, step: StepIndex) -> Option<&Arc<serde_json::Value>> {
        self.board.step(step)?.output.as_ref()
    }

    /// Why the run was cancelled, if it was.
    pub fn cancel_reason(&self) -> Option<&str> {
        match &self.stopping {
            Some(Stop::Cancelled(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Why the run could not go on, if it could not.
    pub fn abort_failure(&self) -> Option<&Failure> {
        match &self.stopping {
            Some(Stop::Aborted(failure)) => Some(failure),
            _ => None,
        }
    }

    pub(super) fn stopping(&self) -> Option<&Stop> {
        self.stopping.as_ref()
    }

    pub(super) fn main_is_stopping(&self) -> bool {
        self.stopping.is_some() && self.main_left > 0
    }

    pub(super) fn finally_is_stopping(&self) -> bool {
        self.finally_stopping && self.finally_left > 0
    }

    pub(super) fn everything_ended(&self) -> bool {
        self.main_left == 0 && self.finally_left == 0
    }

    /// How the run ends, or how its main part ended.
    pub(super) fn verdict(&self) -> RunStatus {
        match &self.stopping {
            Some(Stop::Cancelled(_)) => RunStatus::Cancelled,
            Some(Stop::Aborted(_)) => RunStatus::Failed,
            _ if self.tally.failed > 0 => RunStatus::Failed,
            _ if self.tally.tolerated > 0 => RunStatus::SucceededWithTolerated,
            _ => RunStatus::Succeeded,
        }
    }

    /// Whether a step failed, for good and against the workflow's wish.
    pub(super) fn has_failed(&self, step: StepIndex) -> bool {
        use StepStatus::{Failed, Lost, TimedOut};
        matches!(self.steps[step.get()].phase, Phase::Ended(Failed | TimedOut | Lost))
    }

    /// One line on why a step did not succeed.
    pub fn error_of(&self, plan: &Plan, step: StepIndex) -> Option<String> {
        let state = &self.steps[step.get()];
        match (&state.cause, &state.trouble) {
            (Some(cause), _) => Some(cause.describe(plan)),
            (None, Some(outcome)) => outcome.describe(),
            (None, None) => None,
        }
    }
}
