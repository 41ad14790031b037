//! When a server wants to be asked again.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use vwmp_interfaces::Timestamp;

/// A number above this is a time since 1970, one below a number of seconds from now.
const EARLIEST_TIME: u64 = 1_000_000_000;

/// How long a server asks to be left alone, in an answer that says that it is busy: by
/// `Retry-After`, or by when its limit of requests starts anew.
///
/// Times count from the `Date` of the answer, so that nobody's clock has to be right.
pub(crate) fn retry_after(status: u16, headers: &[(String, String)], now: Timestamp) -> Option<Duration> {
    if !matches!(status, 403 | 413 | 429 | 503) {
        return None;
    }
    let field = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.trim());
    let now = field("date").and_then(time).unwrap_or(now.as_micros() / 1_000_000);
    if let Some(asked) = field("retry-after") {
        let seconds = asked.parse().ok().or_else(|| Some(time(asked)?.saturating_sub(now)));
        return seconds.map(Duration::from_secs);
    }
    for prefix in ["x-ratelimit", "ratelimit"] {
        let used_up = field(&format!("{prefix}-remaining")) == Some("0");
        let reset = field(&format!("{prefix}-reset")).and_then(|reset| reset.parse::<u64>().ok());
        if let Some(reset) = reset.filter(|_| used_up || status == 429) {
            let seconds = if reset < EARLIEST_TIME { reset } else { reset.saturating_sub(now) };
            return Some(Duration::from_secs(seconds));
        }
    }
    None
}

/// Seconds since 1970 of a time as HTTP writes it.
fn time(text: &str) -> Option<u64> {
    let parsed = DateTimeParser::new().parse_timestamp(text).ok()?;
    u64::try_from(parsed.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_later() {
        let date = ("date", "Fri, 02 Jan 2026 03:04:05 GMT");
        for (status, headers, seconds) in [
            (429, vec![("retry-after", "30")], Some(30)),
            (503, vec![date, ("retry-after", "Fri, 02 Jan 2026 03:05:05 GMT")], Some(60)),
            (503, vec![date, ("retry-after", "Fri, 02 Jan 2026 03:00:00 GMT")], Some(0)),
            (403, vec![date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1767323165")], Some(120)),
            (403, vec![date, ("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1767323165")], None),
            (429, vec![("ratelimit-reset", "12")], Some(12)),
            (429, vec![("retry-after", "soon")], None),
            (200, vec![("retry-after", "30")], None),
            (429, vec![], None),
        ] {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let found = retry_after(status, &headers, Timestamp::from_micros(0));
            assert_eq!(found, seconds.map(Duration::from_secs), "{status} {headers:?}");
        }
    }
}
