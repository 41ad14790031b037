//! Runs, steps and attempts as `tracing` spans, opened and closed as events say.
//!
//! An attempt's span is opened by whoever comes first: the observer, or the executor that carries the attempt out in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::Empty;
use tracing::{Instrument as _, Span, info, info_span, warn};
use vwmp_core::plan::Plan;
use vwmp_core::run::{Attempt, Event, Executor, Outcome, Task};
use vwmp_interfaces::BoxFuture;
use vwmp_interfaces::log::{LogLine, LogSink, Stream};

use crate::Observer;
use crate::timeline::{Change, Scope, Timeline, Work};

/// The spans of all runs that one program watches. Clones are the same spans.
///
/// As a [`LogSink`] it makes an event of each line that a step writes, in the span of whoever writes it.
#[derive(Clone, Default)]
pub struct Spans(Arc<Mutex<HashMap<Arc<str>, Tree>>>);

/// Opens and closes the spans of one run. What is open when it is dropped is closed as `interrupted`.
pub struct RunSpans {
    spans: Spans,
    run: Arc<str>,
    timeline: Timeline,
    /// Whether the timeline has taken in what no span was opened for.
    behind: bool,
}

/// Carries attempts out in their spans, so that what handlers trace is found there.
pub struct TracedExecutor<E> {
    spans: Spans,
    inner: E,
}

/// The open spans of a run.
struct Tree {
    run: Arc<str>,
    plan: Arc<Plan>,
    /// What the whole run belongs to.
    above: Span,
    open: HashMap<Scope, Span>,
}

impl Spans {
    /// An observer for one run of a plan. The run's span belongs to the current one, if there is one.
    pub fn of_run(&self, plan: Arc<Plan>, run_id: &str) -> RunSpans {
        let run: Arc<str> = run_id.into();
        let tree = Tree { run: Arc::clone(&run), plan, above: Span::current(), open: HashMap::new() };
        self.trees().insert(Arc::clone(&run), tree);
        RunSpans { spans: self.clone(), run, timeline: Timeline::default(), behind: false }
    }

    /// An executor that carries out the attempts of observed runs in their spans.
    pub fn executor<E: Executor>(&self, inner: E) -> TracedExecutor<E> {
        TracedExecutor { spans: self.clone(), inner }
    }

    fn trees(&self) -> MutexGuard<'_, HashMap<Arc<str>, Tree>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, run: &str, scopes: Vec<Scope>) {
        if let Some(tree) = self.trees().get_mut(run) {
            scopes.into_iter().for_each(|scope| _ = tree.span(scope));
        }
    }

    fn apply(&self, run: &str, changes: Vec<Change>) {
        let mut trees = self.trees();
        let Some(tree) = trees.get_mut(run) else { return };
        for change in changes {
            match change {
                Change::Opened(scope, _) => _ = tree.span(scope),
                Change::Closed(scope, _, _, end) => {
                    let Some(span) = tree.open.remove(&scope) else { continue };
                    span.record("status", end.status);
                    if let Some(error) = end.error {
                        span.record("error", error);
                    }
                }
            }
        }
    }
}

impl LogSink for Spans {
    fn line(&self, line: LogLine) {
        let (step, attempt, text) = (&*line.step, line.attempt, line.text);
        match line.stream {
            Stream::Info => info!(target: "vwmp", step, attempt, "{text}"),
            Stream::Warning => warn!(target: "vwmp", step, attempt, "{text}"),
            Stream::Stdout => info!(target: "vwmp", step, attempt, stream = "stdout", "{text}"),
            Stream::Stderr => info!(target: "vwmp", step, attempt, stream = "stderr", "{text}"),
        }
    }
}

impl Observer for RunSpans {
    fn observe(&mut self, event: &Event) {
        if std::mem::take(&mut self.behind) {
            self.spans.open(&self.run, self.timeline.inside_out(Scope::Run));
        }
        let changes = self.timeline.apply(event);
        self.spans.apply(&self.run, changes);
    }

    /// What was open when the other process ended is opened again, now, with the next event.
    fn catch_up(&mut self, event: &Event) {
        self.behind = true;
        self.timeline.apply(event);
    }
}

impl Drop for RunSpans {
    fn drop(&mut self) {
        let changes = self.timeline.interrupt();
        self.spans.apply(&self.run, changes);
        self.spans.trees().remove(&self.run);
    }
}

impl<E: Executor> Executor for TracedExecutor<E> {
    fn execute(&self, attempt: Attempt) -> BoxFuture<'static, Outcome> {
        let work = match attempt.task {
            Task::Execute => Work::Execute,
            Task::LookUp => Work::LookUp,
            Task::Undo(_) => Work::Undo,
        };
        let number = if work == Work::LookUp { 0 } else { attempt.context.attempt() };
        let scope = Scope::Attempt(attempt.unit, work, number);
        let span = self.spans.trees().get_mut(attempt.context.run_id()).map(|tree| tree.span(scope));
        let future = self.inner.execute(attempt);
        match span {
            Some(span) => Box::pin(future.instrument(span)),
            None => future,
        }
    }
}

impl Tree {
    /// The span of something, opened with all that it belongs to if it isn't yet.
    fn span(&mut self, scope: Scope) -> Span {
        if let Some(span) = self.open.get(&scope) {
            return span.clone();
        }
        let above = match scope.parent() {
            Some(parent) => self.span(parent),
            None => self.above.clone(),
        };
        let span = self.opened(scope, above.id());
        self.open.insert(scope, span.clone());
        span
    }

    fn opened(&self, scope: Scope, parent: Option<tracing::Id>) -> Span {
        let (run, workflow) = (&*self.run, self.plan.workflow_name());
        let step = scope.unit().map(|unit| unit.id(&self.plan)).unwrap_or_default();
        let handler = scope.unit().map(|unit| self.plan[unit.step].handler().name()).unwrap_or_default();
        match scope {
            Scope::Run => {
                info_span!(target: "vwmp", parent: parent, "run", run, workflow, status = Empty, error = Empty)
            }
            Scope::Step(_) => {
                info_span!(target: "vwmp", parent: parent, "step", run, step, handler, status = Empty, error = Empty)
            }
            Scope::Undo(_) => {
                info_span!(target: "vwmp", parent: parent, "undo", run, step, handler, status = Empty, error = Empty)
            }
            Scope::Attempt(_, work, attempt) => {
                let work = match work {
                    Work::Execute => "execute",
                    Work::LookUp => "look_up",
                    Work::Undo => "undo",
                };
                info_span!(
                    target: "vwmp", parent: parent, "attempt",
                    run, step, handler, work, attempt, status = Empty, error = Empty
                )
            }
        }
    }
}
