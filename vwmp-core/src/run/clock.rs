//! Clocks, and run ids, which begin with the time.

use std::time::SystemTime;

use tokio::time::Instant;
use uuid::{ContextV7, Uuid};
use vwmp_interfaces::{Clock, Timestamp};

/// The machine's clock. The one place where the engine asks for the time unless it is given another clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// A clock that follows tokio's time, so that tests can pause it and skip hours.
#[derive(Debug, Clone, Copy)]
pub struct PausedClock {
    began: Instant,
    at: Timestamp,
}

impl PausedClock {
    /// A clock that shows `at` now.
    pub fn starting(at: Timestamp) -> Self {
        Self { began: Instant::now(), at }
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        self.at.after(self.began.elapsed())
    }
}

/// A new id (UUID version 7): ids of later runs sort later.
pub(super) fn new_run_id(now: Timestamp) -> String {
    let (seconds, nanos) = (now.as_micros() / 1_000_000, (now.as_micros() % 1_000_000) * 1000);
    let time = uuid::Timestamp::from_unix(ContextV7::new(), seconds, nanos as u32);
    Uuid::new_v7(time).to_string()
}
