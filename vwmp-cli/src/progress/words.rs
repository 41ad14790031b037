//! Events in words.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use vwmp_core::plan::{Plan, StepIndex};
use vwmp_core::run::event::Cause;
use vwmp_core::run::{Event, EventKind, Found, Limits, Outcome, StepStatus, Undone, Unit};
use vwmp_interfaces::{Timestamp, Wait};

use crate::next::Next;
use crate::render::{counted, duration, plain, report, time_of_day};
use crate::terminal::{BOLD, DIM, GREEN, RED, YELLOW, paint};

/// Puts events in words, a line each.
pub(super) struct Words {
    plan: Arc<Plan>,
    next: Next,
    /// The steps and items under way.
    under_way: HashMap<Unit, UnderWay>,
    /// The locks that are waited for, by step, and how often time went on since; nothing for the run's own.
    locks: BTreeMap<Option<StepIndex>, u32>,
}

struct UnderWay {
    since: Timestamp,
    /// When the last attempt ended.
    until: Timestamp,
    /// Why the last attempt did not succeed.
    trouble: Option<String>,
    /// Whether an earlier result stands for it.
    cached: bool,
}

/// A lock that is got sooner than this, counted in ticks, is not worth a word.
const SOON: u32 = 10;

impl Words {
    pub(super) fn new(plan: Arc<Plan>, next: Next) -> Self {
        Self { plan, next, under_way: HashMap::new(), locks: BTreeMap::new() }
    }

    /// What happened, where people should know.
    pub(super) fn tell(&mut self, event: &Event) -> Option<String> {
        Some(match &event.kind {
            EventKind::RunResumed { by, .. } => self.resumed(by),
            EventKind::CancelRequested { reason, by } => {
                paint(YELLOW, cancelling(&by_whom(reason, by.as_deref())))
            }
            EventKind::KillRequested => paint(YELLOW, KILLING),
            EventKind::StepReused { step, run, .. } => {
                format!("{} {}", self.name(*step), paint(DIM, format!("is taken from run {run}")))
            }
            EventKind::StepExpanded { step, items, .. } => {
                format!("{} has {}", self.name(*step), counted(items.len(), "item"))
            }
            EventKind::LockAwaited { step } => {
                self.locks.insert(*step, 0);
                return None;
            }
            EventKind::LockAcquired { step } => return self.got_lock(*step),
            EventKind::AttemptStarted { step, attempt } => self.started(*step, *attempt, event.at),
            EventKind::AttemptFinished { step, attempt, outcome, .. } => {
                return self.attempt_ended(*step, *attempt, outcome, event.at);
            }
            EventKind::Answered { step, approved, by, comment } => {
                self.answered(*step, *approved, by, comment)
            }
            EventKind::LookupFinished { step, found, .. } => self.found(*step, found),
            EventKind::RetryScheduled { step, attempt, not_before } => {
                let again = again(*attempt, *not_before, event.at);
                format!("{} {again}{}", self.name(*step), self.trouble(*step))
            }
            EventKind::StepFinished { step, status, cause } => {
                self.finished(*step, *status, cause.as_deref())
            }
            EventKind::RollbackStarted { reason, by, .. } => {
                let why = by_whom(reason, by.as_deref());
                paint(YELLOW, format!("what was done is taken back: {}", one_line(&why)))
            }
            EventKind::UndoFinished { step, outcome, .. } => {
                self.note(*step, outcome, event.at);
                return None;
            }
            EventKind::UndoRetryScheduled { step, attempt, not_before } => {
                let again = again(*attempt, *not_before, event.at);
                format!("{} is not taken back yet, {again}{}", self.name(*step), self.trouble(*step))
            }
            EventKind::StepUndone { step, undone, reason } => self.undone(*step, *undone, reason.as_deref()),
            EventKind::RunAborted { .. }
            | EventKind::RunStarted { .. }
            | EventKind::StartsAnnounced { .. }
            | EventKind::LookupStarted { .. }
            | EventKind::UndoStarted { .. }
            | EventKind::RunFinished { .. } => return None,
        })
    }

    /// Time goes on: the locks that take long.
    pub(super) fn tick(&mut self) -> Vec<String> {
        self.locks.values_mut().for_each(|ticks| *ticks += 1);
        let late = self.locks.iter().filter(|(_, ticks)| **ticks == SOON);
        late.map(|(step, _)| format!("{} waits for the lock {}", self.holder(*step), self.lock(*step)))
            .collect()
    }

    fn name(&self, unit: impl Into<Unit>) -> String {
        paint(BOLD, unit.into().id(&self.plan))
    }

    fn resumed(&mut self, by: &str) -> String {
        self.locks.clear();
        format!("the run goes on, continued by {}", one_line(by))
    }

    fn holder(&self, step: Option<StepIndex>) -> String {
        step.map_or_else(|| "the run".to_owned(), |step| self.name(step))
    }

    fn lock(&self, step: Option<StepIndex>) -> &str {
        let lock = match step {
            None => self.plan.lock(),
            Some(step) => self.plan[step].lock().map(|name| &**name),
        };
        lock.unwrap_or_default()
    }

