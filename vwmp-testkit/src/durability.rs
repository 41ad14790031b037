//! What every place that keeps runs owes to the engine, whatever it is made of: one suite for memory, for files, for a
//! database server.
//!
//! Implement [`KeepsRuns`] for the place and call [`check`] in a test. Who may drive a run, and what survives the end of a
//! process or a machine, is for tests of the place itself: they have to end some.

pub mod events;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vwmp_core::run::{Event, EventKind, Journal, Locks, LogStore, Survive};
use vwmp_interfaces::context::Keepsakes;
use vwmp_interfaces::log::{LogLine, Stream};
use vwmp_interfaces::{BoxFuture, Timestamp};

use self::events::every_kind;

/// A place that keeps runs. It panics where it fails: this is for tests.
pub trait KeepsRuns: Send + Sync {
    /// Begins a run.
    fn begin<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Kept>;

    /// Goes on with a run that was left, after these events.
    fn go_on<'a>(&'a self, run: &'a str, so_far: &'a [Event]) -> BoxFuture<'a, Kept>;

    /// What is recorded of a run, which may be driven at that moment.
    fn events<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Vec<Event>>;

    /// The locks between its runs.
    fn locks(&self) -> Arc<dyn Locks>;
}

/// Where one run is kept. Dropping it leaves the run.
pub struct Kept {
    /// Where its events go.
    pub journal: Box<dyn Journal>,
    /// Where its lines go.
    pub log: Arc<dyn LogStore>,
    /// Where its steps keep things.
    pub keepsakes: Arc<dyn Keepsakes>,
}

/// Checks a place that has no runs yet.
///
/// # Panics
/// When it does not do what the engine relies on.
pub async fn check(place: &dyn KeepsRuns) {
    events_come_back(place).await;
    runs_are_apart(place).await;
    a_long_run_is_read_as_it_was_written(place).await;
    lines_come_back(place).await;
    what_was_kept_first_stays(place).await;
    one_at_a_time_has_a_lock(place).await;
}

/// Every kind of event, while the run goes, when it was left, and when it goes on.
async fn events_come_back(place: &dyn KeepsRuns) {
    let kinds = every_kind(
        "two\nlines, \"quoted\" \u{1f389}\u{0}",
        &json!({ "b": [1, -2, 0.1, null, ""], "a": {} }),
        7,
    );
    let all = numbered(kinds);
    let (first, rest) = all.split_at(all.len() / 2);
    let mut kept = place.begin("every kind").await;
    for (number, some) in first.chunks(9).enumerate() {
        append(&mut kept, some, if number % 2 == 0 { Survive::PowerCut } else { Survive::Crash }).await;
        let so_far = number * 9 + some.len();
        assert_eq!(
            place.events("every kind").await,
            first[..so_far],
            "what was appended can be read at once"
        );
    }
    drop(kept);
    assert_eq!(place.events("every kind").await, first, "what was appended stays when the run is left");
    let mut kept = place.go_on("every kind", first).await;
    append(&mut kept, rest, Survive::Crash).await;
    drop(kept);
    assert_eq!(place.events("every kind").await, all, "what follows comes after what was there");
}

async fn runs_are_apart(place: &dyn KeepsRuns) {
    let (mut one, mut other) = (place.begin("one").await, place.begin("other").await);
    let reason = |text: &str| EventKind::CancelRequested { reason: text.into(), by: None };
    for seq in 0..20 {
        append(&mut one, &[event(seq, reason("one"))], Survive::Crash).await;
        append(&mut other, &[event(seq, reason("other"))], Survive::Crash).await;
    }
    for run in ["one", "other"] {
        let events = place.events(run).await;
        assert_eq!(events.len(), 20, "each run has its own events");
        assert!(events.iter().all(|event| event.kind == reason(run)), "no run has events of another");
    }
}

async fn a_long_run_is_read_as_it_was_written(place: &dyn KeepsRuns) {
    let mut kept = place.begin("long").await;
    let all = numbered(vec![EventKind::KillRequested; 3000]);
    for some in all.chunks(7) {
        append(&mut kept, some, Survive::Crash).await;
    }
    assert_eq!(place.events("long").await, all, "a long run comes back whole and in order");
}

