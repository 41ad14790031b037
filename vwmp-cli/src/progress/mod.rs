//! What people see while a run goes on. Neither the run nor its handlers ever wait for it.

mod before;
mod feed;
mod json;
mod live;
mod keys;
mod plain;
mod sections;
mod words;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use vwmp_core::plan::Plan;
use vwmp_core::run::{Event, EventKind, Outcome, Unit};
use vwmp_interfaces::Wait;

pub(crate) use self::before::Before;
pub(crate) use self::feed::{Feed, feed};
use self::feed::{News, NewsStream};
use self::json::JsonLines;
use self::live::Live;
use self::plain::Plain;
use self::sections::Sections;
pub(crate) use self::words::cancelling;
use crate::ci::Service;
use crate::drive::{Asking, Observed};
use crate::next::Next;
use crate::terminal::Terminal;

/// Shows a run as it goes.
pub(crate) struct Watch {
    events: Happening,
    news: NewsStream,
    /// Asks for approvals, where somebody can answer.
    asking: Option<Asking>,
    view: Box<dyn View>,
    plan: Arc<Plan>,
    /// The steps and items that have been shown as started.
    started: HashSet<Unit>,
    /// Whether everything that is to come has started.
    over: bool,
    /// News of steps that have not: they came faster than the event.
    held: VecDeque<News>,
}

/// Where events come from.
pub(crate) enum Happening {
    /// A run that this process drives.
    Here(Observed),
    /// A run that another process drives.
    Elsewhere(mpsc::UnboundedReceiver<Arc<[Event]>>),
}

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Form {
    /// As fits the terminal, or in lines where there is none.
    #[default]
    People,
    /// In the sections of a service's log.
    Sections(Service),
    /// As an object a line.
    Json,
}

/// Where a run is shown.
trait View: Send {
    /// Takes in what happened before the run was continued, and shows again what still asks.
    fn catch_up(&mut self, before: &Before) {
        before.asked.values().for_each(|event| self.event(event));
    }
    /// Shows an event.
    fn event(&mut self, event: &Event);
    /// Shows what a step says.
    fn news(&mut self, news: News);
    /// Makes room for a question, or goes on when it is answered.
    fn pause(&mut self, paused: bool) {
        let _ = paused;
    }
    /// Shows that time goes on; called several times a second.
    fn tick(&mut self) {}
    /// Nothing more is to be shown for now.
    fn rest(&mut self);
}

/// How often a view is told that time goes on.
const TICK: Duration = Duration::from_millis(100);
/// How much is read of a step that never stops writing before events are looked at again.
const AT_ONCE: usize = 4096;

impl Watch {
    /// A view of one form.
    pub(crate) fn new(
        terminal: Terminal,
        form: Form,
        (plan, next): (Arc<Plan>, Next),
        events: Happening,
        news: NewsStream,
    ) -> Self {
        let its_plan = Arc::clone(&plan);
        let view: Box<dyn View> = match form {
            Form::Json => Box::new(JsonLines::new(terminal, its_plan)),
            Form::Sections(service) => Box::new(Sections::new(terminal, its_plan, next, service)),
            Form::People if terminal.live => Box::new(Live::new(terminal, its_plan, next)),
            Form::People => Box::new(Plain::new(terminal, its_plan, next)),
        };
        Self {
            events,
            news,
            asking: None,
            view,
            started: HashSet::new(),
            over: false,
            plan,
            held: VecDeque::new(),
        }
    }

    /// The same, and approvals are asked for as they come.
    pub(crate) fn asking(self, asking: Option<Asking>) -> Self {
        Self { asking, ..self }
    }

    /// The same, of a run that goes on: what asked before and got no answer asks again.
    pub(crate) fn after(mut self, before: &Before) -> Self {
        self.view.catch_up(before);
        before.asked.values().for_each(|event| self.ask(event));
        self
    }

    /// Shows everything, until the run has ended.
    pub(crate) async fn show(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                biased;
                batch = self.events.next() => match batch {
                    Some(batch) => batch.iter().for_each(|event| self.event(event)),
                    None => break,
                },
                Some(news) = self.news.next() => {
                    self.held.push_back(news);
                    self.hold_more();
                }
                Some(line) = typed(&mut self.asking) => self.typed(&line),
                _ = ticks.tick(), if !self.is_asking() => self.view.tick(),
            }
            if !self.is_asking() {
                self.show_held();
                self.view.rest();
            }
        }
        self.view.pause(false);
        self.over = true;
        while self.hold_more() {
            self.show_held();
        }
        self.view.rest();
    }

    fn is_asking(&self) -> bool {
        self.asking.as_ref().is_some_and(Asking::is_open)
    }

    fn typed(&mut self, line: &str) {
        if let Some(asking) = &mut self.asking {
            asking.typed(line);
        }
    }

    /// Asks what a step wants to know, and stops asking when somebody has answered.
    fn ask(&mut self, event: &Event) {
        let was = self.is_asking();
        let Some(asking) = &mut self.asking else { return };
        match &event.kind {
            EventKind::AttemptFinished { step, outcome: Outcome::Waiting(wait), .. } => {
                if let Wait::Approval(request) = &**wait {
                    self.view.rest();
                    self.view.pause(true);
                    asking.add(step.id(&self.plan), &request.message);
                }
            }
            EventKind::Answered { step, .. } | EventKind::StepFinished { step, .. } if was => {
                asking.remove(&step.id(&self.plan));
            }
            _ => {}
        }
        if was && !self.is_asking() {
            self.view.pause(false);
        }
    }

    /// What a step wrote is shown after its start and before its end.
    fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::AttemptStarted { step, .. }
            | EventKind::LookupStarted { step }
            | EventKind::UndoStarted { step, .. } => _ = self.started.insert(*step),
            EventKind::AttemptFinished { .. }
            | EventKind::LookupFinished { .. }
            | EventKind::UndoFinished { .. } => {
                while self.hold_more() {
                    self.show_held();
                }
            }
            _ => {}
        }
        self.view.event(event);
        self.ask(event);
    }

    /// Takes in what has been written since; whether there was anything.
    fn hold_more(&mut self) -> bool {
        let before = self.held.len();
        let more = std::iter::from_fn(|| self.news.now()).take(AT_ONCE);
        self.held.extend(more);
        self.held.len() > before
    }

    fn show_held(&mut self) {
        for news in std::mem::take(&mut self.held) {
            let step = Unit::named(news.step(), &self.plan);
            if self.over || step.is_none_or(|step| self.started.contains(&step)) {
                self.view.news(news);
            } else {
                self.held.push_back(news);
            }
        }
    }
}

async fn typed(asking: &mut Option<Asking>) -> Option<String> {
    match asking {
        Some(asking) => asking.line().await,
        None => std::future::pending().await,
    }
}

impl Happening {
    async fn next(&mut self) -> Option<Arc<[Event]>> {
        match self {
            Self::Here(events) => events.next().await,
            Self::Elsewhere(events) => events.recv().await,
        }
    }
}
