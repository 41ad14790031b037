//! The loop of a run: decide, apply, record, do. Nothing is done or shown before it is recorded.

mod live;
mod locks;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use vwmp_interfaces::context::RunScope;
use vwmp_interfaces::{Clock, Effect, Timestamp};

use super::decide::{decide, next_wakeup, starts_to_announce};
use super::event::{Event, EventKind, Failure};
use super::mask::MaskedSink;
use super::order::Order;
use super::ports::{Executor, Journal, JournalError, Limits, Locks, StepCache, Survive};
use super::session::Session;
use super::state::RunState;
use super::unit::Unit;
use super::view::View;
use crate::plan::Plan;

use self::live::{Finished, Live};
use self::locks::{Held, Locked};

/// How often attempts are looked after that should have ended by themselves.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// How many events are recorded at once, about.
const BATCH: usize = 4096;

/// Starts that have to be on the disk, and follow one another within this time, are announced a few at a time.
const QUICK: Duration = Duration::from_millis(100);

/// Everything that drives one run.
pub(super) struct Drive {
    plan: Arc<Plan>,
    state: RunState,
    view: View,
    journal: Box<dyn Journal>,
    executor: Arc<dyn Executor>,
    cache: Option<Arc<dyn StepCache>>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    scope: Arc<RunScope>,
    log: Arc<MaskedSink>,
    watchers: mpsc::UnboundedSender<Arc<[Event]>>,
    orders: mpsc::UnboundedReceiver<Told>,
    attempts: JoinSet<Finished>,
    live: Live,
    locks: Held,
    watch: Interval,
    deadline: Option<Timestamp>,
    /// The time of the last news: what follows from it happened then.
    now: Timestamp,
    /// Taken into the state, but not recorded yet.
    fresh: Vec<Event>,
    /// What that has to survive before it is acted on.
    survive: Survive,
    /// See [`Journal::boot`].
    boot: Option<Arc<str>>,
    /// When something last had to be on the disk.
    synced: Option<Timestamp>,
    /// Room for decisions, kept to be used again.
    decided: Vec<EventKind>,
    next_seq: u64,
}

/// What a run is told from outside.
pub(super) enum Told {
    Order(Order),
    /// Stop now.
    Kill,
}

/// What [`Drive::new`] needs beside the session.
pub(super) struct Parts {
    pub(super) journal: Box<dyn Journal>,
    pub(super) executor: Arc<dyn Executor>,
    pub(super) locks: Arc<dyn Locks>,
    pub(super) cache: Option<Arc<dyn StepCache>>,
    pub(super) limits: Limits,
    pub(super) watchers: mpsc::UnboundedSender<Arc<[Event]>>,
    pub(super) orders: mpsc::UnboundedReceiver<Told>,
    /// What happened so far: it is in the state, but not recorded.
    pub(super) fresh: Vec<Event>,
    /// The number of the next event.
    pub(super) next_seq: u64,
}

/// What the loop woke up for.
enum News {
    Told(Told),
    Finished(Finished),
    Locked(Locked),
    Watch,
    Due,
}

