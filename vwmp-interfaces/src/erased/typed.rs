//! The one adapter from each typed trait to its twin.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;

use super::{
    AdapterInfo, ConfigError, DynAdapter, DynStep, DynWorkflowType, OpenAdapter, PreparedStep, StepInfo,
    WorkflowTypeInfo, read_config, schema_of,
};
use crate::BoxFuture;
use crate::adapter::{AdapterContext, Capabilities, Capability, Health, IntegrationAdapter};
use crate::context::StepContext;
use crate::error::StepError;
use crate::finding::Findings;
use crate::preview::Preview;
use crate::step::{Done, Effect, StepHandler, Undo};
use crate::workflow_type::{WorkflowContext, WorkflowOutline, WorkflowTypePlugin};

/// The doc comment in a schema, taken out of it.
fn take_description(schema: &mut Value) -> String {
    let Some(object) = schema.as_object_mut() else { return String::new() };
    object.shift_remove("title");
    match object.shift_remove("description") {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}

/// The one adapter from [`StepHandler`] to [`DynStep`].
pub struct TypedStep<H> {
    info: OnceLock<StepInfo>,
    undo: Option<UndoFn<H>>,
    handler: PhantomData<fn() -> H>,
}

type UndoFn<H> = for<'a> fn(&'a H, Option<Value>, &'a StepContext) -> BoxFuture<'a, Result<(), StepError>>;

struct Prepared<H> {
    handler: H,
    undo: Option<UndoFn<H>>,
}

impl<H: StepHandler> TypedStep<H> {
    /// A twin of a handler that can't take its work back.
    pub const fn new() -> Self {
        Self { info: OnceLock::new(), undo: None, handler: PhantomData }
    }
}

impl<H: StepHandler> Default for TypedStep<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Undo> TypedStep<H> {
    /// A twin of a handler that can.
    pub const fn with_undo() -> Self {
        Self { info: OnceLock::new(), undo: Some(typed_undo::<H>), handler: PhantomData }
    }
}

fn typed_undo<'a, H: Undo>(
    handler: &'a H,
    output: Option<Value>,
    ctx: &'a StepContext,
) -> BoxFuture<'a, Result<(), StepError>> {
    Box::pin(async move {
        let output = output
            .map(read_config::<H::Output>)
            .transpose()
            .map_err(|error| StepError::permanent(format!("can't read the step's output back: {error}")))?;
        handler.undo(output.as_ref(), ctx).await
    })
}

impl<H: StepHandler> DynStep for TypedStep<H> {
    fn name(&self) -> &str {
        H::NAME
    }

    fn effect(&self) -> Effect {
        H::EFFECT
    }

    fn point_of_no_return(&self) -> bool {
        H::POINT_OF_NO_RETURN
    }

    fn info(&self) -> &StepInfo {
        self.info.get_or_init(|| {
            let mut config_schema = schema_of::<H>();
            let description = take_description(&mut config_schema);
            StepInfo {
                metadata: H::metadata(),
                description,
                config_schema,
                output_schema: schema_of::<H::Output>(),
                can_undo: self.undo.is_some(),
            }
        })
    }

    fn requires(&self) -> Vec<Capability> {
        H::requires()
    }

    fn dependencies(&self, config: &Value) -> Vec<String> {
        H::dependencies(config)
    }

    fn validate_written(&self, config: &Value, findings: &mut Findings) {
        H::validate_written(config, findings);
    }

    fn calls(&self, config: &Value) -> Option<String> {
        H::calls(config)
    }

    fn output_is_typed(&self) -> bool {
        true
    }

    fn prepare(&self, config: Value) -> Result<Box<dyn PreparedStep>, ConfigError> {
        Ok(Box::new(Prepared { handler: read_config::<H>(config)?, undo: self.undo }))
    }
}

impl<H: StepHandler> Prepared<H> {
    fn output(output: H::Output) -> Result<Value, StepError> {
        serde_json::to_value(output).map_err(|error| {
            StepError::permanent(format!("the output of {} can't be written as JSON", H::NAME))
                .caused_by(error)
        })
    }
}

impl<H: StepHandler> PreparedStep for Prepared<H> {
    fn validate(&self, findings: &mut Findings) {
        self.handler.validate(findings);
    }

