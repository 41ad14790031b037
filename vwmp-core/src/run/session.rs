//! What is opened before the first step of a run and closed after the last.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use vwmp_interfaces::adapter::{AdapterContext, Adapters, Capabilities};
use vwmp_interfaces::capability::SecretSource;
use vwmp_interfaces::context::{Call, Caller, Keepsakes, RunScope};
use vwmp_interfaces::erased::OpenAdapter;
use vwmp_interfaces::workflow_type::WorkflowContext;
use vwmp_interfaces::{BoxFuture, CancellationToken, Clock, Secret, StepContext, StepError};

use super::attempt::caught;
use super::drive::{Drive, Parts};
use super::event::{EventKind, Failure};
use super::mask::MaskedSink;
use super::ports::{JournalError, LogStore};
use super::report::Report;
use super::secrets::{Secrets, Source};
use super::state::RunState;
use super::view::View;
use crate::plan::{Plan, PlannedAdapter};

/// How long opening or closing one adapter may take, and the workflow type to prepare and to clean up.
const PATIENCE: Duration = Duration::from_secs(30);

/// One run, before it is driven.
pub(super) struct Session {
    pub(super) plan: Arc<Plan>,
    pub(super) view: View,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: Arc<MaskedSink>,
    pub(super) keepsakes: Arc<dyn Keepsakes>,
    pub(super) caller: Option<Arc<dyn Caller>>,
    /// Fires when the run is dropped or cancelled before its first step.
    pub(super) cancelled: CancellationToken,
}

/// What [`Session::open`] opened.
pub(super) struct Opened {
    pub(super) scope: Arc<RunScope>,
    pub(super) adapters: Vec<(String, Arc<dyn OpenAdapter>)>,
    /// Why the run can't go on.
    pub(super) failure: Option<Failure>,
}

impl Session {
    /// Opens the adapters and lets the workflow type prepare. An adapter that can't be opened
    /// fails the steps that need it, and only those.
    pub(super) async fn open(&self) -> Opened {
        let mut open = Vec::new();
        let mut adapters = Adapters::default();
        for planned in &self.plan.adapters {
            match self.connect(planned).await {
                Ok(adapter) => {
                    adapters.insert(&planned.instance, self.capabilities(&adapter));
                    open.push((planned.instance.clone(), adapter));
                }
                Err(failure) => {
                    adapters.insert_broken(&planned.instance, planned.adapter.serves(), failure.line());
                }
            }
        }
        self.open_secret_sources(&mut open).await;
        Opened { scope: Arc::new(self.scope(adapters)), adapters: open, failure: self.initialize().await }
    }

    /// What an adapter serves. A source of secrets is watched, so that they are masked.
    fn capabilities(&self, adapter: &Arc<dyn OpenAdapter>) -> Capabilities {
        let mut capabilities = Capabilities::default();
        Arc::clone(adapter).offer(&mut capabilities);
        if let Some(source) = capabilities.get::<dyn SecretSource>() {
            capabilities.insert(self.view.run.secrets.watched(source));
        }
        capabilities
    }

    async fn open_secret_sources(&self, open: &mut Vec<(String, Arc<dyn OpenAdapter>)>) {
        let mut sources = Vec::new();
        for planned in &self.plan.secret_sources {
            let instance = planned.instance.clone();
            let connected = self.connect(planned).await.and_then(|adapter| {
                let source = self.capabilities(&adapter).get::<dyn SecretSource>();
                open.push((instance.clone(), adapter));
                source.ok_or_else(|| {
                    Failure::permanent("it serves no SecretSource although it says so, which is a bug in it")
                })
            });
            sources.push(Source { instance, open: connected });
        }
        self.view.run.secrets.connect(sources);
    }

    async fn connect(&self, planned: &PlannedAdapter) -> Result<Arc<dyn OpenAdapter>, Failure> {
        let ctx = AdapterContext {
            instance: planned.instance.clone(),
            workspace: Arc::clone(&self.plan.workspace),
            environment: Arc::clone(&self.plan.environment),
            cancelled: self.cancelled.clone(),
            clock: Arc::clone(&self.clock),
        };
        let connecting = caught(planned.adapter.connect(planned.config.clone(), &ctx));
        match tokio::time::timeout(PATIENCE, connecting).await {
            Ok(Ok(Ok(adapter))) => Ok(adapter),
            Ok(Ok(Err(error))) => Err(Failure::from(&error)),
            Ok(Err(panic)) => Err(Failure::permanent(format!("it panicked: {panic}"))),
            Err(_) => Err(Failure::permanent(format!("no connection after {} s", PATIENCE.as_secs()))),
        }
    }

