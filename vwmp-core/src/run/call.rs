//! Workflows that steps call: read, checked and planned like any other, then run as runs of their own.

use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::context::{Call, Caller};
use vwmp_interfaces::{BoxFuture, StepContext, StepError};

use super::event::RunStatus;
use super::report::Report;
use crate::plan::Plan;
use crate::registry::Registry;
use crate::source::Source;
use crate::workflow::calls::{DEEPEST, called};
use crate::workflow::{Inputs, Loader, Settings, Workflow};

/// Runs workflows that steps call.
pub struct Calls {
    registry: Arc<Registry>,
    settings: Settings,
    loader: Arc<dyn Loader + Send + Sync>,
    children: Arc<dyn Children>,
    depth: usize,
}

/// Carries out the runs that steps call.
pub trait Children: Send + Sync {
    /// Runs a workflow to its end. The same key is the same run: what an earlier attempt began is continued, and the
    /// end of a run that has ended is given again.
    fn run<'a>(&'a self, child: Child, ctx: &'a StepContext) -> BoxFuture<'a, Result<Report, StepError>>;
    /// Takes back what the run with that key did; nothing where there is none.
    fn undo<'a>(
        &'a self,
        child: Child,
        ctx: &'a StepContext,
    ) -> BoxFuture<'a, Result<Option<Report>, StepError>>;
}

/// A run that a step calls.
pub struct Child {
    /// What identifies it in its store: the calling run and step.
    pub key: String,
    /// The workflow.
    pub workflow: Workflow,
    /// What it was given.
    pub inputs: Inputs,
    /// The plan.
    pub plan: Arc<Plan>,
    /// What its own steps call workflows with.
    pub caller: Arc<dyn Caller>,
}

impl Calls {
    /// Calls of a run: what it was checked with, and who carries the children out.
    pub fn new(
        registry: Arc<Registry>,
        settings: Settings,
        loader: Arc<dyn Loader + Send + Sync>,
        children: Arc<dyn Children>,
    ) -> Self {
        Self { registry, settings, loader, children, depth: 1 }
    }

    fn deeper(&self) -> Self {
        Self {
            registry: Arc::clone(&self.registry),
            settings: self.settings.clone(),
            loader: Arc::clone(&self.loader),
            children: Arc::clone(&self.children),
            depth: self.depth + 1,
        }
    }

    fn child(&self, call: &Call, ctx: &StepContext) -> Result<Child, StepError> {
        if self.depth > DEEPEST {
            let message = format!("workflows call each other more than {DEEPEST} deep");
            return Err(StepError::permanent(message));
        }
        let refused = |problems: &dyn std::fmt::Display| {
            StepError::invalid(format!("the workflow {} can't be called: {problems}", call.workflow))
        };
        let from = Source::new(ctx.workflow_id(), "");
        let document = called(&call.workflow, &from, &self.registry, &*self.loader);
        let document = document.map_err(|problems| refused(&problems))?;
        let checked = Workflow::check(document, &self.registry, &self.settings, &*self.loader);
        let (workflow, _) = checked.map_err(|problems| refused(&problems))?;
        let how = format!("step {} of {}", ctx.step_id(), ctx.workflow_id());
        let given = call.parameters.iter();
        let inputs = Inputs {
            parameters: given.map(|(name, value)| (name.clone(), (value.clone(), how.clone()))).collect(),
            ..Inputs::new(ctx.workspace())
        };
        let mut plan = workflow.plan(inputs.clone()).map_err(|problems| refused(&problems))?;
        plan.conceal(call.secrets.iter().map(|secret| secret.reveal().to_owned()));
        let key = ctx.idempotency_key();
        Ok(Child { key, workflow, inputs, plan: Arc::new(plan), caller: Arc::new(self.deeper()) })
    }
}

impl Caller for Calls {
    fn call<'a>(&'a self, call: Call, ctx: &'a StepContext) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move {
            let report = self.children.run(self.child(&call, ctx)?, ctx).await?;
            match report.status() {
                RunStatus::Succeeded | RunStatus::SucceededWithTolerated => {
                    report.outputs().map(Value::Object).map_err(StepError::permanent)
                }
                status => Err(StepError::permanent(told(&call.workflow, status, &report))),
            }
        })
    }

    fn undo<'a>(&'a self, call: Call, ctx: &'a StepContext) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            match self.children.undo(self.child(&call, ctx)?, ctx).await? {
                Some(report) if report.status() != RunStatus::RolledBack => {
                    Err(StepError::permanent(told(&call.workflow, report.status(), &report)))
                }
                _ => Ok(()),
            }
        })
    }
}

/// How a run that was called went wrong.
fn told(workflow: &str, status: RunStatus, report: &Report) -> String {
    let failed = report.steps().find_map(|step| Some((step.id, step.error?.message)));
    let why = failed.map(|(id, why)| format!(": {id}: {why}")).unwrap_or_default();
    format!("{workflow} {}{why} (run {})", status.name().replace('_', " "), report.run_id())
}