impl Drive {
    pub(super) fn new(session: &Session, scope: Arc<RunScope>, state: RunState, parts: Parts) -> Self {
        let mut watch = tokio::time::interval_at(Instant::now() + WATCH_EVERY, WATCH_EVERY);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            plan: Arc::clone(&session.plan),
            view: session.view.clone(),
            clock: Arc::clone(&session.clock),
            state,
            boot: parts.journal.boot(),
            journal: parts.journal,
            executor: parts.executor,
            cache: parts.cache,
            limits: parts.limits,
            scope,
            log: Arc::clone(&session.log),
            watchers: parts.watchers,
            orders: parts.orders,
            attempts: JoinSet::new(),
            live: Live::default(),
            locks: Held::new(parts.locks),
            watch,
            deadline: None,
            now: session.clock.now(),
            fresh: parts.fresh,
            survive: Survive::Crash,
            synced: None,
            decided: Vec::new(),
            next_seq: parts.next_seq,
        }
    }

    /// Runs to the end, or to where the run has to be left: it needs an answer, or another process. What happened
    /// before the first decision comes in as `first`.
    pub(super) async fn run(mut self, first: Vec<EventKind>) -> Result<RunState, JournalError> {
        self.deadline = self.plan.timeout.map(|limit| self.now.after(limit));
        self.end_what_died();
        self.take_in(first);
        // Who cancelled while things were opened wants no step to start.
        while let Ok(order) = self.orders.try_recv() {
            let events = self.events_of(News::Told(order));
            self.take_in(events);
        }
        loop {
            while self.decide_more() {
                if self.fresh.len() >= BATCH {
                    self.record_and_do().await?;
                }
            }
            self.record_and_do().await?;
            if self.is_over() {
                return Ok(self.state);
            }
            let news = self.next_news().await;
            self.now = self.clock.now();
            let events = self.events_of(news);
            self.take_in(events);
        }
    }

    fn is_over(&self) -> bool {
        let asks = !self.state.questions().is_empty() && self.live.is_empty();
        self.state.ended().is_some() || asks || self.state.must_be_left(&self.plan)
    }

    /// Decides what follows from what happened so far; says whether anything does.
    fn decide_more(&mut self) -> bool {
        let mut decided = std::mem::take(&mut self.decided);
        decide(&self.plan, &self.state, &self.view, self.now, &mut decided);
        let more = !decided.is_empty();
        self.take_in(decided.drain(..));
        self.decided = decided;
        more
    }

    /// Adds events to the state, and to what is to be recorded. No secret gets any further.
    fn take_in(&mut self, kinds: impl IntoIterator<Item = EventKind>) {
        for mut kind in kinds {
            self.view.run.secrets.mask(&mut kind);
            let event = Event { seq: self.next_seq, at: self.now, kind };
            self.next_seq += 1;
            self.survive = self.survive.max(self.must_survive(&event.kind));
            self.state.apply(&self.plan, &event);
            if let EventKind::StepFinished { step, .. } = event.kind {
                self.keep_masked_items(step);
            }
            self.fresh.push(event);
        }
    }

    /// Later steps read the outputs of items as they were, secrets included.
    fn keep_masked_items(&self, unit: Unit) {
        if unit.item().is_some() || !self.state.fan_is_masked(unit.step) {
            return;
        }
        let count = self.state.items(unit.step).map_or(0, <[_]>::len) as u32;
        let outputs: Option<Vec<Value>> = (0..count)
            .map(|item| {
                let unit = Unit::item_of(unit.step, item);
                let kept = self.view.run.secrets.output(unit);
                kept.or_else(|| self.state.plain_item_output(unit).cloned())
                    .map(|output| Value::clone(&output))
            })
            .collect();
        if let Some(outputs) = outputs {
            self.view.run.secrets.keep_output(unit, Arc::new(Value::Array(outputs)));
        }
    }

    /// Records what is fresh, and only then acts on it and shows it.
    async fn record_and_do(&mut self) -> Result<(), JournalError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        if self.survive == Survive::PowerCut {
            self.announce();
        }
        let survive = std::mem::replace(&mut self.survive, Survive::Crash);
        self.journal.append(&self.fresh, survive).await?;
        let mut events = std::mem::take(&mut self.fresh);
        for event in &events {
            self.act(&event.kind);
        }
        if self.watchers.is_closed() {
            events.clear();
            self.fresh = events;
        } else {
            // Nobody listening any more is no reason to stop.
            let _ = self.watchers.send(events.into());
        }
        Ok(())
    }

    /// What must not be repeated has to be known to have begun, whatever happens next.
    fn must_survive(&self, kind: &EventKind) -> Survive {
        match kind {
            EventKind::AttemptStarted { step, .. }
                if self.plan[step.step].handler.effect() == Effect::Once
                    && !self.state.is_announced(*step, self.boot.as_deref()) =>
            {
                Survive::PowerCut
            }
            _ => Survive::Crash,
        }
    }

    /// Lets the coming wait for the disk serve the next starts as well, where they come quickly.
    fn announce(&mut self) {
        let before = self.synced.replace(self.now);
        let quick = before.is_some_and(|before| self.now.since(before) < QUICK);
        let Some(boot) = self.boot.clone().filter(|_| quick) else { return };
        let steps = starts_to_announce(&self.plan, &self.state, &self.view);
        if !steps.is_empty() {
            self.take_in([EventKind::StartsAnnounced { steps: steps.into(), boot }]);
        }
    }

    fn act(&mut self, kind: &EventKind) {
        match kind {
            EventKind::AttemptStarted { step, attempt } => self.execute(*step, *attempt),
            EventKind::LookupStarted { step } => self.look_up(*step),
            EventKind::UndoStarted { step, attempt } => self.undo(*step, *attempt),
            EventKind::LockAwaited { step } => self.locks.await_lock(*step, &self.plan),
            EventKind::StepFinished { step, .. } if step.item().is_none() => self.locks.release(step.step),
            EventKind::StepUndone { step, .. } => self.locks.release(step.step),
            EventKind::CancelRequested { .. } | EventKind::RunAborted { .. } => self.live.ask_all_to_stop(),
            _ => {}
        }
    }

    /// The only place that waits.
    async fn next_news(&mut self) -> News {
        let due = self.wait_until_due();
        tokio::select! {
            biased;
            Some(told) = self.orders.recv() => News::Told(told),
            // One that was left behind has been told of already.
            Some(joined) = self.attempts.join_next() => {
                self.live.end_of(joined).map_or(News::Watch, News::Finished)
            }
            Some(locked) = self.locks.next() => News::Locked(locked),
            () = due => News::Due,
            _ = self.watch.tick() => News::Watch,
        }
    }

    /// Ends when a delayed attempt or the end of the run's own time is due.
    fn wait_until_due(&self) -> impl Future<Output = ()> + use<> {
        let stopping = self.state.stopping().is_some();
        let deadline = self.deadline.filter(|_| !stopping);
        // A delayed step that was due at the last decision waits for a place only.
        let delayed = next_wakeup(&self.state).filter(|due| *due > self.now);
        let wait = [delayed, deadline].into_iter().flatten().min().map(|due| due.since(self.clock.now()));
        async move {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }

    fn events_of(&mut self, news: News) -> Vec<EventKind> {
        match news {
            News::Finished(first) => self.finished(first),
            News::Locked(locked) => self.locks.take(locked),
            News::Told(Told::Order(order)) => order.event(&self.plan).into_iter().collect(),
            News::Told(Told::Kill) => self.kill(),
            News::Watch => self.leave_behind_the_deaf(),
            News::Due => self.out_of_time(),
        }
    }

    fn out_of_time(&self) -> Vec<EventKind> {
        let over = self.deadline.is_some_and(|deadline| self.now >= deadline);
        if !over || self.state.stopping().is_some() {
            return Vec::new();
        }
        let limit = self.plan.timeout.unwrap_or_default();
        let reason = format!("the workflow took longer than its timeout of {} s", limit.as_secs_f64());
        vec![EventKind::RunAborted { failure: Box::new(Failure::permanent(reason)) }]
    }
}
