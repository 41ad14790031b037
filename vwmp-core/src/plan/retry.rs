//! When a failed attempt is followed by another.

use std::hash::Hasher as _;
use std::time::Duration;

/// When a failed attempt is followed by another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    /// How many attempts there may be, the first included.
    pub max_attempts: u32,
    /// How the delay grows; the handler decides where nothing is said.
    pub backoff: Option<Backoff>,
    /// The first delay; with [`RetryPolicy::backoff`] alone, one second.
    pub delay: Option<Duration>,
    /// No delay is longer.
    pub max_delay: Duration,
    /// Whether to spread the delays, so that many failed steps don't come back at once.
    pub jitter: bool,
}

/// How the delay between attempts grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backoff {
    /// It stays.
    Constant,
    /// It grows by itself each time.
    Linear,
    /// It doubles each time.
    Exponential,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 1,
            backoff: None,
            delay: None,
            max_delay: Duration::from_secs(60),
            jitter: false,
        }
    }
}

impl RetryPolicy {
    /// How long to wait after the failed attempt number `attempt`. `advised` is the handler's own
    /// word; `seed` spreads the delays the same way each time it is asked, so that a replay of the
    /// run gives the same ones.
    pub fn delay_after(&self, attempt: u32, advised: Duration, seed: (&str, &str)) -> Duration {
        let delay = match (self.backoff, self.delay) {
            (None, None) => advised,
            (backoff, delay) => {
                let first = delay.unwrap_or(Duration::from_secs(1));
                let factor = match backoff.unwrap_or(Backoff::Exponential) {
                    Backoff::Constant => 1,
                    Backoff::Linear => attempt,
                    Backoff::Exponential => 2_u32.checked_pow(attempt - 1).unwrap_or(u32::MAX),
                };
                first.saturating_mul(factor)
            }
        };
        let delay = delay.min(self.max_delay);
        if self.jitter { delay.mul_f64(0.5 + fraction(seed, attempt) / 2.0) } else { delay }
    }
}

/// A number from 0 to 1 that is the same for the same seed on every machine.
fn fraction(seed: (&str, &str), attempt: u32) -> f64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.write(seed.0.as_bytes());
    hash.write(&[0]);
    hash.write(seed.1.as_bytes());
    hash.write(&attempt.to_le_bytes());
    f64::from((hash.finish() >> 32) as u32) / f64::from(u32::MAX)
}

/// FNV-1a, 64 bit: the standard library's hashers promise nothing across versions.
struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        // FNV leaves the high bits of short inputs alike; one multiply-shift round spreads them.
        let mixed = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ (mixed >> 33)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_as_asked_and_stay_below_the_limit() {
        let advised = Duration::from_secs(7);
        for (backoff, delay, expected) in [
            (None, None, [7, 7, 7, 7]),
            (Some(Backoff::Constant), Some(3), [3, 3, 3, 3]),
            (Some(Backoff::Linear), Some(3), [3, 6, 9, 10]),
            (Some(Backoff::Exponential), None, [1, 2, 4, 8]),
            (None, Some(4), [4, 8, 10, 10]),
        ] {
            let delay = delay.map(Duration::from_secs);
            let policy =
                RetryPolicy { backoff, delay, max_delay: Duration::from_secs(10), ..RetryPolicy::default() };
            let delays =
                [1, 2, 3, 4].map(|attempt| policy.delay_after(attempt, advised, ("r", "s")).as_secs());
            assert_eq!(delays, expected, "{backoff:?}");
        }
    }

    #[test]
    fn jitter_spreads_but_repeats() {
        let policy = RetryPolicy { jitter: true, ..RetryPolicy::default() };
        let delay = |step: &str| policy.delay_after(1, Duration::from_secs(10), ("run", step));
        assert_eq!(delay("a"), delay("a"));
        assert_ne!(delay("a"), delay("b"));
        let all = ('a'..='z').map(|step| delay(&step.to_string()));
        assert!(all.into_iter().all(|delay| (5.0..=10.0).contains(&delay.as_secs_f64())));
    }

    #[test]
    fn huge_attempts_do_not_overflow() {
        let policy = RetryPolicy { backoff: Some(Backoff::Exponential), ..RetryPolicy::default() };
        assert_eq!(policy.delay_after(u32::MAX, Duration::ZERO, ("r", "s")).as_secs(), 60);
    }
}
