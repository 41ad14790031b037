//! Runs that steps call: kept in the same store, or in memory as long as the calling run lives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vwmp_core::Engine;
use vwmp_core::config::Setting;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::call::{Child, Children};
use vwmp_core::run::memory::{MemoryJournal, MemoryLog};
use vwmp_core::run::{EngineBuilder, Event, EventStream, Report, Resume, Run, RunStatus, Start};
use vwmp_core::workflow::Settings;
use vwmp_core::workflow::record::Again;
use vwmp_interfaces::log::{LogLine, LogSink, Stream};
use vwmp_interfaces::{BoxFuture, StepContext, StepError};
use vwmp_store::orders::Orders;
use vwmp_store::{OwnedRun, Store, StoreError};

use super::approvals::{Nobody, Told};
use super::kept;
use crate::input;
use crate::next::Next;
use crate::recorded::{Begun, Recorded, record};

/// How often a run is looked at that another process drives.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Runs that steps call.
pub(crate) struct ChildRuns {
    registry: Arc<Registry>,
    store: Option<Store>,
    cache: bool,
    /// What people type next about the run that calls.
    next: Next,
    /// What was set for the run that calls, secrets included: called runs read it too.
    sets: Vec<Setting>,
    /// Where there is no store: what was called so far, by key.
    memory: Mutex<HashMap<String, (MemoryJournal, Arc<MemoryLog>)>>,
}

impl ChildRuns {
    pub(crate) fn new(
        registry: Arc<Registry>,
        store: Option<Store>,
        cache: bool,
        next: Next,
        settings: &Settings,
    ) -> Self {
        Self { registry, store, cache, next, sets: settings.sets.clone(), memory: Mutex::default() }
    }

    /// The run with the child's key: what was recorded of it, and the engine to go on with it.
    async fn find(&self, child: &Child, ctx: &StepContext) -> Result<Found, StepError> {
        let engine = Engine::builder(Arc::clone(&self.registry)).caller(Arc::clone(&child.caller));
        let engine = engine.listen(Arc::new(Passed(ctx.log().clone())));
        match &self.store {
            Some(store) => self.in_store(store, engine, child, ctx).await,
            None => Ok(self.in_memory(engine, child)),
        }
    }

    async fn in_store(
        &self,
        store: &Store,
        engine: EngineBuilder,
        child: &Child,
        ctx: &StepContext,
    ) -> Result<Found, StepError> {
        let failed = |error: &dyn std::fmt::Display| StepError::permanent(error.to_string());
        if let Some(id) = store.run_with_key(&child.key).map_err(|error| failed(&error))? {
            let owned = Arc::new(taken(store, &id, ctx).await?);
            let again = self.given_again(store, &id, child)?;
            let mut recorded =
                Recorded::again(store, &id, &self.registry, again).map_err(|error| failed(&error))?;
            if let Some(plan) = Arc::get_mut(&mut recorded.plan) {
                plan.conceal_as(&child.plan);
            }
            let engine = kept(engine, Some(&owned), &recorded.events, self.cache);
            let report = recorded.report(store).map_err(|error| failed(&error))?;
            let events = recorded.events;
            return Ok(Found {
                engine: engine.build(),
                id,
                known: Some((recorded.plan, events, report)),
                owned: Some(owned),
            });
        }
        let begun = Begun {
            workflow: &child.workflow,
            inputs: &child.inputs,
            plan: &child.plan,
            key: Some(&child.key),
            parent: Some(ctx.run_id()),
            partial: false,
        };
        let id = self.new_id();
        let owned = Arc::new(begun.create(store, &id).map_err(|error| failed(&error))?);
        let engine = kept(engine, Some(&owned), &[], self.cache);
        Ok(Found { engine: engine.build(), id, known: None, owned: Some(owned) })
    }

