//! What is open while steps are asked.

use std::sync::Arc;
use std::time::Duration;

use vwmp_interfaces::adapter::{AdapterContext, Adapters, Capabilities};
use vwmp_interfaces::context::RunScope;
use vwmp_interfaces::erased::OpenAdapter;
use vwmp_interfaces::log::{LogLine, LogSink};
use vwmp_interfaces::{CancellationToken, Clock};

use super::foresight::Foresight;
use crate::plan::{Plan, PlannedAdapter};
use crate::run::caught;
use crate::run::memory::MemoryKeepsakes;

/// How long opening or closing one adapter may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Open adapters, and what all steps share.
pub(super) struct Session {
    pub(super) scope: Arc<RunScope>,
    pub(super) cancelled: CancellationToken,
    open: Vec<Arc<dyn OpenAdapter>>,
}

/// A preview says what it has to say in its result.
struct Silence;

impl LogSink for Silence {
    fn line(&self, _: LogLine) {}
}

impl Session {
    /// Opens the adapters. The type of the workflow is not told: nothing begins.
    pub(super) async fn open(
        foresight: Arc<Foresight>,
        clock: Arc<dyn Clock>,
        cancelled: CancellationToken,
    ) -> Self {
        let plan = Arc::clone(&foresight.plan);
        let mut adapters = Adapters::default();
        let mut open = Vec::new();
        for planned in &plan.adapters {
            match connect(&plan, planned, &clock, &cancelled).await {
                Ok(adapter) => {
                    let mut capabilities = Capabilities::default();
                    Arc::clone(&adapter).offer(&mut capabilities);
                    adapters.insert(&planned.instance, capabilities);
                    open.push(adapter);
                }
                Err(why) => adapters.insert_broken(&planned.instance, planned.adapter.serves(), why),
            }
        }
        let scope = RunScope {
            run_id: "preview".into(),
            workflow_id: Arc::clone(&plan.workflow_id),
            workflow_name: Arc::clone(&plan.workflow_name),
            parameters: Arc::clone(&plan.parameters),
            config: Arc::clone(&plan.config),
            workspace: Arc::clone(&plan.workspace),
            environment: Arc::clone(&plan.environment),
            adapters,
            outputs: foresight,
            log: Arc::new(Silence),
            clock,
            keepsakes: Arc::new(MemoryKeepsakes::default()),
            caller: None,
        };
        Self { scope: Arc::new(scope), cancelled, open }
    }

    /// Closes the adapters. One that can't be closed has changed nothing.
    pub(super) async fn close(self) {
        for adapter in &self.open {
            let _ = tokio::time::timeout(PATIENCE, caught(adapter.close())).await;
        }
    }
}

async fn connect(
    plan: &Plan,
    planned: &PlannedAdapter,
    clock: &Arc<dyn Clock>,
    cancelled: &CancellationToken,
) -> Result<Arc<dyn OpenAdapter>, String> {
    let ctx = AdapterContext {
        instance: planned.instance.clone(),
        workspace: Arc::clone(&plan.workspace),
        environment: Arc::clone(&plan.environment),
        cancelled: cancelled.clone(),
        clock: Arc::clone(clock),
    };
    let connecting = caught(planned.adapter.connect(planned.config.clone(), &ctx));
    match tokio::time::timeout(PATIENCE, connecting).await {
        Ok(Ok(Ok(adapter))) => Ok(adapter),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(panic)) => Err(format!("it panicked: {panic}")),
        Err(_) => Err(format!("no connection after {} s", PATIENCE.as_secs())),
    }
}
