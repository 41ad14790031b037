//! What people read.

pub(crate) mod catalog;
pub(crate) mod change;
pub(crate) mod diagnostic;
mod excerpt;
pub(crate) mod html;
pub(crate) mod junit;
pub(crate) mod markdown;
pub(crate) mod preview;
pub(crate) mod report;
pub(crate) mod runs;
pub(crate) mod sarif;
pub(crate) mod show;
pub(crate) mod table;
pub(crate) mod timings;
pub(crate) mod to_do;

use std::sync::LazyLock;
use std::time::Duration;

use jiff::tz::TimeZone;
use vwmp_interfaces::Timestamp;

/// A count with its noun, such as `1 step` or `2 steps`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A duration as people say it: `3 ms`, `1.2 s`, `4 min 05 s`, `2 h 10 min`.
pub(crate) fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{}.{} s", seconds, millis % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The time of day here, such as `09:07:12`.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    here(at).strftime("%H:%M:%S").to_string()
}

/// A date and time here, such as `2026-11-26 09:07:12`.
pub(crate) fn date_and_time(at: Timestamp) -> String {
    here(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Looked up once: to ask the system takes longer than to tell a time.
static ZONE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

fn here(at: Timestamp) -> jiff::Zoned {
    let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX).to_zoned(ZONE.clone())
}

/// Text that can't move the cursor or change colors: escapes and control characters are left out.
pub(crate) fn plain(text: &str) -> String {
    let stripped = anstream::adapter::strip_str(text);
    let shown = |c: &char| *c == '\t' || !c.is_control();
    stripped.flat_map(str::chars).filter(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (millis, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1250, "1.2 s"),
            (59_990, "59.9 s"),
            (245_000, "4 min 05 s"),
            (7_800_000, "2 h 10 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn output_of_programs_can_not_paint() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\r\u{7}\tend"), "red\tend");
    }
}