    /// Worth a word where its absence was.
    fn got_lock(&mut self, step: Option<StepIndex>) -> Option<String> {
        let ticks = self.locks.remove(&step)?;
        (ticks >= SOON).then(|| format!("{} has the lock {}", self.holder(step), self.lock(step)))
    }

    fn started(&mut self, unit: Unit, attempt: u32, at: Timestamp) -> String {
        let begun = UnderWay { since: at, until: at, trouble: None, cached: false };
        self.under_way.entry(unit).or_insert(begun);
        match attempt {
            1 => format!("{} started", self.name(unit)),
            _ => format!("{} started, attempt {attempt}", self.name(unit)),
        }
    }

    fn attempt_ended(
        &mut self,
        unit: Unit,
        attempt: u32,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Option<String> {
        self.note(unit, outcome, at);
        let what = match outcome {
            Outcome::Waiting(wait) => match &**wait {
                Wait::Approval(request) => {
                    let question =
                        paint(YELLOW, format!("waits for an approval: {}", one_line(&request.message)));
                    let answers = self.next.answers(&unit.id(&self.plan));
                    format!("{question} {}", paint(DIM, format!("({answers})")))
                }
                Wait::Until { at } => format!("waits until {}", time_of_day(*at)),
            },
            Outcome::Lost => format!("lost its process during attempt {attempt}"),
            _ => return None,
        };
        Some(format!("{} {what}", self.name(unit)))
    }

    fn note(&mut self, unit: Unit, outcome: &Outcome, at: Timestamp) {
        let begun = UnderWay { since: at, until: at, trouble: None, cached: false };
        let under_way = self.under_way.entry(unit).or_insert(begun);
        under_way.trouble = outcome.describe();
        under_way.until = at;
        under_way.cached = matches!(outcome, Outcome::Cached(_));
    }

    fn answered(&self, unit: Unit, approved: bool, by: &str, comment: &str) -> String {
        let word = if approved { paint(GREEN, "approved") } else { paint(RED, "rejected") };
        let comment = if comment.is_empty() { String::new() } else { format!(": {}", one_line(comment)) };
        format!("{} {word} by {}{comment}", self.name(unit), one_line(by))
    }

    fn found(&self, unit: Unit, found: &Found) -> String {
        let name = self.name(unit);
        match found {
            Found::Done(_) => format!("{name} was done, although nobody saw its end"),
            Found::NotDone => format!("{name} was not done"),
            Found::Unknown(why) => {
                let why = why.as_deref().map(|why| format!(" ({})", one_line(why))).unwrap_or_default();
                let unknown = paint(YELLOW, "may be done or not, and nobody saw its end");
                format!("{name} {unknown}{why}")
            }
        }
    }

    fn finished(&mut self, unit: Unit, status: StepStatus, cause: Option<&Cause>) -> String {
        let trouble = match cause {
            Some(cause) => format!(": {}", one_line(&cause.describe(&self.plan))),
            None if status == StepStatus::Succeeded => String::new(),
            None => self.trouble(unit),
        };
        let under_way = self.under_way.remove(&unit);
        let cached = under_way.as_ref().is_some_and(|one| one.cached);
        let after = under_way.map(|one| duration(one.until.since(one.since)));
        if let Some(rest) = report::said_twice(status, &trouble) {
            return format!("{} {}{rest}", self.name(unit), report::status(status));
        }
        let after = after.map(|after| paint(DIM, format!(" after {after}"))).unwrap_or_default();
        let cached =
            if cached { paint(DIM, ": nothing has changed since an earlier run") } else { String::new() };
        format!("{} {}{after}{trouble}{cached}", self.name(unit), report::status(status))
    }

    fn undone(&mut self, unit: Unit, undone: Undone, reason: Option<&str>) -> String {
        self.under_way.remove(&unit);
        let reason = reason.map(|reason| format!(": {}", one_line(reason))).unwrap_or_default();
        let word = match undone {
            Undone::Yes => paint(GREEN, "taken back"),
            Undone::Impossible => paint(YELLOW, "stands"),
            Undone::Failed => paint(RED, "stands"),
        };
        format!("{} {word}{reason}", self.name(unit))
    }

    fn trouble(&self, unit: Unit) -> String {
        let trouble = self.under_way.get(&unit).and_then(|one| one.trouble.as_deref());
        trouble.map(|text| format!(": {}", one_line(text))).unwrap_or_default()
    }
}

/// What follows when a run is killed.
const KILLING: &str = "killed: what was running is stopped at once, and nothing more starts";

/// What follows when a run is cancelled.
pub(crate) fn cancelling(reason: &str) -> String {
    let grace = Limits::default().grace.as_secs();
    format!("{reason}: steps have {grace} s to stop; Ctrl-C once more kills them")
}

fn again(attempt: u32, not_before: Timestamp, now: Timestamp) -> String {
    paint(YELLOW, format!("attempt {attempt} in {}", duration(not_before.since(now))))
}

fn by_whom(reason: &str, by: Option<&str>) -> String {
    by.map_or_else(|| reason.to_owned(), |by| format!("{reason} ({by})"))
}

fn one_line(text: &str) -> String {
    plain(text.lines().next().unwrap_or_default())
}
