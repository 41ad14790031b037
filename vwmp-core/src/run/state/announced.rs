//! Steps whose starts were announced, so that one wait for the disk serves several.

use std::sync::Arc;

use super::{Phase, RunState};
use crate::run::unit::Unit;

impl RunState {
    pub(super) fn announce(&mut self, steps: &[Unit], boot: &Arc<str>) {
        self.announced.extend(steps.iter().map(|&step| (step, Arc::clone(boot))));
    }

    /// Whether the start of the step need not wait for the disk any more.
    pub(in crate::run) fn is_announced(&self, unit: Unit, boot: Option<&str>) -> bool {
        self.announced.get(&unit).is_some_and(|of| Some(&**of) == boot)
    }

    /// Steps that were announced before the machine went down: they may have begun without any other trace of it.
    pub(in crate::run) fn lost_starts(&self, boot: Option<&str>) -> Vec<(Unit, u32)> {
        let lost = self
            .announced
            .iter()
            .filter(|(unit, of)| Some(&***of) != boot && self.unit(**unit).phase == Phase::Pending);
        lost.map(|(&unit, _)| (unit, self.unit(unit).attempts() + 1)).collect()
    }
}
