//! A run that is continued by another process, and steps whose results come from another run.

use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::{Effect, Timestamp};

use super::{Ended, Lock, Part, Phase, RunState, UndoPhase};
use crate::plan::{Plan, StepIndex};
use crate::run::event::{Cause, Outcome, StepStatus};
use crate::run::queue::ReadyQueue;
use crate::run::step_state::StepState;
use crate::run::unit::Unit;

impl RunState {
    /// What only a living process has is gone: locks, and whoever was being asked something.
    pub(super) fn resume(&mut self, plan: &Plan, again: bool) {
        self.run_lock = Lock::Free;
        self.killed = false;
        for state in &mut self.steps {
            if let Some(extra) = state.extra_if_any() {
                extra.locked = false;
            }
            if state.phase == Phase::Locking {
                state.phase = Phase::Pending;
            }
        }
        let asked = std::mem::take(&mut self.questions).into_iter();
        let asked: Vec<Unit> = asked.chain(self.in_phase(Phase::LookingUp)).collect();
        asked.into_iter().for_each(|unit| self.unsettle(unit));
        self.looked_up.retain(|_, found| found.is_some());
        self.leave_undo_lock();
        let undoing = self.rollback().is_some_and(|rollback| rollback.phase == UndoPhase::Running);
        self.running = self.in_phase(Phase::Running).count() + usize::from(undoing);
        if again {
            self.reopen(plan);
        }
        self.fill_queue(plan);
    }

    /// Attempts that were under way when the process died.
    pub fn under_way(&self) -> Vec<(Unit, u32)> {
        self.in_phase(Phase::Running).map(|unit| (unit, self.unit(unit).attempts)).collect()
    }

