//! What people see while a run goes on. Neither the run nor its handlers ever wait for it.

mod feed;
mod json;
mod live;
mod keys;
mod plain;
mod sections;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use vwmp_core::plan::Plan;
use vwmp_core::run::{Event, EventKind, EventStream};

pub(crate) use self::feed::feed;
use self::feed::{News, NewsStream};
use self::json::JsonLines;
use self::live::Live;
use self::plain::Plain;
use self::sections::Sections;
pub(crate) use self::words::cancelling;
use crate::ci::Service;
use crate::terminal::Terminal;

/// Shows a run as it goes.
pub(crate) struct Watch {
    events: EventStream,
    news: NewsStream,
    view: Box<dyn View>,
    plan: Arc<Plan>,
    /// The steps that have been shown as started.
    started: Vec<bool>,
    /// News of steps that have not: they came faster than the event.
    held: VecDeque<News>,
}

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As fits the terminal, or in lines where there is none.
    People,
    /// In the sections of a service's log.
    Sections(Service),
    /// As an object a line.
    Json,
}

/// Where a run is shown.
trait View: Send {
    /// Shows an event.
    fn event(&mut self, event: &Event);
    /// Shows what a step says.
    fn news(&mut self, news: News);
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
        plan: Arc<Plan>,
        events: EventStream,
        news: NewsStream,
    ) -> Self {
        let its_plan = Arc::clone(&plan);
        let view: Box<dyn View> = match form {
            Form::Json => Box::new(JsonLines::new(terminal, its_plan)),
            Form::Sections(service) => Box::new(Sections::new(terminal, its_plan, service)),
            Form::People if terminal.live => Box::new(Live::new(terminal, its_plan)),
            Form::People => Box::new(Plain::new(terminal, its_plan)),
        };
        Self { events, news, view, started: vec![false; plan.steps().len()], plan, held: VecDeque::new() }
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
                _ = ticks.tick() => self.view.tick(),
            }
            self.show_held();
            self.view.rest();
        }
        self.started.fill(true);
        while self.hold_more() {
            self.show_held();
        }
        self.view.rest();
    }

    /// What a step wrote is shown after its start and before its end.
    fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::AttemptStarted { step, .. } => self.started[step.get()] = true,
            EventKind::AttemptFinished { .. } => {
                while self.hold_more() {
                    self.show_held();
                }
            }
            _ => {}
        }
        self.view.event(event);
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
            let step = self.plan.find(news.step());
            if step.is_none_or(|step| self.started[step.get()]) {
                self.view.news(news);
            } else {
                self.held.push_back(news);
            }
        }
    }
}
