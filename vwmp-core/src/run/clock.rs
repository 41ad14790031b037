//! Clocks, and run ids, which begin with the time.

use std::sync::{Arc, Mutex, PoisonError};
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

/// The time of one run, which never goes back: where the clock does, it goes on from where it was.
pub(super) struct Steady {
    clock: Arc<dyn Clock>,
    /// The latest time that the clock has shown, and when that was.
    latest: Mutex<(Timestamp, Instant)>,
}

impl Steady {
    /// The time from now on, which is later than what has happened.
    pub(super) fn after(clock: Arc<dyn Clock>, happened: Option<Timestamp>) -> Self {
        let now = clock.now().max(happened.unwrap_or_default());
        Self { clock, latest: Mutex::new((now, Instant::now())) }
    }
}

impl Clock for Steady {
    fn now(&self) -> Timestamp {
        let (shown, at) = (self.clock.now(), Instant::now());
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = latest.0.after(at.saturating_duration_since(latest.1));
        if shown >= passed {
            *latest = (shown, at);
        }
        shown.max(passed)
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