    /// What a called run began with and was not written down. It has it from the run that calls.
    fn given_again(&self, store: &Store, id: &str, child: &Child) -> Result<Again, StepError> {
        let record = record(store, id).map_err(|error| StepError::permanent(error.to_string()))?;
        let secret = |name: &String| record.secret_parameters().contains(name);
        let given = child.inputs.parameters.iter().filter(|(name, _)| secret(name));
        Ok(Again {
            environment: input::environment(),
            parameters: given.map(|(name, given)| (name.clone(), given.clone())).collect(),
            sets: self.sets.clone(),
        })
    }

    /// Tells what the run asks.
    fn told(&self, id: &str, plan: &Arc<Plan>, run: &Run, ctx: &StepContext) -> Told {
        let nobody = self.store.is_none().then(|| Nobody::new(Arc::clone(plan), run.control()));
        Told::new(Arc::clone(plan), ctx.log().clone(), self.next.about(id), nobody)
    }

    fn new_id(&self) -> String {
        Engine::builder(Arc::clone(&self.registry)).build().new_run_id().to_string()
    }

    fn in_memory(&self, engine: EngineBuilder, child: &Child) -> Found {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let (journal, log) = memory.entry(child.key.clone()).or_default().clone();
        drop(memory);
        let events = journal.events();
        let shown: Arc<MemoryLog> = Arc::clone(&log);
        let engine =
            engine.journal(move |_| Box::new(journal.clone())).log_store(move |_| log.clone()).build();
        // What another plan left is not this one's.
        let report = Report::of(Arc::clone(&child.plan), &events, shown).ok().filter(|_| !events.is_empty());
        let id = report.as_ref().map_or_else(|| self.new_id(), |report| report.run_id().to_owned());
        let known = report.map(|report| (Arc::clone(&child.plan), events, report));
        Found { engine, id, known, owned: None }
    }
}

/// A run that is to be carried out, or was begun.
struct Found {
    engine: Engine,
    id: String,
    /// Its plan, what happened in it, and how it went, where it was begun.
    known: Option<(Arc<Plan>, Vec<Event>, Report)>,
    owned: Option<Arc<OwnedRun>>,
}

impl Children for ChildRuns {
    fn run<'a>(&'a self, child: Child, ctx: &'a StepContext) -> BoxFuture<'a, Result<Report, StepError>> {
        Box::pin(async move {
            let found = self.find(&child, ctx).await?;
            let owned = found.owned.as_deref();
            match found.known {
                None => {
                    let orders = orders_for(owned, &[])?;
                    let start = Start::new(found.id.as_str());
                    let run = found.engine.start_with(Arc::clone(&child.plan), start);
                    let told = self.told(&found.id, &child.plan, &run, ctx);
                    finish(run, orders, told, ctx).await
                }
                Some((_, _, report)) if is_over(report.status()) && !starts_again(report.status(), ctx) => {
                    Ok(report)
                }
                Some((plan, events, report)) => {
                    let how = Resume { again: is_over(report.status()), ..Resume::default() };
                    let (run, orders) = again(&found.engine, owned, &plan, &events, how, ctx)?;
                    let told = self.told(&found.id, &plan, &run, ctx);
                    told.left(&report);
                    finish(run, orders, told, ctx).await
                }
            }
        })
    }

    fn undo<'a>(
        &'a self,
        child: Child,
        ctx: &'a StepContext,
    ) -> BoxFuture<'a, Result<Option<Report>, StepError>> {
        Box::pin(async move {
            if let Some(store) = &self.store
                && store
                    .run_with_key(&child.key)
                    .map_err(|error| StepError::permanent(error.to_string()))?
                    .is_none()
            {
                return Ok(None);
            }
            let found = self.find(&child, ctx).await?;
            let Some((plan, events, report)) = found.known else { return Ok(None) };
            if report.status() == RunStatus::RolledBack {
                return Ok(Some(report));
            }
            let reason = format!("step {} of run {} is taken back", ctx.step_id(), ctx.run_id());
            let how = Resume { roll_back: Some(reason), ..Resume::default() };
            let (run, orders) = again(&found.engine, found.owned.as_deref(), &plan, &events, how, ctx)?;
            let told = self.told(&found.id, &plan, &run, ctx);
            finish(run, orders, told, ctx).await.map(Some)
        })
    }
}

