//! Handlers that go right and wrong on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use vwmp_interfaces::erased::{ConfigError, DynStep, PreparedStep, StepInfo, TypedStep};
use vwmp_interfaces::{
    BoxFuture, Capability, Effect, Findings, Metadata, Preview, StepContext, StepError, StepHandler, here,
};

use super::world::{Ask, Mark, MarkBlind, MarkOnce, Publish};
use crate::registry::Registry;

pub(super) fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
        let mut registry = Registry::default();
        for step in [
            Arc::new(TypedStep::<Give>::new()) as Arc<dyn DynStep>,
            Arc::new(TypedStep::<Fail>::new()),
            Arc::new(TypedStep::<FailOnce>::new()),
            Arc::new(TypedStep::<Panic>::new()),
            Arc::new(TypedStep::<Sleep>::new()),
            Arc::new(TypedStep::<SleepOnce>::new()),
            Arc::new(TypedStep::<Deaf>::new()),
            Arc::new(TypedStep::<Block>::new()),
            Arc::new(TypedStep::<Unwritable>::new()),
            Arc::new(TypedStep::<Mark>::with_undo()),
            Arc::new(TypedStep::<MarkOnce>::with_undo()),
            Arc::new(TypedStep::<MarkBlind>::with_undo()),
            Arc::new(TypedStep::<Publish>::new()),
            Arc::new(TypedStep::<Ask>::new()),
            Arc::new(Untyped),
        ] {
            registry.add_step(step, here!()).unwrap();
        }
        registry
    });
    &REGISTRY
}

macro_rules! handler {
    ($name:literal, $effect:ident, $handler:ident -> $output:ty, |$self:ident, $ctx:ident| $body:expr) => {
        impl StepHandler for $handler {
            const NAME: &'static str = $name;
            const EFFECT: Effect = Effect::$effect;
            type Output = $output;
            async fn execute(&self, ctx: &StepContext) -> Result<$output, StepError> {
                let ($self, $ctx) = (self, ctx);
                $body
            }
        }
    };
}

/// Gives a value; a long text where `bytes` is set.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Give {
    #[serde(default)]
    value: Value,
    #[serde(default)]
    bytes: usize,
}
handler!("test.give", ReadOnly, Give -> Value, |me, ctx| {
    ctx.log().info("giving");
    Ok(if me.bytes > 0 { json!("x".repeat(me.bytes)) } else { me.value.clone() })
});

/// Fails until attempt number `times` is over.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Fail {
    #[serde(default = "forever")]
    times: u32,
    #[serde(default)]
    permanent: bool,
}
fn forever() -> u32 {
    u32::MAX
}
handler!("test.fail", Idempotent, Fail -> u32, |me, ctx| match (ctx.attempt() <= me.times, me.permanent) {
    (false, _) => Ok(ctx.attempt()),
    (true, true) => Err(StepError::permanent("broken")),
    (true, false) => Err(StepError::transient("busy").caused_by("the line is engaged")),
});

/// Fails with the server's own word on when to come back; must not be repeated blindly.
#[derive(Deserialize, JsonSchema)]
pub(super) struct FailOnce {}
handler!("test.fail_once", Once, FailOnce -> u32, |_me, ctx| {
    if ctx.attempt() > 1 { return Ok(ctx.attempt()) }
    Err(StepError::transient("slow down").retry_after(Duration::from_secs(90)))
});

/// Panics.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Panic {}
handler!("test.panic", ReadOnly, Panic -> (), |_me, _ctx| panic!("out of cheese"));

/// Sleeps, and stops when asked to.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Sleep {
    seconds: u64,
}
async fn sleep(seconds: u64, ctx: &StepContext) -> Result<(), StepError> {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(seconds)) => Ok(()),
        () = ctx.cancelled().cancelled() => Err(StepError::permanent("stopped")),
    }
}
handler!("test.sleep", Idempotent, Sleep -> (), |me, ctx| sleep(me.seconds, ctx).await);

/// The same, but must not be repeated blindly.
#[derive(Deserialize, JsonSchema)]
pub(super) struct SleepOnce {
    seconds: u64,
}
handler!("test.sleep_once", Once, SleepOnce -> (), |me, ctx| sleep(me.seconds, ctx).await);

/// Never ends, whatever it is told.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Deaf {}
handler!("test.deaf", ReadOnly, Deaf -> (), |_me, _ctx| std::future::pending().await);

/// Blocks its thread, which no handler should.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Block {
    milliseconds: u64,
}
handler!("test.block", ReadOnly, Block -> (), |me, _ctx| {
    std::thread::sleep(Duration::from_millis(me.milliseconds));
    Ok(())
});

/// Gives what JSON can't hold.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Unwritable {}
handler!("test.unwritable", ReadOnly, Unwritable -> BTreeMap<String, BTreeMap<Vec<u8>, u8>>, |_me, _ctx| {
    Ok(BTreeMap::from([("map".to_owned(), BTreeMap::from([(vec![1], 1)]))]))
});

/// From a plugin host that gives another type than it promised.
struct Untyped;

impl DynStep for Untyped {
    fn name(&self) -> &str {
        "test.untyped"
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

impl PreparedStep for Untyped {
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
