//! Durations as people write them: `500ms`, `30s`, `10m`, `1h30m`, `2d`, or a number of seconds.

use std::time::Duration;

use crate::document::{Kind, NodeRef};

/// What messages ask for.
pub(super) const EXPECTED: &str = "a duration such as 30s, 10m or 1h30m, at most 365d";

/// The longest one that is accepted.
const MAX: Duration = Duration::from_secs(365 * 86_400);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A duration up to 365 days, if that is what stands there.
pub(super) fn read(node: NodeRef<'_>) -> Option<Duration> {
    let found = match node.kind() {
        Kind::Int(seconds) => Duration::from_secs(seconds.try_into().ok()?),
        Kind::Float(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Kind::Str(text) => parse(text)?,
        _ => return None,
    };
    (found <= MAX).then_some(found)
}

fn parse(text: &str) -> Option<Duration> {
    let mut millis = 0_u64;
    let mut largest = u64::MAX;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let &(_, size) = UNITS.iter().find(|(unit, _)| *unit == &rest[..end])?;
        if size >= largest {
            return None;
        }
        largest = size;
        millis = millis.checked_add(number.checked_mul(size)?)?;
        rest = &rest[end..];
    }
    Some(Duration::from_millis(millis))
}

/// A duration in the form that [`read`] takes.
pub(crate) fn written(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for &(unit, size) in UNITS.iter().rev() {
        if left >= size {
            text += &format!("{}{unit}", left / size);
            left %= size;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis) in [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("1h30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("1m1s1ms", Some(61_001)),
            ("", None),
            ("5", None),
            ("-5s", None),
            ("5 s", None),
            ("1.5h", None),
            ("30m1h", None),
            ("1h1h", None),
            ("5y", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(parse(text), millis.map(Duration::from_millis), "{text}");
            if let Some(duration) = parse(text) {
                assert_eq!(written(duration), text);
            }
        }
        assert_eq!(written(Duration::ZERO), "0s");
    }
}
