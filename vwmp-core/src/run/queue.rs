//! The steps that may start, in the order they go.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::unit::Unit;

/// Steps and items by priority, those of equal priority in the order they became ready.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    classes: BTreeMap<Reverse<i32>, VecDeque<Unit>>,
}

impl ReadyQueue {
    pub(super) fn push(&mut self, priority: i32, unit: Unit) {
        self.classes.entry(Reverse(priority)).or_default().push_back(unit);
    }

    /// Takes one out; nearly always the first of its class.
    pub(super) fn remove(&mut self, priority: i32, unit: Unit) {
        let Some(class) = self.classes.get_mut(&Reverse(priority)) else { return };
        if class.front() == Some(&unit) {
            class.pop_front();
        } else {
            class.retain(|&one| one != unit);
        }
    }

    pub(super) fn clear(&mut self) {
        self.classes.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Unit> + '_ {
        self.classes.values().flatten().copied()
    }
}
