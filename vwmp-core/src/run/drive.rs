//! The loop of a run: decide, apply, record, do. Nothing is done or shown before it is recorded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use vwmp_interfaces::context::{AttemptScope, RunScope};
use vwmp_interfaces::{CancellationToken, Change, Clock, StepContext, Timestamp};

use super::attempt::message_of;
use super::decide::{decide, next_wakeup};
use super::event::{Event, EventKind, Failure, Interruption, Outcome};
use super::mask::MaskedSink;
use super::ports::{Attempt, Executor, Journal, JournalError, Limits};
use super::report::Report;
use super::session::Session;
use super::state::RunState;
use super::view::View;
use crate::plan::{Plan, StepIndex};

/// How often attempts are looked after that should have ended by themselves.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// How many events are recorded at once, about.
const BATCH: usize = 4096;

/// Everything that drives one run.
pub(super) struct Drive {
    plan: Arc<Plan>,
    state: RunState,
    view: View,
    journal: Box<dyn Journal>,
    executor: Arc<dyn Executor>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    scope: Arc<RunScope>,
    log: Arc<MaskedSink>,
    watchers: mpsc::UnboundedSender<Arc<[Event]>>,
    orders: mpsc::UnboundedReceiver<Order>,
    attempts: JoinSet<Finished>,
    live: HashMap<StepIndex, Live>,
    /// Nothing: only previews have it. Shared by all attempts.
    planned: Arc<Vec<Change>>,
    watch: Interval,
    deadline: Option<Timestamp>,
    /// The time of the last news: what follows from it happened then.
    now: Timestamp,
    /// Taken into the state, but not recorded yet.
    fresh: Vec<Event>,
    /// Room for decisions, kept to be used again.
    decided: Vec<EventKind>,
    next_seq: u64,
}

/// What a run can be told from outside.
pub(super) enum Order {
    /// Stop with grace.
    Cancel(Arc<str>),
    /// Stop now.
    Kill,
}

/// What [`Drive::new`] needs beside the session.
pub(super) struct Parts {
    pub(super) journal: Box<dyn Journal>,
    pub(super) executor: Arc<dyn Executor>,
    pub(super) limits: Limits,
    pub(super) watchers: mpsc::UnboundedSender<Arc<[Event]>>,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
}

/// An attempt that is under way.
struct Live {
    attempt: u32,
    began: Instant,
    cancel: CancellationToken,
    /// When it was asked to stop, by the run.
    asked: Option<Instant>,
    task: tokio::task::AbortHandle,
}

type Finished = (StepIndex, u32, Outcome);

