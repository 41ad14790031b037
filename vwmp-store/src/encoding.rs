//! How events are written: version 2 of what `docs/journal.md` says of `body`.

use std::io::Write as _;

use vwmp_core::run::{Event, EventKind, RunStatus};
use vwmp_interfaces::Timestamp;

/// The version of what is written. Version 1 is the same without announced starts.
pub(crate) const VERSION: u8 = 2;

/// One append: a version, then a line an event: the microseconds since the one before (the first: since 1970), a
/// space, and what happened as JSON.
pub(crate) fn encode(events: &[Event]) -> Vec<u8> {
    let mut body = Vec::with_capacity(events.len() * 96 + 1);
    body.push(VERSION);
    let mut before = 0;
    for event in events {
        let at = event.at.as_micros();
        // A clock may go back; writing to memory and writing plain data as JSON can't fail.
        let _ = write!(body, "{} ", i128::from(at) - i128::from(before));
        let _ = serde_json::to_writer(&mut body, &event.kind);
        body.push(b'\n');
        before = at;
    }
    body
}

/// Adds the events of one append, the first of which has the number `first`.
///
/// # Errors
/// What can't be read, after everything before it was added.
pub(crate) fn decode(body: &[u8], first: u64, events: &mut Vec<Event>) -> Result<(), String> {
    let (version, lines) = body.split_first().ok_or("it is empty")?;
    if !(1..=VERSION).contains(version) {
        return Err(format!("it has format {version}, and this program knows formats up to {VERSION}"));
    }
    let mut before: i128 = 0;
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for (seq, line) in (first..).zip(lines) {
        let space = line.iter().position(|byte| *byte == b' ').ok_or("a line has no time")?;
        let delta = std::str::from_utf8(&line[..space]).ok().and_then(|text| text.parse::<i128>().ok());
        before += delta.ok_or("a time is not a number")?;
        let mut kind: EventKind =
            serde_json::from_slice(&line[space + 1..]).map_err(|error| error.to_string())?;
        if *version == 1 {
            tell_that_it_starts_again(&mut kind, events.last());
        }
        let at = Timestamp::from_micros(u64::try_from(before).map_err(|_| "a time is before 1970")?);
        events.push(Event { seq, at, kind });
    }
    Ok(())
}

/// In version 1 whoever continued a run that had to be continued started again what did not succeed, and didn't say so.
fn tell_that_it_starts_again(kind: &mut EventKind, before: Option<&Event>) {
    let must_continue = EventKind::RunFinished { status: RunStatus::MustContinue };
    if let EventKind::RunResumed { again, .. } = kind
        && before.is_some_and(|before| before.kind == must_continue)
    {
        again.get_or_insert_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use vwmp_testkit::durability::events::every_kind;

    use super::*;

    fn event(seq: u64, at: u64, kind: EventKind) -> Event {
        Event { seq, at: Timestamp::from_micros(at), kind }
    }

    #[test]
    fn events_come_back_even_when_the_clock_went_back() {
        let events = [
            event(7, 1_800_000_000_000_000, EventKind::RunStarted { run_id: "r".into() }),
            event(8, 1_799_999_999_999_999, EventKind::KillRequested),
            event(
                9,
                1_800_000_000_000_009,
                EventKind::RunResumed { by: "ann\nbob".into(), again: Some(Box::default()) },
            ),
        ];
        let mut back = Vec::new();
        decode(&encode(&events), 7, &mut back).unwrap();
        assert_eq!(back, events);
    }

    /// Any JSON value that is not too large.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_kind_of_event_comes_back(
            text in any::<String>(),
            value in value(),
            number in any::<u32>(),
            first in 0..=u64::from(u32::MAX),
            times in prop::collection::vec(any::<u64>(), 1..20),
        ) {
            // Event numbers of one append follow one another; times may be any.
            let kinds = every_kind(&text, &value, number.min(u32::MAX - 1));
            let numbered = (first..).zip(times.iter().cycle()).zip(kinds);
            let events: Vec<Event> = numbered.map(|((seq, at), kind)| event(seq, *at, kind)).collect();
            let mut back = Vec::new();
            prop_assert_eq!(decode(&encode(&events), first, &mut back), Ok(()));
            prop_assert_eq!(back, events);
        }
    }

    #[test]
    fn what_version_1_did_not_say_is_known() {
        let resumed = || EventKind::RunResumed { by: "ann".into(), again: None };
        let ended = EventKind::RunFinished { status: RunStatus::MustContinue };
        let starts_again = |version: u8, first: EventKind| {
            let mut body = encode(&[event(0, 5, first), event(1, 6, resumed())]);
            body[0] = version;
            let mut back = Vec::new();
            decode(&body, 0, &mut back).unwrap();
            matches!(back[1].kind, EventKind::RunResumed { again: Some(_), .. })
        };
        assert!(starts_again(1, ended.clone()));
        assert!(!starts_again(1, EventKind::KillRequested));
        assert!(!starts_again(2, ended), "now it is said");
    }

    #[test]
    fn what_is_damaged_is_told_and_the_rest_is_saved() {
        let mut body =
            encode(&[event(0, 5, EventKind::KillRequested), event(1, 6, EventKind::KillRequested)]);
        body.truncate(body.len() - 4);
        let mut back = Vec::new();
        assert!(decode(&body, 0, &mut back).is_err());
        assert_eq!(back.len(), 1);
        assert_eq!(
            decode(&[9], 0, &mut back).unwrap_err(),
            "it has format 9, and this program knows formats up to 2"
        );
    }
}
