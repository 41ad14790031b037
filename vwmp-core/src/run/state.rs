//! Where a run stands: the fold of its events, and nothing else.

mod announced;
mod fan;
mod questions;
mod resume;
mod rollback;
mod stopping;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};
use vwmp_interfaces::workflow_type::FailurePolicy;
use vwmp_interfaces::{Timestamp, Waited};

use super::event::{Cause, Event, EventKind, Failure, Outcome, RunStatus, StepStatus};
use super::queue::ReadyQueue;
use super::step_state::{Phase, StepState, Tally};
use super::unit::Unit;
use super::view::{Board, Ended};
use crate::plan::{Plan, StepIndex};

pub(super) use fan::Fan;
pub use rollback::{Rollback, UndoPhase};

/// Where a run stands. Changes only in [`RunState::apply`].
#[derive(Debug)]
pub struct RunState {
    pub(super) run_id: Arc<str>,
    steps: Vec<StepState>,
    /// The items of the steps that have them.
    fans: HashMap<StepIndex, Fan>,
    /// How many of its needs have not ended, for each step.
    waiting: Vec<u32>,
    pub(super) board: Arc<Board>,
    /// Steps whose needs have all ended, in the order they go.
    pub(super) ready: ReadyQueue,
    /// What goes on at a time: failed steps with another attempt to come, and those that wait.
    pub(super) delayed: BTreeSet<(Timestamp, Unit)>,
    /// Steps whose last attempt ended and about which nothing was decided yet.
    pub(super) unsettled: Vec<Unit>,
    /// Steps of which no further item is to start, since one has failed.
    closing: Vec<StepIndex>,
    /// Steps about which somebody has to say whether their work is done.
    questions: BTreeSet<Unit>,
    /// Steps that may begin, with the time of the machine in which their starts are sure to be found recorded.
    announced: BTreeMap<Unit, Arc<str>>,
    /// How many attempts are under way.
    pub(super) running: usize,
    part: Part,
    main_left: usize,
    finally_left: usize,
    run_lock: Lock,
    stopping: Option<Stop>,
    /// Whether the `finally` steps are to stop as well.
    finally_stopping: bool,
    killed: bool,
    rollback: Option<Box<Rollback>>,
    /// What was found out about ended steps that are points of no return, before anything is taken back; nothing
    /// yet where their handlers are being asked.
    looked_up: HashMap<Unit, Option<bool>>,
    /// Whether any attempt was ever made.
    attempted: bool,
    tally: Tally,
    started: Option<Timestamp>,
    ended: Option<(RunStatus, Timestamp)>,
}

/// Which part of it a run is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The steps.
    Main,
    /// They have ended, and it is not decided yet whether they are taken back.
    Verdict,
    /// They are taken back.
    Rollback,
    /// The `finally` steps.
    Finally,
}

/// Why the main part of a run ends early.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    Cancelled(Arc<str>),
    Aborted(Box<Failure>),
    StepFailed(StepIndex),
}

