//! `flow.noop`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::{Effect, Metadata, Preview, StepContext, StepError, StepHandler, register};

/// Does nothing, and succeeds.
///
/// Useful as a place where branches meet, or to measure what the engine itself costs. It never
/// fails.
///
/// ```yaml
/// - id: all-checked
///   handler: flow.noop
///   needs: [lint, test]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Noop {}

/// Nothing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Nothing {}

impl StepHandler for Noop {
    const NAME: &'static str = "flow.noop";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Nothing;

    fn metadata() -> Metadata {
        Metadata { title: "Do Nothing", category: "Flow", icon: "·" }
    }

    async fn execute(&self, _: &StepContext) -> Result<Nothing, StepError> {
        Ok(Nothing {})
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Nothing>, StepError> {
        Ok(Preview::new("does nothing").output(Nothing {}))
    }
}

register!(step Noop);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;

    #[tokio::test]
    async fn it_gives_an_empty_object_and_says_nothing() {
        let run = TestRun::new();
        let ctx = run.context("nothing");
        assert_eq!(execute::<Noop>(json!({}), &ctx).await.unwrap(), json!({}));
        assert!(preview::<Noop>(json!({}), &ctx).await.unwrap().changes.is_empty());
        assert!(run.log().is_empty());
        let error = execute::<Noop>(json!({ "x": 1 }), &ctx).await.unwrap_err();
        assert_eq!(error.message(), "config of flow.noop: x: unknown field `x`, there are no fields");
    }
}