    fn execute<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move { Self::output(self.handler.execute(ctx).await?) })
    }

    fn preview<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Result<Preview<Value>, StepError>> {
        Box::pin(async move {
            let preview = self.handler.preview(ctx).await?;
            let output = preview.output.map(Self::output).transpose()?;
            Ok(Preview { summary: preview.summary, changes: preview.changes, output, known: preview.known })
        })
    }

    fn can_retry(&self, error: &StepError) -> bool {
        self.handler.can_retry(error)
    }

    fn retry_delay(&self, attempt: u32) -> Duration {
        self.handler.retry_delay(attempt)
    }

    fn already_done<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Result<Done<Value>, StepError>> {
        Box::pin(async move {
            Ok(match self.handler.already_done(ctx).await? {
                Done::Yes(output) => Done::Yes(Self::output(output)?),
                Done::No => Done::No,
                Done::Unknown => Done::Unknown,
            })
        })
    }

    fn undo<'a>(
        &'a self,
        output: Option<Value>,
        ctx: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        match self.undo {
            Some(undo) => undo(&self.handler, output, ctx),
            None => Box::pin(async { Err(StepError::permanent(format!("{} can't be undone", H::NAME))) }),
        }
    }
}

/// The one adapter from [`IntegrationAdapter`] to [`DynAdapter`].
pub struct TypedAdapter<A> {
    info: OnceLock<AdapterInfo>,
    adapter: PhantomData<fn() -> A>,
}

struct Open<A>(Arc<A>);

impl<A: IntegrationAdapter> TypedAdapter<A> {
    /// A twin of an adapter.
    pub const fn new() -> Self {
        Self { info: OnceLock::new(), adapter: PhantomData }
    }
}

impl<A: IntegrationAdapter> Default for TypedAdapter<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: IntegrationAdapter> DynAdapter for TypedAdapter<A> {
    fn name(&self) -> &str {
        A::NAME
    }

    fn info(&self) -> &AdapterInfo {
        self.info.get_or_init(|| {
            let mut config_schema = schema_of::<A::Config>();
            let description = take_description(&mut config_schema);
            AdapterInfo { metadata: A::metadata(), description, config_schema }
        })
    }

    fn serves(&self) -> Vec<Capability> {
        A::serves()
    }

    fn validate(&self, config: Value, findings: &mut Findings) -> Result<(), ConfigError> {
        A::validate(&read_config(config)?, findings);
        Ok(())
    }

    fn connect<'a>(
        &'a self,
        config: Value,
        ctx: &'a AdapterContext,
    ) -> BoxFuture<'a, Result<Arc<dyn OpenAdapter>, StepError>> {
        Box::pin(async move {
            let config = read_config(config).map_err(|error| {
                StepError::invalid(format!("config of adapter {}: {error}", ctx.instance))
            })?;
            let open: Arc<dyn OpenAdapter> = Arc::new(Open(Arc::new(A::connect(config, ctx).await?)));
            Ok(open)
        })
    }
}

impl<A: IntegrationAdapter> OpenAdapter for Open<A> {
    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        Arc::clone(&self.0).offer(capabilities);
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        Box::pin(self.0.health())
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StepError>> {
        Box::pin(self.0.close())
    }
}

/// The one adapter from [`WorkflowTypePlugin`] to [`DynWorkflowType`].
pub struct TypedWorkflowType<T> {
    info: OnceLock<WorkflowTypeInfo>,
    plugin: T,
}

impl<T: WorkflowTypePlugin> TypedWorkflowType<T> {
    /// A twin of a workflow type.
    pub fn new() -> Self {
        Self { info: OnceLock::new(), plugin: T::default() }
    }
}

impl<T: WorkflowTypePlugin> Default for TypedWorkflowType<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: WorkflowTypePlugin> DynWorkflowType for TypedWorkflowType<T> {
    fn name(&self) -> &str {
        T::NAME
    }

    fn info(&self) -> &WorkflowTypeInfo {
        self.info.get_or_init(|| WorkflowTypeInfo {
            metadata: T::metadata(),
            templates: T::templates(),
            default_step_types: T::default_step_types(),
            on_failure: T::on_failure(),
            lock: T::lock(),
            config_schema: schema_of::<T::Config>(),
        })
    }

    fn validate_config(&self, config: Value) -> Result<(), ConfigError> {
        read_config::<T::Config>(config).map(drop)
    }

    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings) {
        self.plugin.validate_workflow(workflow, findings);
    }

    fn initialize<'a>(&'a self, ctx: &'a WorkflowContext) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(self.plugin.initialize(ctx))
    }

    fn cleanup<'a>(&'a self, ctx: &'a WorkflowContext) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(self.plugin.cleanup(ctx))
    }
}
