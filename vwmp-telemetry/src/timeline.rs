//! Events as stretches of time: what begins and ends with each of them, and where it belongs.

use std::collections::HashMap;

use vwmp_core::run::{Cause, Event, EventKind, Failure, Outcome, StepStatus, Undone, Unit};
use vwmp_interfaces::Timestamp;

/// What takes time in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// The run.
    Run,
    /// A step or an item, from the first that is heard of it to its status.
    Step(Unit),
    /// Taking the work of a step back.
    Undo(Unit),
    /// One attempt at a piece of work.
    Attempt(Unit, Work, u32),
}

/// What an attempt is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    Execute,
    LookUp,
    Undo,
}

/// The beginning of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) at: Timestamp,
    /// The number of the event that it began with: the same in every process that reads the journal.
    pub(crate) seq: u64,
}

/// How a stretch of time ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) at: Timestamp,
    pub(crate) status: &'static str,
    /// Why it went wrong, on one line.
    pub(crate) error: Option<String>,
}

/// What an event does to the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Opened(Scope, Opened),
    /// With the beginning of what it belongs to.
    Closed(Scope, Opened, Option<Opened>, End),
}

/// What is open in a run. Knows nothing that the events don't say, and closes everything that it opened.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    open: HashMap<Scope, Open>,
    last: Timestamp,
    changes: Vec<Change>,
}

#[derive(Debug)]
struct Open {
    opened: Opened,
    /// The last thing that went wrong in it.
    error: Option<String>,
}

impl Scope {
    /// What it belongs to.
    pub(crate) fn parent(self) -> Option<Self> {
        match self {
            Self::Run => None,
            Self::Attempt(unit, Work::Undo, _) => Some(Self::Undo(unit)),
            Self::Attempt(unit, ..) => Some(Self::Step(unit)),
            Self::Step(unit) if unit.item().is_some() => Some(Self::Step(unit.step.into())),
            // The step has ended long before its work is taken back.
            Self::Step(_) | Self::Undo(_) => Some(Self::Run),
        }
    }

    /// The step or item that it is about.
    pub(crate) fn unit(self) -> Option<Unit> {
        match self {
            Self::Run => None,
            Self::Step(unit) | Self::Undo(unit) | Self::Attempt(unit, ..) => Some(unit),
        }
    }

    /// How far it is below the run.
    pub(crate) fn depth(self) -> u8 {
        self.parent().map_or(0, |parent| parent.depth() + 1)
    }
}

impl Timeline {
    /// What begins and ends with an event: parents begin before their children and end after them.
    pub(crate) fn apply(&mut self, event: &Event) -> Vec<Change> {
        self.last = event.at;
        match &event.kind {
            EventKind::RunStarted { .. }
            | EventKind::RunResumed { .. }
            | EventKind::RollbackStarted { .. } => {
                self.open(Scope::Run, event);
            }
            EventKind::RunAborted { failure } => self.note(Scope::Run, line(failure)),
            EventKind::StepReused { step, .. } => {
                self.close(Scope::Step((*step).into()), event, "reused", None);
            }
            EventKind::StepExpanded { step, .. } | EventKind::LockAwaited { step: Some(step) } => {
                self.open(Scope::Step((*step).into()), event);
            }
            EventKind::StepFinished { step, status, cause } => {
                self.end_step(*step, *status, cause.as_deref(), event);
            }
            EventKind::StepUndone { step, undone, reason } => {
                let error = (*undone != Undone::Yes).then(|| reason.as_deref().map(str::to_owned)).flatten();
                self.close(Scope::Undo(*step), event, undone_name(*undone), error);
            }
            EventKind::RunFinished { status } => {
                self.end_all_but(Scope::Run, event);
                self.close(Scope::Run, event, status.name(), None);
            }
            _ => self.attempt(event),
        }
        std::mem::take(&mut self.changes)
    }

    /// Ends what is open: nobody drives the run any more. The innermost comes first.
    pub(crate) fn interrupt(&mut self) -> Vec<Change> {
        for scope in self.inside_out(Scope::Run) {
            self.end(scope, self.last, "interrupted", None);
        }
        std::mem::take(&mut self.changes)
    }

    fn attempt(&mut self, event: &Event) {
        match &event.kind {
            EventKind::AttemptStarted { step, attempt } => {
                self.open(Scope::Attempt(*step, Work::Execute, *attempt), event);
            }
            EventKind::AttemptFinished { step, attempt, outcome, .. } => {
                let scope = Scope::Attempt(*step, Work::Execute, *attempt);
                self.close(scope, event, outcome_name(outcome), error_of(outcome));
            }
            EventKind::LookupStarted { step } => self.open(Scope::Attempt(*step, Work::LookUp, 0), event),
            EventKind::LookupFinished { step, .. } => {
                let scope = Scope::Attempt(*step, Work::LookUp, 0);
                // What somebody knew was not looked up.
                if self.open.contains_key(&scope) {
                    self.close(scope, event, "succeeded", None);
                }
            }
            EventKind::UndoStarted { step, attempt } => {
                self.open(Scope::Attempt(*step, Work::Undo, *attempt), event);
            }
            EventKind::UndoFinished { step, attempt, outcome } => {
                let scope = Scope::Attempt(*step, Work::Undo, *attempt);
                self.close(scope, event, outcome_name(outcome), error_of(outcome));
            }
            _ => {}
        }
    }