    async fn initialize(&self) -> Option<Failure> {
        let plugin = self.plan.workflow_type.as_ref()?;
        let failed = |what: String| Failure::permanent(format!("the workflow type {} {what}", plugin.name()));
        let context = self.workflow_context();
        match tokio::time::timeout(PATIENCE, caught(plugin.initialize(&context))).await {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(error))) => {
                let failure = Failure::from(&error);
                Some(Failure { message: failed(format!("refused the run: {error}")).message, ..failure })
            }
            Ok(Err(panic)) => Some(failed(format!("panicked at the start: {panic}"))),
            Err(_) => Some(failed(format!("was not ready after {} s", PATIENCE.as_secs()))),
        }
    }

    /// Closes everything; what goes wrong is a warning, since the work is done.
    pub(super) async fn close(&self, adapters: Vec<(String, Arc<dyn OpenAdapter>)>) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(plugin) = &self.plan.workflow_type {
            let name = plugin.name();
            match tokio::time::timeout(PATIENCE, caught(plugin.cleanup(&self.workflow_context()))).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => warnings.push(format!("cleaning up after {name}: {error}")),
                Ok(Err(panic)) => warnings.push(format!("{name} panicked while cleaning up: {panic}")),
                Err(_) => warnings.push(format!("{name} was not cleaned up after {} s", PATIENCE.as_secs())),
            }
        }
        for (instance, adapter) in adapters {
            match tokio::time::timeout(PATIENCE, caught(adapter.close())).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => warnings.push(format!("closing adapter {instance}: {error}")),
                Ok(Err(panic)) => {
                    warnings.push(format!("adapter {instance} panicked while closing: {panic}"));
                }
                Err(_) => {
                    warnings.push(format!("adapter {instance} did not close in {} s", PATIENCE.as_secs()));
                }
            }
        }
        let masker = self.view.run.secrets.masker();
        warnings.iter_mut().for_each(|warning| _ = masker.text(warning));
        warnings
    }

    fn workflow_context(&self) -> WorkflowContext {
        WorkflowContext {
            run_id: Arc::clone(&self.view.run.run_id),
            workspace: Arc::clone(&self.plan.workspace),
            parameters: Arc::clone(&self.plan.parameters),
            config: Arc::clone(&self.plan.config),
            cancelled: self.cancelled.clone(),
        }
    }

    fn scope(&self, adapters: Adapters) -> RunScope {
        RunScope {
            run_id: Arc::clone(&self.view.run.run_id),
            workflow_id: Arc::clone(&self.plan.workflow_id),
            workflow_name: Arc::clone(&self.plan.workflow_name),
            parameters: Arc::clone(&self.plan.parameters),
            config: Arc::clone(&self.plan.config),
            workspace: Arc::clone(&self.plan.workspace),
            environment: Arc::clone(&self.plan.environment),
            adapters,
            outputs: Arc::new(self.view.clone()),
            log: self.log.clone(),
            clock: Arc::clone(&self.clock),
            keepsakes: Arc::clone(&self.keepsakes),
            caller: self.caller.as_ref().map(|caller| {
                let secrets = Arc::clone(&self.view.run.secrets);
                Arc::new(Confiding { caller: Arc::clone(caller), secrets }) as Arc<dyn Caller>
            }),
        }
    }
}

impl Session {
    /// Drives the run and closes what was opened, whatever happened. `first` is what happens before the first decision.
    pub(super) async fn run(
        self,
        state: RunState,
        mut first: Vec<EventKind>,
        parts: Parts,
        log: Arc<dyn LogStore>,
    ) -> Result<Report, JournalError> {
        let opened = self.open().await;
        first.extend(opened.failure.map(|failure| EventKind::RunAborted { failure: Box::new(failure) }));
        let result = Drive::new(&self, opened.scope, state, parts).run(first).await;
        let warnings = self.close(opened.adapters).await;
        let state = result?;
        Ok(Report::new(self.plan, state, log, warnings, self.view))
    }
}

/// Tells the runs that are called what must not be shown.
struct Confiding {
    caller: Arc<dyn Caller>,
    secrets: Arc<Secrets>,
}

impl Confiding {
    fn confide(&self, call: Call) -> Call {
        Call { secrets: self.secrets.texts().into_iter().map(Secret::new).collect(), ..call }
    }
}

impl Caller for Confiding {
    fn call<'a>(&'a self, call: Call, ctx: &'a StepContext) -> BoxFuture<'a, Result<Value, StepError>> {
        self.caller.call(self.confide(call), ctx)
    }

    fn undo<'a>(&'a self, call: Call, ctx: &'a StepContext) -> BoxFuture<'a, Result<(), StepError>> {
        self.caller.undo(self.confide(call), ctx)
    }
}
