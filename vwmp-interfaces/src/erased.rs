//! Object-safe twins of the plugin traits: what the engine holds. Authors never write these by
//! hand for native plugins; plugin hosts (WebAssembly, processes) and tests implement them.

mod typed;

use std::sync::Arc;
use std::time::Duration;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::BoxFuture;
use crate::adapter::{AdapterContext, Capabilities, Capability, Health};
use crate::context::StepContext;
use crate::error::StepError;
use crate::finding::Findings;
use crate::preview::Preview;
use crate::step::{Done, Effect, Metadata};
use crate::workflow_type::{
    FailurePolicy, WorkflowContext, WorkflowOutline, WorkflowTemplate, WorkflowTypeMetadata,
};

pub use typed::{TypedAdapter, TypedStep, TypedWorkflowType};

/// A [`StepHandler`](crate::StepHandler) without its type.
pub trait DynStep: Send + Sync {
    /// The name that workflows use.
    fn name(&self) -> &str;
    /// What a repetition would do.
    fn effect(&self) -> Effect;
    /// See [`StepHandler::POINT_OF_NO_RETURN`](crate::StepHandler::POINT_OF_NO_RETURN).
    fn point_of_no_return(&self) -> bool {
        false
    }
    /// Everything that describes it.
    fn info(&self) -> &StepInfo;
    /// See [`StepHandler::requires`](crate::StepHandler::requires).
    fn requires(&self) -> Vec<Capability>;
    /// See [`StepHandler::dependencies`](crate::StepHandler::dependencies).
    fn dependencies(&self, config: &Value) -> Vec<String>;
    /// See [`StepHandler::validate_written`](crate::StepHandler::validate_written).
    fn validate_written(&self, config: &Value, findings: &mut Findings);
    /// See [`StepHandler::calls`](crate::StepHandler::calls).
    fn calls(&self, config: &Value) -> Option<String> {
        let _ = config;
        None
    }
    /// Whether the output's type is known to fit [`StepInfo::output_schema`]; the engine checks
    /// the others.
    fn output_is_typed(&self) -> bool {
        false
    }
    /// Reads a config that has all its values.
    ///
    /// # Errors
    /// The first thing that doesn't fit, with its path.
    fn prepare(&self, config: Value) -> Result<Box<dyn PreparedStep>, ConfigError>;
}

/// A handler with its config, ready to work.
pub trait PreparedStep: Send + Sync {
    /// See [`StepHandler::validate`](crate::StepHandler::validate).
    fn validate(&self, findings: &mut Findings);
    /// See [`StepHandler::execute`](crate::StepHandler::execute).
    fn execute<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Result<Value, StepError>>;
    /// See [`StepHandler::preview`](crate::StepHandler::preview).
    fn preview<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Result<Preview<Value>, StepError>>;
    /// See [`StepHandler::can_retry`](crate::StepHandler::can_retry).
    fn can_retry(&self, error: &StepError) -> bool;
    /// See [`StepHandler::retry_delay`](crate::StepHandler::retry_delay).
    fn retry_delay(&self, attempt: u32) -> Duration;
    /// See [`StepHandler::already_done`](crate::StepHandler::already_done).
    fn already_done<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Result<Done<Value>, StepError>> {
        let _ = ctx;
        Box::pin(async { Ok(Done::Unknown) })
    }
    /// See [`Undo::undo`](crate::Undo::undo).
    fn undo<'a>(
        &'a self,
        output: Option<Value>,
        ctx: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), StepError>>;
}

/// An [`IntegrationAdapter`](crate::IntegrationAdapter) without its type, before it is connected.
pub trait DynAdapter: Send + Sync {
    /// The name.
    fn name(&self) -> &str;
    /// Everything that describes it.
    fn info(&self) -> &AdapterInfo;
    /// See [`IntegrationAdapter::serves`](crate::IntegrationAdapter::serves).
    fn serves(&self) -> Vec<Capability>;
    /// Reads a config and reports what is wrong with it.
    ///
    /// # Errors
    /// The first thing that doesn't fit, with its path.
    fn validate(&self, config: Value, findings: &mut Findings) -> Result<(), ConfigError>;
    /// See [`IntegrationAdapter::connect`](crate::IntegrationAdapter::connect).
    fn connect<'a>(
        &'a self,
        config: Value,
        ctx: &'a AdapterContext,
    ) -> BoxFuture<'a, Result<Arc<dyn OpenAdapter>, StepError>>;
}