    fn end_step(&mut self, unit: Unit, status: StepStatus, cause: Option<&Cause>, event: &Event) {
        let scope = Scope::Step(unit);
        if let Some(Cause::Failure(failure)) = cause {
            self.open(scope, event);
            self.note(scope, line(failure));
        }
        self.end_all_but(scope, event);
        self.close(scope, event, status.name(), None);
    }

    /// Begins something, and whatever it belongs to.
    fn open(&mut self, scope: Scope, event: &Event) {
        if self.open.contains_key(&scope) {
            return;
        }
        if let Some(parent) = scope.parent() {
            self.open(parent, event);
        }
        let opened = Opened { at: event.at, seq: event.seq };
        self.open.insert(scope, Open { opened, error: None });
        self.changes.push(Change::Opened(scope, opened));
    }

    fn note(&mut self, scope: Scope, error: String) {
        if let Some(open) = self.open.get_mut(&scope) {
            open.error = Some(error);
        }
    }

    /// Ends something; what was never heard of begins and ends at once.
    fn close(&mut self, scope: Scope, event: &Event, status: &'static str, error: Option<String>) {
        self.open(scope, event);
        self.end(scope, event.at, status, error);
    }

    fn end(&mut self, scope: Scope, at: Timestamp, status: &'static str, error: Option<String>) {
        let Some(open) = self.open.remove(&scope) else { return };
        let error = if went_wrong(status) { error.or(open.error) } else { None };
        let parent = scope.parent().and_then(|parent| self.open.get_mut(&parent));
        let parent_opened = parent.map(|parent| {
            // The run tells of the first step that failed, a step of its last attempt.
            if status != "tolerated" && (scope.depth() > 1 || parent.error.is_none()) {
                parent.error = error.clone().or_else(|| parent.error.take());
            }
            parent.opened
        });
        self.changes.push(Change::Closed(scope, open.opened, parent_opened, End { at, status, error }));
    }

    /// Ends what is open within something: it was left behind.
    fn end_all_but(&mut self, scope: Scope, event: &Event) {
        for inner in self.inside_out(scope).into_iter().filter(|inner| *inner != scope) {
            self.end(inner, event.at, "abandoned", None);
        }
    }

    /// What is open within something and itself, the innermost first.
    pub(crate) fn inside_out(&self, scope: Scope) -> Vec<Scope> {
        let within =
            |inner: Scope| std::iter::successors(Some(inner), |one| one.parent()).any(|one| one == scope);
        let mut inner: Vec<_> = self.open.iter().filter(|(inner, _)| within(**inner)).collect();
        inner.sort_by_key(|(scope, open)| (std::cmp::Reverse(scope.depth()), open.opened.seq));
        inner.into_iter().map(|(scope, _)| *scope).collect()
    }
}

/// How an attempt's outcome is written in JSON.
fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded(_) => "succeeded",
        Outcome::Cached(_) => "cached",
        Outcome::Waiting(_) => "waiting",
        Outcome::Failed(_) => "failed",
        Outcome::TimedOut(_) => "timed_out",
        Outcome::Cancelled(_) => "cancelled",
        Outcome::Panicked(_) => "panicked",
        Outcome::Lost => "lost",
    }
}

/// `yes` is no status.
fn undone_name(undone: Undone) -> &'static str {
    match undone {
        Undone::Yes => "undone",
        Undone::Impossible => "impossible",
        Undone::Failed => "failed",
    }
}

fn error_of(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Failed(failure) => Some(line(failure)),
        Outcome::Panicked(failure) => Some(format!("the handler panicked: {}", line(failure))),
        Outcome::TimedOut(interruption) => Some(format!("timed out after {:?}", interruption.after)),
        Outcome::Lost => Some("the process ended while it ran".to_owned()),
        Outcome::Succeeded(_) | Outcome::Cached(_) | Outcome::Waiting(_) | Outcome::Cancelled(_) => None,
    }
}

/// Whether a status, an outcome or a result is nobody's wish.
pub(crate) fn went_wrong(status: &str) -> bool {
    let well = [
        "succeeded",
        "succeeded_with_tolerated",
        "cached",
        "reused",
        "skipped",
        "waiting",
        "undone",
        "interrupted",
    ];
    !well.contains(&status)
}

/// The message with its causes, on one line.
fn line(failure: &Failure) -> String {
    std::iter::once(&failure.message)
        .chain(&failure.causes)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(": ")
}
