//! The items of a step that fans out.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::Timestamp;

use super::{Ended, Phase, RunState};
use crate::plan::{Plan, StepIndex};
use crate::run::event::{Failure, Interruption, Outcome, StepStatus};
use crate::run::step_state::StepState;
use crate::run::unit::Unit;

/// The items of a step that fans out.
#[derive(Debug)]
pub(in crate::run) struct Fan {
    pub(in crate::run) values: Arc<Vec<Value>>,
    pub(in crate::run) states: Vec<StepState>,
    outputs: Vec<Option<Arc<Value>>>,
    /// Whether values are recorded masked.
    pub(in crate::run) values_masked: bool,
    /// The items whose outputs are recorded masked.
    masked: BTreeSet<u32>,
    /// How many have entered the queue: only as many as may run, so that a long list costs nothing.
    released: usize,
    /// How many of those have not ended.
    active: usize,
    left: usize,
    /// The first item that failed.
    failed: Option<u32>,
}

impl RunState {
    pub(super) fn expand(
        &mut self,
        plan: &Plan,
        step: StepIndex,
        values: &Arc<Vec<Value>>,
        values_masked: bool,
        at: Timestamp,
    ) {
        self.leave_waiting(plan, step.into());
        let count = values.len();
        let fan = Fan {
            values: Arc::clone(values),
            values_masked,
            states: vec![StepState::default(); count],
            outputs: vec![None; count],
            masked: BTreeSet::new(),
            released: 0,
            active: 0,
            left: count,
            failed: None,
        };
        self.fans.insert(step, fan);
        let state = &mut self.steps[step.get()];
        (state.phase, state.started, state.ended) = (Phase::Expanded, at, at);
        self.release_items(plan, step);
        self.settle_fan(step);
    }

    pub(super) fn give_item(&mut self, step: StepIndex, item: u32, output: &Arc<Value>, masked: bool) {
        let Some(fan) = self.fans.get_mut(&step) else { return };
        if masked {
            fan.masked.insert(item);
        }
        if let Some(place) = fan.outputs.get_mut(item as usize) {
            *place = Some(Arc::clone(output));
        }
    }

    pub(super) fn end_item(
        &mut self,
        plan: &Plan,
        step: StepIndex,
        item: u32,
        status: StepStatus,
        at: Timestamp,
    ) {
        let Some(fan) = self.fans.get_mut(&step) else { return };
        fan.left = fan.left.saturating_sub(1);
        if (item as usize) < fan.released {
            fan.active = fan.active.saturating_sub(1);
        }
        if matches!(status, StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost) {
            fan.failed.get_or_insert(item);
        }
        fan.pass_over_ended();
        self.steps[step.get()].ended = at;
        self.release_items(plan, step);
        self.settle_fan(step);
    }

    /// Lets items into the queue, as many as may run at once.
    pub(super) fn release_items(&mut self, plan: &Plan, step: StepIndex) {
        let stopping = if plan.is_finally(step) { self.finally_stopping } else { self.stopping.is_some() };
        let (Some(fan), Some(policy)) = (self.fans.get_mut(&step), plan[step].fan_out()) else { return };
        let limit = policy.max_parallel.unwrap_or(plan.max_parallel).max(1);
        let closed = stopping || (policy.fail_fast && fan.failed.is_some());
        while !closed && fan.active < limit && fan.released < fan.values.len() {
            let unit = Unit::item_of(step, fan.released as u32);
            fan.released += 1;
            match fan.states[fan.released - 1].phase {
                Phase::Ended(_) => {}
                Phase::Pending => {
                    fan.active += 1;
                    self.ready.push(plan[step].policy.priority, unit);
                }
                // It was begun before the run was continued.
                _ => fan.active += 1,
            }
        }
        if closed && !stopping && fan.released < fan.values.len() && !self.closing.contains(&step) {
            self.closing.push(step);
        }
    }

    /// The step has ended when its last item has.
    fn settle_fan(&mut self, step: StepIndex) {
        let Some(fan) = self.fans.get(&step).filter(|fan| fan.left == 0) else { return };
        self.closing.retain(|one| *one != step);
        let trouble = fan.trouble();
        if trouble.is_none() {
            let null = Value::Null;
            let outputs = fan.outputs.iter().map(|one| one.as_deref().unwrap_or(&null).clone()).collect();
            let ended = Ended {
                status: StepStatus::Succeeded,
                output: Some(Arc::new(Value::Array(outputs))),
                masked: !fan.masked.is_empty(),
                error: None,
            };
            self.board.end(step, ended);
        }
        self.steps[step.get()].trouble = trouble.map(Box::new);
        self.unsettle(step.into());
    }