/// The lock of the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Free,
    Awaited,
    Held,
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
            fans: HashMap::new(),
            waiting,
            board,
            ready: ReadyQueue::default(),
            delayed: BTreeSet::new(),
            unsettled: Vec::new(),
            closing: Vec::new(),
            questions: BTreeSet::new(),
            announced: BTreeMap::new(),
            running: 0,
            part: Part::Main,
            main_left: plan.main_steps,
            finally_left: steps - plan.main_steps,
            run_lock: Lock::Free,
            stopping: None,
            finally_stopping: false,
            killed: false,
            rollback: None,
            looked_up: HashMap::new(),
            attempted: false,
            tally: Tally::default(),
            started: None,
            ended: None,
        };
        state.queue_unblocked(plan, 0..plan.main_steps);
        if state.main_left == 0 {
            state.begin_finally(plan);
        }
        state
    }

    /// The state after these events.
    pub fn of<'e>(plan: &Plan, events: impl IntoIterator<Item = &'e Event>) -> Self {
        let mut state = Self::new(plan);
        events.into_iter().for_each(|event| state.apply(plan, event));
        state
    }

    /// Takes one event in. The only way this state changes.
    pub fn apply(&mut self, plan: &Plan, event: &Event) {
        let at = event.at;
        match &event.kind {
            EventKind::RunStarted { run_id } => {
                self.run_id = Arc::clone(run_id);
                self.started = Some(at);
            }
            EventKind::RunResumed { again, .. } => self.resume(plan, again.is_some()),
            EventKind::RunAborted { failure } => self.stop(Stop::Aborted(failure.clone())),
            EventKind::CancelRequested { reason, .. } => self.cancel(reason),
            EventKind::KillRequested => self.kill(),
            EventKind::StepReused { step, run, output } => self.reuse(plan, *step, run, output, at),
            EventKind::StepExpanded { step, items, masked } => self.expand(plan, *step, items, *masked, at),
            EventKind::LockAwaited { step } => self.await_lock(plan, *step),
            EventKind::LockAcquired { step } => self.take_lock(plan, *step),
            EventKind::StartsAnnounced { steps, boot } => self.announce(steps, boot),
            EventKind::AttemptStarted { step, attempt } => self.start(plan, *step, *attempt, at),
            EventKind::AttemptFinished { step, attempt, outcome, masked } => {
                if self.unit(*step).phase == Phase::Pending {
                    // It was announced, and what was recorded of its start was lost with the machine.
                    self.start(plan, *step, *attempt, at);
                }
                self.finish_attempt(*step, outcome, *masked, at);
            }
            EventKind::Answered { step, approved, by, comment } => {
                let (by, comment) = (by.to_string(), comment.to_string());
                self.answer(*step, Waited::Answered { approved: *approved, by, comment, at });
            }
            EventKind::LookupStarted { step } => self.start_lookup(*step),
            EventKind::LookupFinished { step, found, masked } => {
                self.finish_lookup(plan, *step, found, *masked, at);
            }
            EventKind::RetryScheduled { step, not_before, .. } => self.delay(plan, *step, *not_before),
            EventKind::StepFinished { step, status, cause } => {
                self.end_unit(plan, *step, *status, cause.as_deref(), at);
            }
            EventKind::RollbackStarted { reason, forced, .. } => self.start_rollback(plan, reason, *forced),
            EventKind::UndoStarted { attempt, .. } => self.start_undo(*attempt),
            EventKind::UndoFinished { outcome, .. } => self.finish_undo(outcome),
            EventKind::UndoRetryScheduled { not_before, .. } => self.delay_undo(*not_before),
            EventKind::StepUndone { step, undone, reason } => {
                self.end_undo(plan, *step, *undone, reason.as_ref());
            }
            EventKind::RunFinished { status } => self.ended = Some((*status, at)),
        }
    }

    fn start(&mut self, plan: &Plan, unit: Unit, attempt: u32, at: Timestamp) {
        self.leave_waiting(plan, unit);
        self.announced.remove(&unit);
        self.attempted = true;
        self.running += 1;
        let state = self.unit_mut(unit);
        if attempt == 1 {
            state.started = at;
        }
        if state.phase == Phase::Waiting {
            let extra = state.extra();
            extra.wait = None;
            extra.waited.get_or_insert(Waited::Elapsed);
        }
        state.attempts = attempt;
        state.phase = Phase::Running;
    }

    fn finish_attempt(&mut self, unit: Unit, outcome: &Outcome, masked: bool, at: Timestamp) {
        self.running -= 1;
        let state = self.unit_mut(unit);
        state.ended = at;
        match outcome {
            Outcome::Waiting(wait) => return self.wait(unit, wait, at),
            Outcome::Lost => state.extra().uncounted += 1,
            Outcome::Cached(_) => state.extra().cached = true,
            _ => {}
        }
        if let (false, Some(extra)) = (*outcome == Outcome::Lost, state.extra_if_any()) {
            (extra.waited, extra.found) = (None, None);
        }
        match outcome {
            Outcome::Succeeded(output) | Outcome::Cached(output) => self.give(unit, output, masked),
            trouble => state.trouble = Some(Box::new(trouble.clone())),
        }
        self.unsettle(unit);
    }

    /// A step has done its work and given this.
    fn give(&mut self, unit: Unit, output: &Arc<Value>, masked: bool) {
        self.unit_mut(unit).trouble = None;
        match unit.item() {
            Some(item) => self.give_item(unit.step, item, output, masked),
            None => {
                let (status, output) = (StepStatus::Succeeded, Some(Arc::clone(output)));
                self.board.end(unit.step, Ended { status, output, masked, error: None });
            }
        }
    }

    fn unsettle(&mut self, unit: Unit) {
        self.unit_mut(unit).phase = Phase::Unsettled;
        self.unsettled.push(unit);
    }

    fn delay(&mut self, plan: &Plan, unit: Unit, not_before: Timestamp) {
        self.leave_waiting(plan, unit);
        let state = self.unit_mut(unit);
        (state.phase, state.not_before) = (Phase::Delayed, not_before);
        if let Some(extra) = state.extra_if_any() {
            extra.found = None;
        }
        self.delayed.insert((not_before, unit));
    }

    fn end_unit(
        &mut self,
        plan: &Plan,
        unit: Unit,
        status: StepStatus,
        cause: Option<&Cause>,
        at: Timestamp,
    ) {
        self.leave_waiting(plan, unit);
        self.announced.remove(&unit);
        let expanded = unit.item().is_none() && self.fans.contains_key(&unit.step);
        let state = self.unit_mut(unit);
        state.phase = Phase::Ended(status);
        if let Some(extra) = state.extra_if_any() {
            extra.locked = false;
        }
        state.cause = cause.cloned().map(Box::new);
        if state.attempts == 0 && !expanded {
            (state.started, state.ended) = (at, at);
        }
        match unit.item() {
            Some(item) => self.end_item(plan, unit.step, item, status, at),
            None => self.end_step(plan, unit.step, status),
        }
    }

    fn end_step(&mut self, plan: &Plan, step: StepIndex, status: StepStatus) {
        if status != StepStatus::Succeeded {
            let error = self.error_of(plan, step).map(Arc::from);
            self.board.end(step, Ended { status, output: None, masked: false, error });
        }
        self.tally.count(status);
        let failed = matches!(status, StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost);
        if failed && plan.on_failure != FailurePolicy::Continue && !plan.is_finally(step) {
            self.stop(Stop::StepFailed(step));
        }
        self.release_dependents(plan, step);
        self.count_down(plan, step);
    }

    /// The step is no longer where steps are that something is decided about.
    fn leave_waiting(&mut self, plan: &Plan, unit: Unit) {
        let state = self.unit(unit);
        let not_before = state.not_before;
        match state.phase {
            Phase::Pending => self.ready.remove(plan[unit.step].policy.priority, unit),
            Phase::Delayed | Phase::Waiting => _ = self.delayed.remove(&(not_before, unit)),
            Phase::Unsettled => self.unsettled.retain(|one| *one != unit),
            Phase::Asking => _ = self.questions.remove(&unit),
            Phase::Locking | Phase::Running | Phase::Expanded | Phase::LookingUp | Phase::Ended(_) => {}
        }
    }

    fn release_dependents(&mut self, plan: &Plan, step: StepIndex) {
        for &dependent in plan.graph.dependents(step) {
            self.waiting[dependent.get()] -= 1;
            if self.waiting[dependent.get()] == 0 && self.may_queue(plan, dependent) {
                self.ready.push(plan[dependent].policy.priority, dependent.into());
            }
        }
    }

    /// A step enters the queue unless its part of the run is stopping, or has not begun.
    fn may_queue(&self, plan: &Plan, step: StepIndex) -> bool {
        let open = if plan.is_finally(step) {
            self.part == Part::Finally && !self.finally_stopping
        } else {
            self.stopping.is_none()
        };
        open && self.steps[step.get()].phase == Phase::Pending
    }

    fn queue_unblocked(&mut self, plan: &Plan, steps: std::ops::Range<usize>) {
        for step in steps.map(StepIndex::new) {
            if self.waiting[step.get()] == 0 && self.may_queue(plan, step) {
                self.ready.push(plan[step].policy.priority, step.into());
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
        self.part = Part::Verdict;
        self.leave_verdict(plan);
    }

    fn begin_finally(&mut self, plan: &Plan) {
        self.part = Part::Finally;
        let failed: Vec<&str> = plan
            .indexed()
            .take(plan.main_steps)
            .filter(|(step, _)| self.has_failed(*step))
            .map(|(_, step)| step.id())
            .collect();
        self.board.end_main(json!({ "status": self.verdict(plan).name(), "failed_steps": failed }));
        self.queue_unblocked(plan, plan.main_steps..plan.steps.len());
    }
}

/// Steps and their items alike.
impl RunState {
    /// Where a step, or an item, stands. An item that isn't there, which a sound journal never names, stands as its step.
    pub fn unit(&self, unit: Unit) -> &StepState {
        self.try_unit(unit).unwrap_or(&self.steps[unit.step.get()])
    }

    fn try_unit(&self, unit: Unit) -> Option<&StepState> {
        match unit.item() {
            None => self.steps.get(unit.step.get()),
            Some(item) => self.fans.get(&unit.step)?.states.get(item as usize),
        }
    }

    fn unit_mut(&mut self, unit: Unit) -> &mut StepState {
        let step = &mut self.steps[unit.step.get()];
        match unit.item() {
            None => step,
            Some(item) => self
                .fans
                .get_mut(&unit.step)
                .and_then(|fan| fan.states.get_mut(item as usize))
                .unwrap_or(step),
        }
    }
}