/// A connected [`IntegrationAdapter`](crate::IntegrationAdapter) without its type.
pub trait OpenAdapter: Send + Sync {
    /// See [`IntegrationAdapter::offer`](crate::IntegrationAdapter::offer).
    fn offer(self: Arc<Self>, capabilities: &mut Capabilities);
    /// See [`IntegrationAdapter::health`](crate::IntegrationAdapter::health).
    fn health(&self) -> BoxFuture<'_, Health>;
    /// See [`IntegrationAdapter::close`](crate::IntegrationAdapter::close).
    fn close(&self) -> BoxFuture<'_, Result<(), StepError>>;
}

/// A [`WorkflowTypePlugin`](crate::WorkflowTypePlugin) without its type.
pub trait DynWorkflowType: Send + Sync {
    /// The name that workflows use.
    fn name(&self) -> &str;
    /// Everything that describes it.
    fn info(&self) -> &WorkflowTypeInfo;
    /// Reads the part of a workflow's config that belongs to the type.
    ///
    /// # Errors
    /// The first thing that doesn't fit, with its path.
    fn validate_config(&self, config: Value) -> Result<(), ConfigError> {
        let _ = config;
        Ok(())
    }
    /// See [`WorkflowTypePlugin::validate_workflow`](crate::WorkflowTypePlugin::validate_workflow).
    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings);
    /// See [`WorkflowTypePlugin::initialize`](crate::WorkflowTypePlugin::initialize).
    fn initialize<'a>(&'a self, ctx: &'a WorkflowContext) -> BoxFuture<'a, Result<(), StepError>>;
    /// See [`WorkflowTypePlugin::cleanup`](crate::WorkflowTypePlugin::cleanup).
    fn cleanup<'a>(&'a self, ctx: &'a WorkflowContext) -> BoxFuture<'a, Result<(), StepError>>;
}

/// What a handler says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct StepInfo {
    /// Title, category, icon.
    pub metadata: Metadata,
    /// The doc comment, in Markdown, with a YAML example.
    pub description: String,
    /// The JSON Schema (2020-12) of the config.
    pub config_schema: Value,
    /// The JSON Schema (2020-12) of the output.
    pub output_schema: Value,
    /// Whether the work can be taken back.
    pub can_undo: bool,
}

/// What an adapter says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterInfo {
    /// Title, category, icon.
    pub metadata: Metadata,
    /// The doc comment of its config, in Markdown.
    pub description: String,
    /// The JSON Schema (2020-12) of the config.
    pub config_schema: Value,
}

/// What a workflow type says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowTypeInfo {
    /// Version, author and more.
    pub metadata: WorkflowTypeMetadata,
    /// Workflows to start from.
    pub templates: Vec<WorkflowTemplate>,
    /// The usual handlers.
    pub default_step_types: Vec<&'static str>,
    /// What happens when a step fails and the workflow doesn't say.
    pub on_failure: FailurePolicy,
    /// The lock that a run holds when the workflow doesn't say.
    pub lock: Option<&'static str>,
    /// The JSON Schema (2020-12) of the workflow's config.
    pub config_schema: Value,
}

/// A config that doesn't fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct ConfigError {
    /// The place within the config, such as `files[0].path`; empty for the whole.
    pub path: String,
    /// What doesn't fit.
    pub message: String,
}

/// The JSON Schema (2020-12) of a type, without a `$schema` key.
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Reads a typed config.
///
/// # Errors
/// The first thing that doesn't fit, with its path.
pub fn read_config<T: DeserializeOwned>(config: Value) -> Result<T, ConfigError> {
    // To keep track of the path costs more than to read once more where it is needed.
    if let Ok(read) = T::deserialize(&config) {
        return Ok(read);
    }
    serde_path_to_error::deserialize(config).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        ConfigError { path, message: error.into_inner().to_string() }
    })
}
