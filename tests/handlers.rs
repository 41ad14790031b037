//! Handlers that go wrong on demand.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use vwmp_core::registry::Registry;
use vwmp_interfaces::erased::{ConfigError, DynStep, PreparedStep, StepInfo, TypedStep};
use vwmp_interfaces::{
    BoxFuture, Capability, Effect, Findings, Metadata, Preview, StepContext, StepError, StepHandler, here,
};
use vwmp_plugins as _;

/// Everything that is linked, and the handlers below.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::linked().unwrap();
    registry.add_step(Arc::new(TypedStep::<Misbehave>::new()), here!()).unwrap();
    registry.add_step(Arc::new(AnotherType), here!()).unwrap();
    registry
}

/// Does something that no handler should.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Misbehave {
    how: How,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum How {
    /// Panics.
    Panic,
    /// Waits for ever, but stops when it is asked to.
    Hang,
    /// Waits for ever, whatever it is told.
    Deaf,
    /// Blocks its thread for a while.
    Block,
}

impl StepHandler for Misbehave {
    const NAME: &'static str = "test.misbehave";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, ctx: &StepContext) -> Result<(), StepError> {
        match self.how {
            How::Panic => panic!("the disk is on fire"),
            How::Hang => ctx.unless_cancelled(std::future::pending()).await,
            How::Deaf => std::future::pending().await,
            How::Block => {
                std::thread::sleep(Duration::from_millis(300));
                Ok(())
            }
        }
    }
}

/// From a plugin host that gives another type than it promised.
struct AnotherType;

impl DynStep for AnotherType {
    fn name(&self) -> &str {
        "test.another_type"
    }
    fn effect(&self) -> Effect {
        Effect::ReadOnly
    }
    fn info(&self) -> &StepInfo {
        static INFO: LazyLock<StepInfo> = LazyLock::new(|| StepInfo {
            metadata: Metadata::default(),
            description: String::new(),
            config_schema: json!({ "type": "object" }),
            output_schema: json!({ "type": "object", "properties": { "count": { "type": "integer" } } }),
            can_undo: false,
        });
        &INFO
    }
    fn requires(&self) -> Vec<Capability> {
        Vec::new()
    }
    fn dependencies(&self, _: &Value) -> Vec<String> {
        Vec::new()
    }
    fn validate_written(&self, _: &Value, _: &mut Findings) {}
    fn prepare(&self, _: Value) -> Result<Box<dyn PreparedStep>, ConfigError> {
        Ok(Box::new(Self))
    }
}

impl PreparedStep for AnotherType {
    fn validate(&self, _: &mut Findings) {}
    fn execute<'a>(&'a self, _: &'a StepContext) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async { Ok(json!({ "count": "three" })) })
    }
    fn preview<'a>(&'a self, _: &'a StepContext) -> BoxFuture<'a, Result<Preview<Value>, StepError>> {
        Box::pin(async { Ok(Preview::unknown()) })
    }
    fn can_retry(&self, _: &StepError) -> bool {
        false
    }
    fn retry_delay(&self, _: u32) -> Duration {
        Duration::ZERO
    }
    fn undo<'a>(&'a self, _: Option<Value>, _: &'a StepContext) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async { Ok(()) })
    }
}
