//! Events of runs that were never run, and runs of handlers that do what tests need.

mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod recorder;
mod spans;
mod timeline;

use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use vwmp_core::document::Document;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::{Event, Unit};
use vwmp_core::source::Source;
use vwmp_core::workflow::{Inputs, NoFiles, Settings, Workflow};
use vwmp_interfaces::erased::TypedStep;
use vwmp_interfaces::{Effect, StepContext, StepError, StepHandler, Undo, here};

/// Two steps after each other; the second may fail three times.
fn release() -> Arc<Plan> {
    plan(
        "name: release\nsteps:\n\
         \x20 - { id: build, handler: test.work }\n\
         \x20 - { id: publish, handler: test.flaky, needs: [build], config: { fails: 1 }, \
         retry: { max_attempts: 3, delay: 1s } }\n",
    )
}

fn plan(text: &str) -> Arc<Plan> {
    let document = Document::parse(Arc::new(Source::new("test.yaml", text))).unwrap();
    let (workflow, _) =
        Workflow::check(Arc::new(document), &registry(), &Settings::default(), &NoFiles).unwrap();
    Arc::new(workflow.plan(Inputs::new(Path::new("/"))).unwrap())
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add_step(Arc::new(TypedStep::<Work>::with_undo()), here!()).unwrap();
    registry.add_step(Arc::new(TypedStep::<Flaky>::new()), here!()).unwrap();
    registry
}

/// Events from what is in them: seconds, the word, and the rest; steps by their ids.
fn events(plan: &Plan, script: &[(f64, &str, Value)]) -> Vec<Event> {
    let event = |(seq, (seconds, word, rest)): (usize, &(f64, &str, Value))| {
        let mut event = json!({ "seq": seq, "at": (seconds * 1e6) as u64, "event": word });
        for (key, value) in rest.as_object().into_iter().flatten() {
            event[key] = match value.as_str().filter(|_| key == "step") {
                Some(id) => serde_json::to_value(Unit::named(id, plan).unwrap()).unwrap(),
                None => value.clone(),
            };
        }
        serde_json::from_value(event).unwrap()
    };
    script.iter().enumerate().map(event).collect()
}

/// Everything that a run can go through: a fan-out with an item that is left behind, a retry, a wait, a cache hit, a
/// step that doesn't run, and a rollback.
fn eventful() -> (Arc<Plan>, Vec<Event>) {
    let text = "name: eventful\nsteps:\n\
         \x20 - { id: build, handler: test.work }\n\
         \x20 - { id: test, handler: test.work }\n\
         \x20 - { id: publish, handler: test.flaky }\n\
         \x20 - { id: announce, handler: test.flaky }\n";
    let plan = plan(text);
    let failed = json!({ "outcome": "failed", "detail": { "class": "transient", "message": "503", "causes": ["busy"] } });
    let waiting = json!({ "outcome": "waiting", "detail": { "for": "approval", "message": "go on?" } });
    let cached = json!({ "outcome": "cached", "detail": null });
    let succeeded = json!({ "outcome": "succeeded", "detail": null });
    let script = [
        (0.0, "run_started", json!({ "run_id": "r1" })),
        (1.0, "attempt_started", json!({ "step": "build", "attempt": 1 })),
        (1.5, "attempt_finished", json!({ "step": "build", "attempt": 1, "outcome": cached })),
        (1.5, "step_finished", json!({ "step": "build", "status": "succeeded" })),
        (2.0, "step_expanded", json!({ "step": 1, "items": [1, 2] })),
        (2.0, "attempt_started", json!({ "step": "test[0]", "attempt": 1 })),
        (2.0, "attempt_started", json!({ "step": "test[1]", "attempt": 1 })),
        (4.0, "attempt_finished", json!({ "step": "test[0]", "attempt": 1, "outcome": succeeded })),
        (4.0, "step_finished", json!({ "step": "test[0]", "status": "succeeded" })),
        (5.0, "step_finished", json!({ "step": "test[1]", "status": "cancelled" })),
        (5.0, "step_finished", json!({ "step": "test", "status": "tolerated" })),
        (6.0, "lock_awaited", json!({ "step": 2 })),
        (7.0, "lock_acquired", json!({ "step": 2 })),
        (7.0, "attempt_started", json!({ "step": "publish", "attempt": 1 })),
        (7.5, "attempt_finished", json!({ "step": "publish", "attempt": 1, "outcome": waiting })),
        (9.0, "answered", json!({ "step": "publish", "approved": true, "by": "ann", "comment": "" })),
        (9.0, "attempt_started", json!({ "step": "publish", "attempt": 2 })),
        (9.5, "attempt_finished", json!({ "step": "publish", "attempt": 2, "outcome": failed })),
        (9.5, "retry_scheduled", json!({ "step": "publish", "attempt": 3, "not_before": 10_000_000 })),
        (10.0, "attempt_started", json!({ "step": "publish", "attempt": 3 })),
        (11.0, "attempt_finished", json!({ "step": "publish", "attempt": 3, "outcome": failed })),
        (11.0, "step_finished", json!({ "step": "publish", "status": "failed" })),
        (11.0, "step_finished", json!({ "step": "announce", "status": "skipped" })),
        (11.0, "rollback_started", json!({ "reason": "publish failed" })),
        (11.0, "step_undone", json!({ "step": "publish", "undone": "impossible", "reason": "no way" })),
        (11.0, "undo_started", json!({ "step": "build", "attempt": 1 })),
        (12.0, "undo_finished", json!({ "step": "build", "attempt": 1, "outcome": succeeded })),
        (12.0, "step_undone", json!({ "step": "build", "undone": "yes" })),
        (13.0, "run_finished", json!({ "status": "rollback_failed" })),
    ];
    let events = events(&plan, &script);
    (plan, events)
}

/// Does its work and says so to whoever traces it.
#[derive(Deserialize, JsonSchema)]
struct Work {}

impl StepHandler for Work {
    const NAME: &'static str = "test.work";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = ();

    async fn execute(&self, ctx: &StepContext) -> Result<(), StepError> {
        ctx.log().info("about to work");
        tokio::task::yield_now().await;
        drop(tracing::info_span!("inner work").entered());
        Ok(())
    }
}

impl Undo for Work {
    async fn undo(&self, _: Option<&()>, _: &StepContext) -> Result<(), StepError> {
        drop(tracing::info_span!("inner undo").entered());
        Ok(())
    }
}

/// Fails a number of times.
#[derive(Deserialize, JsonSchema)]
struct Flaky {
    #[serde(default)]
    fails: u32,
}

impl StepHandler for Flaky {
    const NAME: &'static str = "test.flaky";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, ctx: &StepContext) -> Result<(), StepError> {
        if ctx.attempt() > self.fails { Ok(()) } else { Err(StepError::transient("503")) }
    }
}