/// What the loop woke up for.
enum News {
    Order(Order),
    Finished(Finished),
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
            journal: parts.journal,
            executor: parts.executor,
            limits: parts.limits,
            scope,
            log: Arc::clone(&session.log),
            watchers: parts.watchers,
            orders: parts.orders,
            attempts: JoinSet::new(),
            live: HashMap::new(),
            planned: Arc::default(),
            watch,
            deadline: None,
            now: session.clock.now(),
            fresh: Vec::new(),
            decided: Vec::new(),
            next_seq: 0,
        }
    }

    /// Runs to the end. What happened before the first decision comes in as `first`.
    pub(super) async fn run(mut self, first: Vec<EventKind>) -> Result<RunState, JournalError> {
        self.deadline = self.plan.timeout.map(|limit| self.now.after(limit));
        self.take_in(first);
        // Who cancelled while things were opened wants no step to start.
        while let Ok(order) = self.orders.try_recv() {
            let events = self.events_of(News::Order(order));
            self.take_in(events);
        }
        loop {
            while self.decide_more() {
                if self.fresh.len() >= BATCH {
                    self.record_and_do().await?;
                }
            }
            self.record_and_do().await?;
            if self.state.ended().is_some() {
                return Ok(self.state);
            }
            let news = self.next_news().await;
            self.now = self.clock.now();
            let events = self.events_of(news);
            self.take_in(events);
        }
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
            self.view.secrets.mask(&mut kind);
            let event = Event { seq: self.next_seq, at: self.now, kind };
            self.next_seq += 1;
            self.state.apply(&self.plan, &event);
            self.fresh.push(event);
        }
    }

    /// Records what is fresh, and only then acts on it and shows it.
    async fn record_and_do(&mut self) -> Result<(), JournalError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        self.journal.append(&self.fresh).await?;
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

    fn act(&mut self, kind: &EventKind) {
        match kind {
            EventKind::AttemptStarted { step, attempt } => self.start(*step, *attempt),
            EventKind::CancelRequested { .. } | EventKind::RunAborted { .. } => self.ask_all_to_stop(),
            _ => {}
        }
    }

    fn start(&mut self, step: StepIndex, attempt: u32) {
        let planned = &self.plan[step];
        let cancel = CancellationToken::new();
        let scope = AttemptScope {
            step_id: Arc::clone(&planned.id),
            step_name: Arc::clone(planned.name.as_ref().unwrap_or(&planned.id)),
            attempt,
            adapters: Arc::clone(&planned.policy.adapters),
            cancelled: cancel.clone(),
            planned: Arc::clone(&self.planned),
        };
        let work = self.executor.execute(Attempt {
            plan: Arc::clone(&self.plan),
            step,
            context: StepContext::new(Arc::clone(&self.scope), scope),
            view: View { attempt, ..self.view.clone() },
            limits: self.limits,
        });
        let task = self.attempts.spawn(async move { (step, attempt, work.await) });
        self.live.insert(step, Live { attempt, began: Instant::now(), cancel, asked: None, task });
    }

    /// The only place that waits.
    async fn next_news(&mut self) -> News {
        let due = self.wait_until_due();
        tokio::select! {
            biased;
            Some(order) = self.orders.recv() => News::Order(order),
            // One that was left behind has been told of already.
            Some(joined) = self.attempts.join_next() => {
                end_of(&self.live, joined).map_or(News::Watch, News::Finished)
            }
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
            News::Order(Order::Cancel(reason)) => vec![EventKind::CancelRequested { reason }],
            News::Order(Order::Kill) => self.kill(),
            News::Watch => self.leave_behind_the_deaf(),
            News::Due => self.out_of_time(),
        }
    }

    fn finished(&mut self, first: Finished) -> Vec<EventKind> {
        let mut events = Vec::new();
        let mut next = Some(first);
        while let Some((step, attempt, outcome)) = next {
            // One that was left behind has been told of already.
            if self.live.get(&step).is_some_and(|live| live.attempt == attempt) {
                self.live.remove(&step);
                self.log.finish(&self.plan[step].id);
                events.push(EventKind::AttemptFinished { step, attempt, outcome, masked: false });
            }
            next = self.attempts.try_join_next().and_then(|joined| end_of(&self.live, joined));
        }
        events
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

    fn ask_all_to_stop(&mut self) {
        for live in self.live.values_mut() {
            live.cancel.cancel();
            live.asked.get_or_insert_with(Instant::now);
        }
    }

    /// An attempt that blocks its thread can't even be timed out from within its own task.
    fn leave_behind_the_deaf(&mut self) -> Vec<EventKind> {
        let patience = self.limits.grace + 2 * WATCH_EVERY;
        let now = Instant::now();
        let deaf: Vec<(StepIndex, bool)> = self
            .live
            .iter()
            .filter_map(|(&step, live)| {
                let limit = self.plan[step].policy.timeout;
                let late = limit.is_some_and(|limit| now > live.began + limit + patience);
                let ignored = live.asked.is_some_and(|asked| now > asked + patience);
                (late || ignored).then_some((step, late && !ignored))
            })
            .collect();
        self.leave_behind(deaf)
    }

    fn kill(&mut self) -> Vec<EventKind> {
        let mut events = vec![EventKind::KillRequested];
        let all = self.live.keys().map(|&step| (step, false)).collect();
        events.extend(self.leave_behind(all));
        events
    }

    fn leave_behind(&mut self, mut steps: Vec<(StepIndex, bool)>) -> Vec<EventKind> {
        steps.sort_unstable();
        let left = steps.into_iter().filter_map(|(step, late)| {
            let live = self.live.remove(&step)?;
            live.task.abort();
            self.log.finish(&self.plan[step].id);
            let limit = self.plan[step].policy.timeout.filter(|_| late);
            let after = limit.unwrap_or_else(|| live.began.elapsed());
            let how = Box::new(Interruption { after, abandoned: true });
            let outcome = if late { Outcome::TimedOut(how) } else { Outcome::Cancelled(how) };
            Some(EventKind::AttemptFinished { step, attempt: live.attempt, outcome, masked: false })
        });
        left.collect()
    }
}

/// How an attempt ended; nothing about one that was aborted. A handler's panic is an outcome: one
/// that comes this far is the executor's own, and must not leave its step waiting for ever.
fn end_of(live: &HashMap<StepIndex, Live>, joined: Result<Finished, JoinError>) -> Option<Finished> {
    let error = match joined {
        Ok(finished) => return Some(finished),
        Err(error) => error,
    };
    let (&step, attempt) = live.iter().find(|(_, live)| live.task.id() == error.id())?;
    let panic = error.try_into_panic().ok()?;
    let failure = Failure::permanent(message_of(&*panic));
    Some((step, attempt.attempt, Outcome::Panicked(Box::new(failure))))
}

impl Session {
    /// Drives the run and closes what was opened, whatever happened.
    pub(super) async fn run(
        self,
        parts: Parts,
        log: Arc<dyn super::ports::LogStore>,
    ) -> Result<Report, JournalError> {
        let state = RunState::with_board(&self.plan, Arc::clone(&self.view.board));
        let opened = self.open().await;
        let mut first = vec![EventKind::RunStarted { run_id: Arc::clone(&self.view.run_id) }];
        first.extend(opened.failure.map(|failure| EventKind::RunAborted { failure: Box::new(failure) }));
        let result = Drive::new(&self, opened.scope, state, parts).run(first).await;
        let warnings = self.close(opened.adapters).await;
        Ok(Report::new(self.plan, result?, log, warnings, &self.view.secrets.masker()))
    }
}
