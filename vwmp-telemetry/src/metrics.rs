//! Figures of runs for Prometheus. Labels have few values: workflows, handlers, and words of the engine.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit as Of};
use vwmp_core::plan::Plan;
use vwmp_core::run::{Event, EventKind, Outcome, Unit};
use vwmp_interfaces::Wait;

use crate::timeline::{Change, End, Opened, Scope, Timeline, Work};
use crate::{Observer, textfile};

/// The figures of all runs that one program watches. Clones are the same figures.
#[derive(Clone)]
pub struct Metrics(Arc<Figures>);

/// Keeps the figures of one run. What it shows as under way ends when this is dropped.
pub struct RunMetrics {
    figures: Arc<Figures>,
    plan: Arc<Plan>,
    timeline: Timeline,
    /// What each step waits for; under `None` the run itself.
    waiting: HashMap<Option<Unit>, &'static str>,
}

type Labels<const N: usize> = [(&'static str, String); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
type Durations = Family<Labels<1>, Histogram, fn() -> Histogram>;

struct Figures {
    registry: Registry,
    runs: Counters<2>,
    run_durations: Durations,
    run_ends: Gauges<2>,
    runs_active: Gauges<1>,
    steps: Counters<2>,
    step_durations: Durations,
    items: Counters<2>,
    attempts: Counters<2>,
    attempt_durations: Durations,
    retries: Counters<1>,
    cache_hits: Counters<1>,
    running: Gauges<1>,
    waiting: Gauges<1>,
    undone: Counters<2>,
    undo_attempts: Counters<2>,
}

impl Metrics {
    /// What [`Metrics::render`] gives, as HTTP names it.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Figures that are all nought.
    pub fn new() -> Self {
        Self(Arc::new(Figures::registered()))
    }

    /// An observer for one run of a plan.
    pub fn of_run(&self, plan: Arc<Plan>) -> RunMetrics {
        let figures = Arc::clone(&self.0);
        RunMetrics { figures, plan, timeline: Timeline::default(), waiting: HashMap::new() }
    }

    /// The figures as OpenMetrics text, for an endpoint that Prometheus reads.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a string doesn't fail.
        let _ = text::encode(&mut text, &self.0.registry);
        text
    }

    /// Writes the figures into a file for the textfile collector of Prometheus's node exporter, which reads files
    /// named `*.prom`. A reader never sees half of it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_to(&self, path: impl AsRef<Path>) -> io::Result<()> {
        textfile::replace(path.as_ref(), &textfile::without_openmetrics(&self.render()))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for RunMetrics {
    fn observe(&mut self, event: &Event) {
        for change in self.timeline.apply(event) {
            self.show(&change);
            self.count(&change);
        }
        self.follow_waits(&event.kind);
        self.count_kind(&event.kind);
    }

    fn catch_up(&mut self, event: &Event) {
        for change in self.timeline.apply(event) {
            self.show(&change);
        }
        self.follow_waits(&event.kind);
    }
}

impl Drop for RunMetrics {
    fn drop(&mut self) {
        for change in self.timeline.interrupt() {
            self.show(&change);
        }
        self.stop_waiting();
    }
}

impl RunMetrics {
    /// What is under way now.
    fn show(&self, change: &Change) {
        let (scope, by) = match change {
            Change::Opened(scope, _) => (scope, 1),
            Change::Closed(scope, ..) => (scope, -1),
        };
        match scope {
            Scope::Run => _ = self.figures.runs_active.get_or_create(&self.workflow()).inc_by(by),
            Scope::Attempt(unit, Work::Execute, _) => {
                self.figures.running.get_or_create(&self.handler(*unit)).inc_by(by);
            }
            _ => {}
        }
    }

    /// What has ended.
    fn count(&self, change: &Change) {
        let Change::Closed(scope, opened, _, end) = change else { return };
        let figures = &*self.figures;
        match *scope {
            Scope::Run => self.count_run(*opened, end),
            Scope::Step(unit) if unit.item().is_some() => {
                self.add(&figures.items, unit, "status", end.status);
            }
            Scope::Step(unit) => {
                self.add(&figures.steps, unit, "status", end.status);
                if !["skipped", "reused"].contains(&end.status) {
                    self.time(&figures.step_durations, unit, end.at.since(opened.at));
                }
            }
            Scope::Undo(unit) => self.add(&figures.undone, unit, "result", end.status),
            Scope::Attempt(unit, Work::Execute, _) => {
                self.add(&figures.attempts, unit, "outcome", end.status);
                // A lost one "ended" when another process came to know of it.
                if end.status != "lost" {
                    self.time(&figures.attempt_durations, unit, end.at.since(opened.at));
                }
            }
            Scope::Attempt(unit, Work::Undo, _) => {
                self.add(&figures.undo_attempts, unit, "outcome", end.status);
            }
            Scope::Attempt(_, Work::LookUp, _) => {}
        }
    }

    fn count_run(&self, opened: Opened, end: &End) {
        let [workflow] = self.workflow();
        let labels = [workflow.clone(), ("status", end.status.to_owned())];
        self.figures.runs.get_or_create(&labels).inc();
        let seconds = i64::try_from(end.at.as_micros() / 1_000_000).unwrap_or(i64::MAX);
        self.figures.run_ends.get_or_create(&labels).set(seconds);
        let took = end.at.since(opened.at).as_secs_f64();
        self.figures.run_durations.get_or_create(&[workflow]).observe(took);
    }

    fn count_kind(&self, kind: &EventKind) {
        let figures = &*self.figures;
        match kind {
            EventKind::RetryScheduled { step, .. } => {
                figures.retries.get_or_create(&self.handler(*step)).inc();
            }
            EventKind::AttemptFinished { step, outcome: Outcome::Cached(_), .. } => {
                figures.cache_hits.get_or_create(&self.handler(*step)).inc();
            }
            _ => {}
        }
    }

    fn follow_waits(&mut self, kind: &EventKind) {
        match kind {
            EventKind::AttemptFinished { step, outcome: Outcome::Waiting(wait), .. } => {
                let reason = match **wait {
                    Wait::Approval(_) => "approval",
                    Wait::Until { .. } => "time",
                };
                self.wait(Some(*step), reason);
            }
            EventKind::RetryScheduled { step, .. } => self.wait(Some(*step), "retry"),
            EventKind::LockAwaited { step } => self.wait(step.map(Unit::from), "lock"),
            EventKind::LockAcquired { step } => self.go_on(step.map(Unit::from)),
            EventKind::AttemptStarted { step, .. } | EventKind::StepFinished { step, .. } => {
                self.go_on(Some(*step));
            }
            EventKind::RunFinished { .. } => self.stop_waiting(),
            _ => {}
        }
    }

    fn wait(&mut self, who: Option<Unit>, reason: &'static str) {
        self.go_on(who);
        self.waiting.insert(who, reason);
        self.figures.waiting.get_or_create(&[("for", reason.to_owned())]).inc();
    }

    fn go_on(&mut self, who: Option<Unit>) {
        if let Some(reason) = self.waiting.remove(&who) {
            self.figures.waiting.get_or_create(&[("for", reason.to_owned())]).dec();
        }
    }

    fn stop_waiting(&mut self) {
        let who: Vec<_> = self.waiting.keys().copied().collect();
        who.into_iter().for_each(|who| self.go_on(who));
    }

    fn add(&self, counters: &Counters<2>, unit: Unit, label: &'static str, value: &str) {
        let [handler] = self.handler(unit);
        counters.get_or_create(&[handler, (label, value.to_owned())]).inc();
    }

    fn time(&self, durations: &Durations, unit: Unit, took: Duration) {
        durations.get_or_create(&self.handler(unit)).observe(took.as_secs_f64());
    }

    fn workflow(&self) -> Labels<1> {
        [("workflow", self.plan.workflow_name().to_owned())]
    }

    fn handler(&self, unit: Unit) -> Labels<1> {
        [("handler", self.plan[unit.step].handler().name().to_owned())]
    }
}

impl Figures {
    fn registered() -> Self {
        let mut registry = Registry::with_prefix("vwmp");
        let r = &mut registry;
        Self {
            runs: counted(r, "runs", "Runs that ended"),
            run_durations: timed(r, "run_duration", "From the start of a run to its end", LONG),
            run_ends: last_ends(r),
            runs_active: counted(r, "runs_active", "Runs that are under way"),
            steps: counted(r, "steps", "Steps that ended"),
            step_durations: timed(r, "step_duration", "From a step's start to its end, waits included", LONG),
            items: counted(r, "items", "Items of steps that fan out that ended"),
            attempts: counted(r, "attempts", "Attempts that ended"),
            attempt_durations: timed(r, "attempt_duration", "How long attempts took", SHORT),
            retries: counted(r, "retries", "Attempts that had to follow a failed one"),
            cache_hits: counted(r, "cache_hits", "Attempts that an earlier result stood for"),
            running: counted(r, "attempts_running", "Attempts that are under way"),
            waiting: counted(r, "steps_waiting", "Steps that wait for something"),
            undone: counted(r, "steps_undone", "Steps whose work was to be taken back"),
            undo_attempts: counted(r, "undo_attempts", "Attempts to take work back that ended"),
            registry,
        }
    }
}

fn counted<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn last_ends(registry: &mut Registry) -> Gauges<2> {
    let metric = Gauges::default();
    let help = "When the last run with this status ended, since 1970";
    registry.register_with_unit("run_last_end_timestamp", help, Of::Seconds, metric.clone());
    metric
}

fn timed(registry: &mut Registry, name: &str, help: &str, buckets: fn() -> Histogram) -> Durations {
    let metric = Durations::new_with_constructor(buckets);
    registry.register_with_unit(name, help, Of::Seconds, metric.clone());
    metric
}

/// From a hundredth of a second to an hour.
const SHORT: fn() -> Histogram =
    || Histogram::new([0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0]);

/// From a tenth of a second to a day: runs wait for people.
const LONG: fn() -> Histogram =
    || Histogram::new([0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0]);