async fn lines_come_back(place: &dyn KeepsRuns) {
    let kept = place.begin("lines").await;
    let line = |step: &str, attempt, stream, text: &str| LogLine {
        step: step.into(),
        attempt,
        stream,
        text: text.into(),
    };
    let lines = [
        line("build", 1, Stream::Info, "  spaces stay  "),
        line("build", 1, Stream::Stdout, ""),
        line("build", 1, Stream::Stderr, "\u{1b}[31mred\u{1b}[0m \u{fc}\ttab"),
        line("build", 2, Stream::Warning, "1800000000000000 o looks like a line of a file"),
        line("build[0]", 1, Stream::Stdout, "of an item"),
        line("../odd name/%", 1, Stream::Stdout, "of a step with an odd name"),
    ];
    lines.iter().for_each(|line| kept.log.line(line.clone()));
    assert_eq!(kept.log.lines("build"), lines[..4], "the lines of all attempts of a step, in order");
    assert_eq!(kept.log.lines("build[0]"), lines[4..5], "an item has lines of its own");
    assert_eq!(kept.log.lines("../odd name/%"), lines[5..], "a step may be called anything");
    assert!(kept.log.lines("other").is_empty(), "a step that wrote nothing has no lines");
    let long = "x".repeat(1 << 20);
    for number in 0..40 {
        kept.log.line(line("loud", 1, Stream::Stdout, &format!("{number} {long}")));
    }
    let loud = kept.log.lines("loud");
    let cut = loud.iter().any(|line| line.stream == Stream::Warning && line.text.starts_with('['));
    assert!(loud.len() >= 40 || cut, "where lines are not kept, a line says so");
}

async fn what_was_kept_first_stays(place: &dyn KeepsRuns) {
    let kept = place.begin("keepsakes").await;
    let long = "docs/".repeat(200);
    let bytes: Vec<u8> = (0..=255).collect();
    for name in ["docs/VERSION", "..", &long, "\u{fc} %2f"] {
        keep(&kept, "bump", name, &bytes).await;
        keep(&kept, "bump", name, b"later").await;
        assert_eq!(
            of(&kept, "bump", name).await.as_deref(),
            Some(&bytes[..]),
            "what was kept first stays: {name}"
        );
        assert_eq!(of(&kept, "other", name).await, None, "each step has its own");
    }
    keep(&kept, "bump", "empty", b"").await;
    drop(kept);
    let kept = place.go_on("keepsakes", &[]).await;
    assert_eq!(
        of(&kept, "bump", "..").await.as_deref(),
        Some(&bytes[..]),
        "it is there when the run goes on"
    );
    assert_eq!(of(&kept, "bump", "empty").await.as_deref(), Some(&b""[..]), "nothing is something");
    let other = place.begin("other keepsakes").await;
    assert_eq!(of(&other, "bump", "..").await, None, "each run has its own");
}

async fn one_at_a_time_has_a_lock(place: &dyn KeepsRuns) {
    let locks = place.locks();
    let acquire = |name: &str| locks.acquire(name.into());
    let soon = Duration::from_millis(300);
    let Ok(held) = acquire("db").await else { panic!("a free lock can be had") };
    assert!(
        tokio::time::timeout(soon, acquire("db")).await.is_err(),
        "a lock that is held has to be waited for"
    );
    assert!(acquire("../other/lock").await.is_ok(), "other locks are free");
    let waiting = acquire("db");
    drop(held);
    let Ok(held) = waiting.await else { panic!("it is free when its holder drops it") };
    drop(held);
    assert!(acquire("db").await.is_ok(), "who waited and went away does not hold it");
}

async fn append(kept: &mut Kept, events: &[Event], survive: Survive) {
    if let Err(error) = kept.journal.append(events, survive).await {
        panic!("events can be kept: {error}");
    }
}

async fn keep(kept: &Kept, step: &str, name: &str, bytes: &[u8]) {
    if let Err(error) = kept.keepsakes.keep(step, name, bytes).await {
        panic!("{name} can be kept: {error}");
    }
}

async fn of(kept: &Kept, step: &str, name: &str) -> Option<Vec<u8>> {
    kept.keepsakes.kept(step, name).await.unwrap_or_else(|error| panic!("{name} can be read: {error}"))
}

/// Times that go back now and then, as clocks do.
fn event(seq: u64, kind: EventKind) -> Event {
    let at = 1_800_000_000_000_000 + seq * 1000 - if seq.is_multiple_of(5) { 3_600_000_000 } else { 0 };
    Event { seq, at: Timestamp::from_micros(at), kind }
}

fn numbered(kinds: Vec<EventKind>) -> Vec<Event> {
    (0..).zip(kinds).map(|(seq, kind)| event(seq, kind)).collect()
}

#[cfg(test)]
#[path = "durability_tests.rs"]
mod tests;
