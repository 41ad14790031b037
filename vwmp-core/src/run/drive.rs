//! The loop of a run: decide, record, apply, do. Nothing is done or shown before it is recorded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use vwmp_interfaces::context::{AttemptScope, RunScope};
use vwmp_interfaces::{CancellationToken, Clock, StepContext, Timestamp};

use super::decide::{decide, next_wakeup};
use super::event::{Event, EventKind, Interruption, Outcome};
use super::ports::{Attempt, Executor, Journal, JournalError, Limits};
use super::report::Report;
use super::session::Session;
use super::state::RunState;
use super::view::View;
use crate::plan::{Plan, StepIndex};

/// How often attempts are looked after that should have ended by themselves.
const WATCH_EVERY: Duration = Duration::from_millis(250);

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
    watchers: mpsc::UnboundedSender<Arc<[Event]>>,
    orders: mpsc::UnboundedReceiver<Order>,
    attempts: JoinSet<Finished>,
    live: HashMap<StepIndex, Live>,
    watch: Interval,
    deadline: Option<Timestamp>,
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
            watchers: parts.watchers,
            orders: parts.orders,
            attempts: JoinSet::new(),
            live: HashMap::new(),
            watch,
            deadline: None,
            next_seq: 0,
        }
    }

    /// Runs to the end. What happened before the first decision comes in as `first`.
    pub(super) async fn run(mut self, first: Vec<EventKind>) -> Result<RunState, JournalError> {
        self.record(first).await?;
        self.deadline = self.plan.timeout.map(|limit| self.clock.now().after(limit));
        let mut decided = Vec::new();
        loop {
            loop {
                decide(&self.plan, &self.state, &self.view, self.clock.now(), &mut decided);
                if decided.is_empty() {
                    break;
                }
                self.record(std::mem::take(&mut decided)).await?;
            }
            if self.state.ended().is_some() {
                return Ok(self.state);
            }
            let news = self.next_news().await;
            self.take_in(news).await?;
        }
    }

    /// Record, apply, do.
    async fn record(&mut self, kinds: Vec<EventKind>) -> Result<(), JournalError> {
        let at = self.clock.now();
        let seq = self.next_seq;
        self.next_seq += kinds.len() as u64;
        let numbered = kinds.into_iter().zip(seq..);
        let events: Vec<Event> = numbered.map(|(kind, seq)| Event { seq, at, kind }).collect();
        self.journal.append(&events).await?;
        for event in &events {
            self.state.apply(&self.plan, event);
        }
        for event in &events {
            self.act(&event.kind);
        }
        if !self.watchers.is_closed() {
            // Nobody listening any more is no reason to stop.
            let _ = self.watchers.send(events.into());
        }
        Ok(())
    }

    fn act(&mut self, kind: &EventKind) {
        match kind {
            EventKind::AttemptStarted { step, attempt } => self.start(*step, *attempt),
            EventKind::CancelRequested { .. } => self.ask_all_to_stop(),
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
            planned: Vec::new(),
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
            Some(joined) = self.attempts.join_next() => match joined {
                Ok(finished) => News::Finished(finished),
                // Only an attempt that was left behind is aborted; it has been told of already.
                Err(_) => News::Watch,
            },
            () = due => News::Due,
            _ = self.watch.tick() => News::Watch,
        }
    }

    /// Ends when a delayed attempt or the end of the run's own time is due.
    fn wait_until_due(&self) -> impl Future<Output = ()> + use<> {
        let stopping = self.state.stopping().is_some();
        let deadline = self.deadline.filter(|_| !stopping);
        let due = [next_wakeup(&self.state), deadline].into_iter().flatten().min();
        // A delayed step may be due already and wait for a place only.
        let wait = due.map(|due| due.since(self.clock.now())).filter(|wait| !wait.is_zero());
        async move {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn take_in(&mut self, news: News) -> Result<(), JournalError> {
        match news {
            News::Finished(first) => self.take_finished(first).await,
            News::Order(Order::Cancel(reason)) => {
                self.record(vec![EventKind::CancelRequested { reason }]).await
            }
            News::Order(Order::Kill) => self.kill().await,
            News::Watch => self.leave_behind_the_deaf().await,
            News::Due => self.stop_when_out_of_time().await,
        }
    }

    async fn take_finished(&mut self, first: Finished) -> Result<(), JournalError> {
        let mut events = Vec::new();
        let mut next = Some(first);
        while let Some((step, attempt, outcome)) = next {
            // One that was left behind has been told of already.
            if self.live.get(&step).is_some_and(|live| live.attempt == attempt) {
                self.live.remove(&step);
                events.push(EventKind::AttemptFinished { step, attempt, outcome });
            }
            next = self.attempts.try_join_next().and_then(Result::ok);
        }
        self.record(events).await
    }

    async fn stop_when_out_of_time(&mut self) -> Result<(), JournalError> {
        let over = self.deadline.is_some_and(|deadline| self.clock.now() >= deadline);
        if !over || self.state.stopping().is_some() {
            return Ok(());
        }
        let limit = self.plan.timeout.unwrap_or_default();
        let reason = format!("the workflow took longer than its timeout of {} s", limit.as_secs_f64());
        self.record(vec![EventKind::CancelRequested { reason: reason.into() }]).await
    }

    fn ask_all_to_stop(&mut self) {
        for live in self.live.values_mut() {
            live.cancel.cancel();
            live.asked.get_or_insert_with(Instant::now);
        }
    }

    /// An attempt that blocks its thread can't even be timed out from within its own task.
    async fn leave_behind_the_deaf(&mut self) -> Result<(), JournalError> {
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
        self.leave_behind(deaf).await
    }

    async fn kill(&mut self) -> Result<(), JournalError> {
        if self.state.cancel_reason().is_none() {
            self.record(vec![EventKind::CancelRequested { reason: "killed".into() }]).await?;
        }
        let all = self.live.keys().map(|&step| (step, false)).collect();
        self.leave_behind(all).await
    }

    async fn leave_behind(&mut self, mut steps: Vec<(StepIndex, bool)>) -> Result<(), JournalError> {
        steps.sort_unstable();
        let mut events = Vec::new();
        for (step, late) in steps {
            let Some(live) = self.live.remove(&step) else { continue };
            live.task.abort();
            let how = Interruption { after: live.began.elapsed(), abandoned: true };
            let outcome = if late { Outcome::TimedOut(how) } else { Outcome::Cancelled(how) };
            events.push(EventKind::AttemptFinished { step, attempt: live.attempt, outcome });
        }
        self.record(events).await
    }
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
        Ok(Report::new(self.plan, result?, log, warnings))
    }
}
