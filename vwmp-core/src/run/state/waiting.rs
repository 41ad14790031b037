//! Steps that wait: for an answer, for a time, for what a handler finds out, for a lock.

use vwmp_interfaces::{Timestamp, Wait, Waited};

use super::{Lock, Part, Phase, RunState};
use crate::plan::{Plan, StepIndex};
use crate::run::event::Found;
use crate::run::unit::Unit;

impl RunState {
    pub(super) fn wait(&mut self, unit: Unit, wait: &Wait, at: Timestamp) {
        let until = match wait {
            Wait::Approval(request) => request.timeout.map(|limit| at.after(limit)),
            Wait::Until { at } => Some(*at),
        };
        let state = self.unit_mut(unit);
        let extra = state.extra();
        extra.uncounted += 1;
        (extra.wait, extra.waited) = (Some(wait.clone()), None);
        (state.phase, state.not_before) = (Phase::Waiting, until.unwrap_or_default());
        self.delayed.extend(until.map(|until| (until, unit)));
    }

    pub(super) fn answer(&mut self, unit: Unit, answer: Waited) {
        // Who answers late, or twice, changes nothing.
        let Some(state) = self.try_unit(unit) else { return };
        let asked = matches!(state.waits_for(), Some(Wait::Approval(_)));
        if !asked || state.waited().is_some() {
            return;
        }
        self.delayed.remove(&(state.not_before, unit));
        let Waited::Answered { at, .. } = answer else { return };
        let state = self.unit_mut(unit);
        state.not_before = at;
        state.extra().waited = Some(answer);
        self.delayed.insert((at, unit));
    }

    pub(super) fn start_lookup(&mut self, unit: Unit) {
        self.running += 1;
        if self.unit(unit).status().is_some() {
            self.looked_up.insert(unit, None);
        } else {
            self.unsettled.retain(|one| *one != unit);
            self.unit_mut(unit).phase = Phase::LookingUp;
        }
    }

    pub(super) fn finish_lookup(
        &mut self,
        plan: &Plan,
        unit: Unit,
        found: &Found,
        masked: bool,
        at: Timestamp,
    ) {
        let Some(state) = self.try_unit(unit) else { return };
        match state.phase {
            // Nobody looked it up: what has ended is not in question.
            Phase::Ended(_) if !self.looked_up.contains_key(&unit) => return,
            Phase::Ended(_) => {
                self.running -= 1;
                // Who can't tell is taken to have done it: what others may have seen is not taken back.
                self.looked_up.insert(unit, Some(*found != Found::NotDone));
                return self.leave_verdict(plan);
            }
            Phase::LookingUp => self.running -= 1,
            Phase::Asking => _ = self.questions.remove(&unit),
            Phase::Unsettled => self.unsettled.retain(|one| *one != unit),
            _ => return,
        }
        let state = self.unit_mut(unit);
        state.extra().found = Some(found.clone());
        match found {
            Found::Done(output) => {
                state.ended = at;
                self.give(unit, output, masked);
                self.unsettle(unit);
            }
            Found::NotDone => self.unsettle(unit),
            Found::Unknown(_) => {
                state.phase = Phase::Asking;
                self.questions.insert(unit);
            }
        }
    }

    pub(super) fn await_lock(&mut self, plan: &Plan, step: Option<StepIndex>) {
        match step {
            None => self.run_lock = Lock::Awaited,
            Some(_) if self.part == Part::Rollback => self.await_undo_lock(),
            Some(step) if self.steps[step.get()].phase == Phase::Expanded => {
                self.ready.remove(plan[step].policy.priority, step.into());
            }
            Some(step) => {
                self.leave_waiting(plan, step.into());
                let state = &mut self.steps[step.get()];
                if state.phase == Phase::Waiting {
                    state.extra().waited.get_or_insert(Waited::Elapsed);
                }
                state.phase = Phase::Locking;
            }
        }
    }

    /// Whether a step has the lock that it needs, if it needs one.
    pub(in crate::run) fn has_lock(&self, plan: &Plan, step: StepIndex) -> bool {
        plan[step].lock().is_none() || self.steps[step.get()].is_locked()
    }

    pub(super) fn take_lock(&mut self, plan: &Plan, step: Option<StepIndex>) {
        let Some(step) = step else {
            self.run_lock = Lock::Held;
            return;
        };
        let state = &mut self.steps[step.get()];
        if self.part == Part::Rollback {
            state.extra().locked = true;
            self.leave_undo_lock();
        } else if state.phase == Phase::Expanded {
            state.extra().locked = true;
            self.queue_items(plan, step);
        } else if state.phase == Phase::Locking {
            state.extra().locked = true;
            state.phase = Phase::Pending;
            if self.may_queue(plan, step) {
                self.ready.push(plan[step].policy.priority, step.into());
            }
        }
    }
}
