//! A run that ends early.

use std::sync::Arc;

use super::{Part, RunState, Stop};

impl RunState {
    pub(super) fn cancel(&mut self, reason: &Arc<str>) {
        // A run that is in its `finally` part can only be cancelled by stopping that too.
        self.finally_stopping |= self.part != Part::Main;
        self.stop(Stop::Cancelled(Arc::clone(reason)));
        if self.part == Part::Finally {
            self.ready.clear();
        }
    }

    pub(super) fn kill(&mut self) {
        self.killed = true;
        self.finally_stopping = true;
        self.stop(Stop::Cancelled("killed".into()));
        self.ready.clear();
    }

    pub(super) fn stop(&mut self, stop: Stop) {
        // A cancelled or aborted run stays so, but cancelling outweighs a failed step.
        if let Some(Stop::StepFailed(_)) | None = self.stopping {
            self.stopping = Some(stop);
        }
        if self.part == Part::Main {
            self.ready.clear();
        }
    }
}
