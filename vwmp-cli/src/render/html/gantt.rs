//! When what was carried out, as bars on a line of time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use vwmp_core::plan::Plan;
use vwmp_core::run::{Event, EventKind, Outcome, Unit};
use vwmp_interfaces::Timestamp;

use crate::render::duration;

/// The chart, in pixels.
#[derive(Debug, Serialize)]
pub(super) struct Gantt {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rows: Vec<Row>,
    /// Places on the line with what time it is there.
    pub(super) ticks: Vec<(usize, String)>,
    /// Where time was left out in which nothing ran, and how much.
    pub(super) cuts: Vec<(usize, String)>,
    /// How many rows are not shown.
    pub(super) more: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    /// The number of the step.
    pub(super) step: usize,
    pub(super) y: usize,
    pub(super) bars: Vec<Bar>,
}

#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub(super) x: usize,
    pub(super) width: usize,
    /// What became of it: a word for its color.
    pub(super) class: &'static str,
    pub(super) title: String,
}

/// One attempt, from when to when.
struct Span {
    unit: Unit,
    what: String,
    class: &'static str,
    from: Timestamp,
    to: Timestamp,
}

const LABELS: usize = 190;
const LINE: usize = 900;
const ROW: usize = 20;
const HEAD: usize = 26;
const CUT: usize = 24;
const MOST_ROWS: usize = 3000;

/// The chart of a run.
pub(super) fn draw(plan: &Plan, events: &[Event]) -> Gantt {
    let spans = spans(events);
    let scale = Scale::of(&spans);
    let mut rows: Vec<Row> = Vec::new();
    let mut known: BTreeMap<Unit, usize> = BTreeMap::new();
    for span in &spans {
        let row = *known.entry(span.unit).or_insert_with(|| {
            let y = HEAD + rows.len() * ROW;
            rows.push(Row { id: span.unit.id(plan), step: span.unit.step.get(), y, bars: Vec::new() });
            rows.len() - 1
        });
        let (x, end) = (scale.place(span.from), scale.place(span.to));
        let title = format!("{}: {} {}", span.unit.id(plan), span.what, duration(span.to.since(span.from)));
        rows[row].bars.push(Bar { x, width: (end - x).max(2), class: span.class, title });
    }
    let more = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    Gantt {
        width: LABELS + LINE + 40,
        height: HEAD + rows.len() * ROW + 8,
        rows,
        ticks: scale.ticks(),
        cuts: scale.cuts(),
        more,
    }
}

/// Every attempt, in the order they began.
fn spans(events: &[Event]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut open: BTreeMap<(Unit, bool), usize> = BTreeMap::new();
    for event in events {
        match &event.kind {
            EventKind::AttemptStarted { step, attempt } => {
                open.insert((*step, false), spans.len());
                spans.push(Span::begin(*step, format!("attempt {attempt}"), event.at));
            }
            EventKind::UndoStarted { step, attempt } => {
                open.insert((*step, true), spans.len());
                spans.push(Span::begin(*step, format!("taking it back, attempt {attempt}"), event.at));
            }
            EventKind::AttemptFinished { step, outcome, .. } => {
                if let Some(span) = open.remove(&(*step, false)) {
                    spans[span].end(event.at, class(outcome));
                }
            }
            EventKind::UndoFinished { step, outcome, .. } => {
                if let Some(span) = open.remove(&(*step, true)) {
                    let class =
                        if matches!(outcome, Outcome::Succeeded(_)) { "undone" } else { class(outcome) };
                    spans[span].end(event.at, class);
                }
            }
            _ => {}
        }
    }
    // What is under way lasts until now, as far as anybody knows.
    let last = events.last().map(|event| event.at).unwrap_or_default();
    open.into_values().for_each(|span| spans[span].end(last, "running"));
    spans
}

impl Span {
    fn begin(unit: Unit, what: String, at: Timestamp) -> Self {
        Self { unit, what, class: "running", from: at, to: at }
    }

    fn end(&mut self, at: Timestamp, class: &'static str) {
        (self.to, self.class) = (at, class);
    }
}

fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded(_) => "succeeded",
        Outcome::Cached(_) => "cached",
        Outcome::Waiting(_) => "waiting",
        Outcome::Failed(_) | Outcome::Panicked(_) => "failed",
        Outcome::TimedOut(_) => "timed_out",
        Outcome::Cancelled(_) => "cancelled",
        Outcome::Lost => "lost",
    }
}

/// Times as places, without the long times in which nothing ran.
struct Scale {
    /// Stretches of time: from when to when, and the place of the first.
    parts: Vec<(Timestamp, Timestamp, usize)>,
    /// Pixels a microsecond.
    density: f64,
}

impl Scale {
    fn of(spans: &[Span]) -> Self {
        let busy = busy(spans);
        let all: Duration = busy.iter().map(|(from, to)| to.since(*from)).sum();
        let room = LINE.saturating_sub(CUT * busy.len().saturating_sub(1)).max(LINE / 3);
        let density = room as f64 / all.as_micros().max(1) as f64;
        let mut at = LABELS;
        let parts = busy.into_iter().map(|(from, to)| {
            let part = (from, to, at);
            at += (to.since(from).as_micros() as f64 * density) as usize + CUT;
            part
        });
        Self { parts: parts.collect(), density }
    }

    fn place(&self, at: Timestamp) -> usize {
        let part = self.parts.iter().rev().find(|(from, _, _)| *from <= at);
        part.map_or(LABELS, |(from, to, x)| x + self.pixels(at.min(*to).since(*from)))
    }

    fn pixels(&self, time: Duration) -> usize {
        (time.as_micros() as f64 * self.density) as usize
    }

    /// A tick at every round time, some ten of them.
    fn ticks(&self) -> Vec<(usize, String)> {
        let all: u128 = self.parts.iter().map(|(from, to, _)| to.since(*from).as_micros()).sum();
        let step = round(all / 8);
        let Some((first, _, _)) = self.parts.first() else { return Vec::new() };
        let mut ticks = Vec::new();
        for (from, to, x) in &self.parts {
            let start = from.since(*first).as_micros();
            let mut next = start.div_ceil(step) * step;
            while next <= to.since(*first).as_micros() {
                let offset = Duration::from_micros(u64::try_from(next - start).unwrap_or(u64::MAX));
                let time = Duration::from_micros(u64::try_from(next).unwrap_or(u64::MAX));
                ticks.push((x + self.pixels(offset), duration(time)));
                next += step;
            }
        }
        ticks
    }

    fn cuts(&self) -> Vec<(usize, String)> {
        let pairs = self.parts.windows(2);
        pairs.map(|pair| (pair[1].2 - CUT / 2, duration(pair[1].0.since(pair[0].1)))).collect()
    }
}

/// The next of 1, 2, 5, 10, 20, 50 … milliseconds; seconds, minutes and hours as clocks have them.
fn round(micros: u128) -> u128 {
    const ROUND: [u128; 25] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
        300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
    ];
    let millis = micros.div_ceil(1000);
    ROUND.into_iter().find(|one| *one >= millis).unwrap_or_else(|| millis.div_ceil(86_400_000) * 86_400_000)
        * 1000
}

/// The stretches in which something ran; short pauses count as well.
fn busy(spans: &[Span]) -> Vec<(Timestamp, Timestamp)> {
    let mut sorted: Vec<(Timestamp, Timestamp)> = spans.iter().map(|span| (span.from, span.to)).collect();
    sorted.sort_unstable();
    let total: Duration = sorted.iter().map(|(from, to)| to.since(*from)).sum();
    let pause = (total / 2).max(Duration::from_secs(2));
    let mut busy: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, to) in sorted {
        match busy.last_mut() {
            Some(last) if from.since(last.1) <= pause => last.1 = last.1.max(to),
            _ => busy.push((from, to)),
        }
    }
    busy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_at_round_times() {
        for (micros, expected) in [(0, 1), (900, 1), (1_100, 2), (3_000_000, 5_000), (40_000_000, 60_000)] {
            assert_eq!(round(micros), expected * 1000, "{micros}");
        }
        assert_eq!(round(200_000_000_000), 259_200_000_000);
    }
}