    /// Where the items of a step stand; nothing for a step that has none, or not yet.
    pub fn items(&self, step: StepIndex) -> Option<&[StepState]> {
        self.fans.get(&step).map(|fan| fan.states.as_slice())
    }

    /// What an item is about: the value that it reads as `item` or `matrix`.
    pub fn item_value(&self, unit: Unit) -> Option<&Value> {
        let item = unit.item()?;
        self.fans.get(&unit.step)?.values.get(item as usize)
    }

    /// What an item gave, secrets masked.
    pub fn item_output(&self, unit: Unit) -> Option<&Arc<Value>> {
        let item = unit.item()?;
        self.fans.get(&unit.step)?.outputs.get(item as usize)?.as_ref()
    }

    /// What an item gave, unless it is recorded masked.
    pub(in crate::run) fn plain_item_output(&self, unit: Unit) -> Option<&Arc<Value>> {
        let masked = &self.fans.get(&unit.step)?.masked;
        self.item_output(unit).filter(|_| !unit.item().is_some_and(|item| masked.contains(&item)))
    }

    /// Whether an output among those of the items is recorded masked.
    pub(in crate::run) fn fan_is_masked(&self, step: StepIndex) -> bool {
        self.fans.get(&step).is_some_and(|fan| !fan.masked.is_empty())
    }

    pub(in crate::run) fn fan(&self, step: StepIndex) -> Option<&Fan> {
        self.fans.get(&step)
    }

    /// Steps of which no further item is to start, since one has failed.
    pub(in crate::run) fn closing(&self) -> impl Iterator<Item = (StepIndex, &Fan)> {
        self.closing.iter().filter_map(|step| Some((*step, self.fans.get(step)?)))
    }
}

impl Fan {
    /// Items that have no end any more go through the queue again.
    pub(super) fn open_again(&mut self) {
        self.left = self.states.iter().filter(|one| one.status().is_none()).count();
        (self.released, self.active, self.failed) = (0, 0, None);
    }

    /// Items that ended without entering the queue will not enter it any more.
    fn pass_over_ended(&mut self) {
        let rest = &self.states[self.released..];
        self.released += rest.iter().take_while(|one| matches!(one.phase, Phase::Ended(_))).count();
    }

    /// The items that have not started and will not.
    pub(in crate::run) fn unreleased(&self) -> std::ops::Range<u32> {
        self.released as u32..self.values.len() as u32
    }

    pub(in crate::run) fn first_failed(&self) -> Option<u32> {
        self.failed
    }

    /// Why the step did not succeed, if it did not.
    fn trouble(&self) -> Option<Outcome> {
        let unwell: Vec<(usize, StepStatus)> = self
            .states
            .iter()
            .enumerate()
            .filter_map(|(item, state)| Some((item, state.status()?)))
            .filter(|(_, status)| *status != StepStatus::Succeeded)
            .collect();
        let failed = unwell.iter().filter(|(_, status)| {
            matches!(
                status,
                StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost | StepStatus::Tolerated
            )
        });
        let failed: Vec<usize> = failed.map(|(item, _)| *item).collect();
        if failed.is_empty() {
            let none = Interruption { after: std::time::Duration::ZERO, abandoned: false };
            return (!unwell.is_empty()).then(|| Outcome::Cancelled(Box::new(none)));
        }
        let named: Vec<String> = failed.iter().take(5).map(|item| self.named(*item)).collect();
        let more = if failed.len() > 5 { ", …" } else { "" };
        let message =
            format!("{} of {} items failed: {}{more}", failed.len(), self.states.len(), named.join(", "));
        Some(Outcome::Failed(Box::new(Failure::permanent(message))))
    }

    /// An item by its number, with what happened to it.
    fn named(&self, item: usize) -> String {
        let why = self.states[item].trouble().and_then(Outcome::describe);
        why.map_or_else(|| format!("[{item}]"), |why| format!("[{item}] {why}"))
    }
}