    /// The steps and items in a phase, in order.
    fn in_phase(&self, phase: Phase) -> impl Iterator<Item = Unit> + '_ {
        let mut fans: Vec<StepIndex> = self.fans.keys().copied().collect();
        fans.sort_unstable();
        let items = fans.into_iter().flat_map(|step| {
            let items = 0..self.fans[&step].states.len() as u32;
            items.map(move |item| Unit::item_of(step, item))
        });
        let steps = (0..self.steps.len()).map(|step| Unit::from(StepIndex::new(step)));
        steps.chain(items).filter(move |unit| self.unit(*unit).phase == phase)
    }

    /// A run that had ended goes on: whatever did not succeed starts again, as far as that may be.
    fn reopen(&mut self, plan: &Plan) {
        self.ended = None;
        self.stopping = None;
        self.finally_stopping = false;
        self.part = Part::Main;
        let taken_back = self.rollback.take().is_some();
        if taken_back {
            self.looked_up.clear();
        }
        let again: Vec<StepIndex> = (0..self.steps.len())
            .map(StepIndex::new)
            .filter(|step| taken_back || self.starts_again(plan, *step))
            .collect();
        self.board = Arc::new(self.board.without(&again));
        for step in again {
            if let Some(status) = self.steps[step.get()].status() {
                self.tally.take_back(status);
                *if plan.is_finally(step) { &mut self.finally_left } else { &mut self.main_left } += 1;
            }
            if taken_back || plan.is_finally(step) {
                self.fans.remove(&step);
                self.steps[step.get()] = StepState::default();
            } else if !self.fans.contains_key(&step) {
                self.start_again(plan, step.into());
            } else {
                self.start_items_again(plan, step);
            }
        }
        for step in (0..self.steps.len()).map(StepIndex::new) {
            let open = |need: &&StepIndex| self.steps[need.get()].status().is_none();
            self.waiting[step.get()] = plan.needs(step).iter().filter(open).count() as u32;
        }
    }

    /// The items that succeeded stay so.
    fn start_items_again(&mut self, plan: &Plan, step: StepIndex) {
        let state = &mut self.steps[step.get()];
        let started = state.started;
        *state = StepState::default();
        (state.phase, state.started) = (Phase::Expanded, started);
        let count = self.items(step).map_or(0, <[_]>::len) as u32;
        let items = (0..count).map(|item| Unit::item_of(step, item));
        for unit in items.filter(|unit| !self.unit(*unit).has_succeeded()).collect::<Vec<_>>() {
            self.start_again(plan, unit);
        }
        if let Some(fan) = self.fans.get_mut(&step) {
            fan.open_again();
        }
        self.release_items(plan, step);
    }

    /// An attempt that was interrupted may have done its work: where that must not be repeated, it is looked up first.
    fn start_again(&mut self, plan: &Plan, unit: Unit) {
        let once = plan[unit.step].handler.effect() == Effect::Once;
        let state = self.unit_mut(unit);
        let doubtful = once && state.attempts > 0 && state.trouble().is_some_and(Outcome::is_doubtful);
        let before = std::mem::take(state);
        if doubtful {
            (state.attempts, state.started, state.ended) = (before.attempts, before.started, before.ended);
            state.trouble = Some(Box::new(Outcome::Lost));
            // Whoever continues it begins to count anew.
            state.extra().uncounted = before.attempts;
            self.unsettle(unit);
        }
    }

    fn starts_again(&self, plan: &Plan, step: StepIndex) -> bool {
        let state = &self.steps[step.get()];
        let by_condition = matches!(state.cause(), Some(Cause::Condition { .. }));
        match state.status() {
            Some(StepStatus::Succeeded | StepStatus::Tolerated) => plan.is_finally(step),
            Some(StepStatus::Skipped) => !by_condition || plan.is_finally(step),
            _ => true,
        }
    }

    /// Fills the queue of ready steps anew.
    fn fill_queue(&mut self, plan: &Plan) {
        self.ready = ReadyQueue::default();
        self.queue_unblocked(plan, 0..plan.steps.len());
        let mut fans: Vec<StepIndex> = self.fans.keys().copied().collect();
        fans.sort_unstable();
        for step in fans {
            if self.has_lock(plan, step) {
                self.queue_items(plan, step);
            } else if self.steps[step.get()].phase == Phase::Expanded {
                // First of all it takes its lock again.
                self.ready.push(plan[step].policy.priority, step.into());
            }
        }
    }

    pub(super) fn queue_items(&mut self, plan: &Plan, step: StepIndex) {
        let stopping = if plan.is_finally(step) { self.finally_stopping } else { self.stopping.is_some() };
        let Some(fan) = self.fans.get(&step).filter(|_| !stopping) else { return };
        for item in 0..fan.unreleased().start {
            if fan.states[item as usize].phase == Phase::Pending {
                self.ready.push(plan[step].policy.priority, Unit::item_of(step, item));
            }
        }
    }

    pub(super) fn reuse(
        &mut self,
        plan: &Plan,
        step: StepIndex,
        run: &Arc<str>,
        output: &Arc<Value>,
        at: Timestamp,
    ) {
        self.leave_waiting(plan, step.into());
        let state = &mut self.steps[step.get()];
        (state.phase, state.started, state.ended) = (Phase::Ended(StepStatus::Succeeded), at, at);
        state.extra().reused = Some(Arc::clone(run));
        let (status, output) = (StepStatus::Succeeded, Some(Arc::clone(output)));
        self.board.end(step, Ended { status, output, masked: false, error: None });
        self.end_step(plan, step, StepStatus::Succeeded);
    }

    /// The output of a step that a later run may use in its place: it succeeded, and no secret is missing in it.
    pub fn reusable(&self, step: StepIndex) -> Option<&Arc<Value>> {
        let ended = self.board.step(step)?;
        let reusable = ended.status == StepStatus::Succeeded && !ended.masked;
        if reusable && self.steps[step.get()].status() == Some(StepStatus::Succeeded) {
            ended.output.as_ref()
        } else {
            None
        }
    }
}