fn is_over(status: RunStatus) -> bool {
    !matches!(status, RunStatus::Interrupted | RunStatus::MustContinue)
}

/// Whether a run that was called and went wrong goes on: its caller has ended since, and begins anew with the step.
fn starts_again(status: RunStatus, ctx: &StepContext) -> bool {
    let wrong = matches!(status, RunStatus::Failed | RunStatus::Cancelled | RunStatus::RolledBack);
    wrong && ctx.attempt() == 1
}

/// Goes on with a run, first of all with what was wanted of it in the meantime.
fn again(
    engine: &Engine,
    owned: Option<&OwnedRun>,
    plan: &Arc<Plan>,
    events: &[Event],
    how: Resume,
    ctx: &StepContext,
) -> Result<(Run, Option<Orders>), StepError> {
    let mut orders = orders_for(owned, events)?;
    let left = orders.as_mut().map(Orders::take_left).unwrap_or_default();
    let how = Resume { by: format!("run {}", ctx.run_id()), orders: left, ..how };
    let run = engine.resume(Arc::clone(plan), events, how);
    Ok((run.map_err(|error| StepError::permanent(error.to_string()))?, orders))
}

fn orders_for(owned: Option<&OwnedRun>, so_far: &[Event]) -> Result<Option<Orders>, StepError> {
    let orders = owned.map(|owned| owned.orders(so_far)).transpose();
    orders.map_err(|error| StepError::permanent(error.to_string()))
}

/// The run, as soon as no other process drives it: somebody may be continuing it by itself.
async fn taken(store: &Store, id: &str, ctx: &StepContext) -> Result<OwnedRun, StepError> {
    let mut told = false;
    loop {
        match store.take(id) {
            Err(error @ StoreError::DrivenElsewhere { .. }) if !ctx.cancelled().is_cancelled() => {
                if !std::mem::replace(&mut told, true) {
                    ctx.log().info(format!("waits: {error}"));
                }
            }
            taken => return taken.map_err(|error| StepError::permanent(error.to_string())),
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Waits for the end, and stops the child when its caller is stopped.
async fn finish(
    mut run: Run,
    orders: Option<Orders>,
    mut told: Told,
    ctx: &StepContext,
) -> Result<Report, StepError> {
    let control = run.control();
    let carrying_out = async {
        match orders {
            Some(orders) => orders.carry_out(control.clone()).await,
            None => std::future::pending().await,
        }
    };
    let mut events = run.events();
    let ended = run.finish();
    tokio::pin!(ended, carrying_out);
    let mut stopping = false;
    loop {
        tokio::select! {
            report = &mut ended => return report.map_err(|error| StepError::permanent(error.to_string())),
            () = &mut carrying_out => {}
            batch = next_of(&mut events) => match batch {
                Some(batch) => batch.iter().for_each(|event| told.event(event)),
                None => events = None,
            },
            () = ctx.cancelled().cancelled(), if !stopping => {
                stopping = true;
                control.cancel(&format!("run {}, which called it, was stopping", ctx.run_id()));
            }
        }
    }
}

/// The next events; never, after the last.
async fn next_of(events: &mut Option<EventStream>) -> Option<Arc<[Event]>> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

/// What the steps of a called run say, said by the step that called it.
struct Passed(vwmp_interfaces::log::StepLog);

impl LogSink for Passed {
    fn line(&self, line: LogLine) {
        let text = format!("{}: {}", line.step, line.text);
        match line.stream {
            Stream::Warning => self.0.warn(text),
            _ => self.0.info(text),
        }
    }
}
