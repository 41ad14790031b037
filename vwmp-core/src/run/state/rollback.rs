//! Steps that are taken back, the last one first.

use std::sync::Arc;

use vwmp_interfaces::workflow_type::FailurePolicy;
use vwmp_interfaces::{Effect, Timestamp};

use super::{Part, Phase, RunState, Stop};
use crate::plan::{Plan, StepIndex};
use crate::run::event::{Outcome, RunStatus, StepStatus, Undone};
use crate::run::step_state::StepState;
use crate::run::unit::Unit;

/// Where taking steps back stands.
#[derive(Debug)]
pub struct Rollback {
    /// Why.
    pub reason: Arc<str>,
    /// What is left to take back; the last one is next.
    todo: Vec<Unit>,
    /// What it is doing with the next one.
    pub phase: UndoPhase,
    attempts: u32,
    results: Vec<(Unit, Undone, Option<Arc<str>>)>,
    /// Whether it goes on although others may have seen what was done.
    forced: bool,
}

/// What is being done about the step that is next to be taken back.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoPhase {
    /// Nothing yet.
    Idle,
    /// It waits for the step's lock.
    Locking,
    /// An attempt is under way.
    Running,
    /// An attempt ended so; what follows is not decided yet.
    Unsettled(Outcome),
    /// Another attempt will follow.
    Delayed(Timestamp),
}

impl Rollback {
    /// What is to be taken back next.
    pub fn next(&self) -> Option<Unit> {
        self.todo.last().copied()
    }

    /// How many attempts there were to take the next one back.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What became of each step so far, in the order it was settled.
    pub fn results(&self) -> &[(Unit, Undone, Option<Arc<str>>)] {
        &self.results
    }

    /// Whether a step could not be taken back that could have been.
    pub fn has_failed(&self) -> bool {
        self.results.iter().any(|(_, undone, _)| *undone == Undone::Failed)
    }
}

impl RunState {
    /// Whether steps are to be taken back, now that the main part has ended.
    fn wants_rollback(&self, plan: &Plan) -> bool {
        let wanted = plan.on_failure == FailurePolicy::Rollback
            && matches!(self.main_verdict(), RunStatus::Failed | RunStatus::Cancelled);
        wanted && self.attempted && !self.past_no_return(plan)
    }

    /// Goes on from the end of the main part, when nothing has to be found out or decided before.
    pub(super) fn leave_verdict(&mut self, plan: &Plan) {
        if self.part != Part::Verdict {
            return;
        }
        match &self.rollback {
            None if self.wants_rollback(plan) => {}
            None => self.end_with_finally(plan),
            Some(rollback) if rollback.forced => self.begin_rollback(plan),
            // What may have been a point of no return is looked up first.
            Some(_) if !self.all_looked_up(plan) => {}
            Some(_) if self.past_no_return(plan) => {
                self.rollback = None;
                self.end_with_finally(plan);
            }
            Some(_) => self.begin_rollback(plan),
        }
    }

    fn all_looked_up(&self, plan: &Plan) -> bool {
        self.looked_up.values().all(Option::is_some) && self.to_look_up(plan).is_empty()
    }

    fn end_with_finally(&mut self, plan: &Plan) {
        if self.finally_left > 0 {
            self.begin_finally(plan);
        } else {
            self.part = Part::Finally;
        }
    }

    pub(super) fn start_rollback(&mut self, plan: &Plan, reason: &Arc<str>, forced: bool) {
        self.ended = None;
        self.rollback = Some(Box::new(Rollback {
            reason: Arc::clone(reason),
            todo: Vec::new(),
            phase: UndoPhase::Idle,
            attempts: 0,
            results: Vec::new(),
            forced,
        }));
        if self.part == Part::Main {
            self.stop(Stop::Cancelled(Arc::clone(reason)));
        } else {
            self.part = Part::Verdict;
            self.leave_verdict(plan);
        }
    }

    fn begin_rollback(&mut self, plan: &Plan) {
        self.part = Part::Rollback;
        let todo = self.to_take_back(plan);
        if let Some(rollback) = &mut self.rollback {
            rollback.todo = todo;
        }
        self.leave_rollback(plan);
    }

    /// What was attempted and may have left something behind, the one that ended last at the end.
    fn to_take_back(&self, plan: &Plan) -> Vec<Unit> {
        let steps = plan.indexed().take(plan.main_steps).map(|(step, _)| Unit::from(step));
        let items = self
            .fans
            .iter()
            .filter(|(step, _)| !plan.is_finally(**step))
            .flat_map(|(step, fan)| (0..fan.states.len() as u32).map(|item| Unit::item_of(*step, item)));
        let mut units: Vec<Unit> =
            steps.chain(items).filter(|unit| self.left_something(plan, *unit)).collect();
        units.sort_unstable_by_key(|unit| (self.unit(*unit).ended, *unit));
        units
    }

    fn left_something(&self, plan: &Plan, unit: Unit) -> bool {
        let (state, handler) = (self.unit(unit), &plan[unit.step].handler);
        if state.attempts == 0 || state.is_cached() || handler.effect() == Effect::ReadOnly {
            return false;
        }
        // Who failed and can't be taken back has nothing to show for it.
        handler.info().can_undo || matches!(state.phase, Phase::Ended(status) if status != StepStatus::Failed)
    }

    fn leave_rollback(&mut self, plan: &Plan) {
        if self.rollback.as_ref().is_some_and(|rollback| rollback.todo.is_empty()) {
            self.end_with_finally(plan);
        }
    }

    pub(super) fn await_undo_lock(&mut self) {
        if let Some(rollback) = &mut self.rollback {
            rollback.phase = UndoPhase::Locking;
        }
    }

    /// The lock is there, or the process that waited for it is gone.
    pub(super) fn leave_undo_lock(&mut self) {
        if let Some(rollback) = self.rollback.as_mut().filter(|one| one.phase == UndoPhase::Locking) {
            rollback.phase = UndoPhase::Idle;
        }
    }

    pub(super) fn start_undo(&mut self, attempt: u32) {
        if let Some(rollback) = &mut self.rollback {
            (rollback.phase, rollback.attempts) = (UndoPhase::Running, attempt);
            self.running += 1;
        }
    }

    pub(super) fn finish_undo(&mut self, outcome: &Outcome) {
        if let Some(rollback) = &mut self.rollback {
            rollback.phase = UndoPhase::Unsettled(outcome.clone());
            self.running -= 1;
        }
    }

    pub(super) fn delay_undo(&mut self, not_before: Timestamp) {
        if let Some(rollback) = &mut self.rollback {
            rollback.phase = UndoPhase::Delayed(not_before);
        }
    }

    pub(super) fn end_undo(&mut self, plan: &Plan, unit: Unit, undone: Undone, reason: Option<&Arc<str>>) {
        if let Some(rollback) = &mut self.rollback {
            rollback.todo.pop();
            rollback.results.push((unit, undone, reason.cloned()));
            (rollback.phase, rollback.attempts) = (UndoPhase::Idle, 0);
        }
        if let Some(extra) = self.steps[unit.step.get()].extra_if_any() {
            extra.locked = false;
        }
        self.leave_rollback(plan);
    }

    /// Whether others have seen what was done, or may have.
    pub fn past_no_return(&self, plan: &Plan) -> bool {
        self.points_of_no_return(plan).any(|(unit, state)| {
            state.status() == Some(StepStatus::Succeeded) || self.looked_up.get(&unit) == Some(&Some(true))
        })
    }

    /// Steps that may have passed a point of no return, and about which their handlers have to be asked first.
    pub(in crate::run) fn to_look_up(&self, plan: &Plan) -> Vec<Unit> {
        let doubtful = |unit: &Unit, state: &StepState| {
            state.attempts > 0
                && state.status().is_some_and(|status| status != StepStatus::Succeeded)
                && !state.trouble().is_some_and(Outcome::did_nothing)
                && !self.looked_up.contains_key(unit)
        };
        let points = self.points_of_no_return(plan);
        points.filter(|(unit, state)| doubtful(unit, state)).map(|(unit, _)| unit).collect()
    }

    fn points_of_no_return<'s>(&'s self, plan: &'s Plan) -> impl Iterator<Item = (Unit, &'s StepState)> {
        let steps = plan.indexed().take(plan.main_steps);
        let points = steps.filter(|(_, step)| step.handler.point_of_no_return()).map(|(step, _)| step);
        points.flat_map(|step| {
            let items = 0..self.fans.get(&step).map_or(0, |fan| fan.states.len() as u32);
            let items = items.map(move |item| Unit::item_of(step, item));
            std::iter::once(Unit::from(step)).chain(items).map(|unit| (unit, self.unit(unit)))
        })
    }

    /// Where taking steps back stands, if they are.
    pub fn rollback(&self) -> Option<&Rollback> {
        self.rollback.as_deref()
    }

    /// A step that builds on this one and could not be taken back, so that this one can't either.
    pub(in crate::run) fn stands_in_the_way(&self, plan: &Plan, step: StepIndex) -> Option<Unit> {
        let failed = |(unit, undone, _): &(Unit, Undone, _)| (*undone == Undone::Failed).then_some(*unit);
        let stuck: Vec<Unit> = self.rollback()?.results.iter().filter_map(failed).collect();
        stuck.into_iter().find(|unit| unit.step == step || plan.graph.reaches(unit.step, step))
    }
}
