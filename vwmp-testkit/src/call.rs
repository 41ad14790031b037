//! Calls a handler the way the engine does: through its object-safe twin.

use serde_json::Value;
use vwmp_interfaces::erased::{DynStep, PreparedStep, TypedStep};
use vwmp_interfaces::{Done, Findings, Preview, StepContext, StepError, StepHandler, Undo};

/// Executes a handler once.
///
/// # Errors
/// What the handler fails with; an invalid config, the way the engine words it.
pub async fn execute<H: StepHandler>(config: Value, ctx: &StepContext) -> Result<Value, StepError> {
    prepare(&TypedStep::<H>::new(), config)?.execute(ctx).await
}

/// Previews a handler.
///
/// # Errors
/// What the handler fails with; an invalid config, the way the engine words it.
pub async fn preview<H: StepHandler>(config: Value, ctx: &StepContext) -> Result<Preview<Value>, StepError> {
    prepare(&TypedStep::<H>::new(), config)?.preview(ctx).await
}

/// Asks a handler whether the work was done by an attempt whose end nobody knows.
///
/// # Errors
/// What the handler fails with; an invalid config, the way the engine words it.
pub async fn already_done<H: StepHandler>(
    config: Value,
    ctx: &StepContext,
) -> Result<Done<Value>, StepError> {
    prepare(&TypedStep::<H>::new(), config)?.already_done(ctx).await
}

/// Takes back what [`execute`] did in a context with the same step id; without the output it gave, as after an
/// attempt that failed or was lost.
///
/// # Errors
/// What the handler fails with; an invalid config, the way the engine words it.
pub async fn undo<H: Undo>(
    config: Value,
    output: impl Into<Option<Value>>,
    ctx: &StepContext,
) -> Result<(), StepError> {
    prepare(&TypedStep::<H>::with_undo(), config)?.undo(output.into(), ctx).await
}

fn prepare<H: StepHandler>(
    handler: &TypedStep<H>,
    config: Value,
) -> Result<Box<dyn PreparedStep>, StepError> {
    let mut findings = Findings::default();
    handler.validate_written(&config, &mut findings);
    let prepared = handler
        .prepare(config)
        .map_err(|error| StepError::invalid(format!("config of {}: {error}", handler.name())))?;
    prepared.validate(&mut findings);
    match findings.into_iter().find(|finding| !finding.warning) {
        Some(finding) => {
            Err(StepError::invalid(format!("config of {}: {}", handler.name(), finding.message)))
        }
        None => Ok(prepared),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_interfaces::Effect;

    use super::*;
    use crate::TestRun;

    /// Repeats a text.
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Echo {
        text: String,
    }

    impl StepHandler for Echo {
        const NAME: &'static str = "test.echo";
        const EFFECT: Effect = Effect::ReadOnly;
        type Output = String;

        async fn execute(&self, ctx: &StepContext) -> Result<String, StepError> {
            ctx.log().info(&self.text);
            Ok(self.text.clone())
        }

        async fn preview(&self, _: &StepContext) -> Result<Preview<String>, StepError> {
            Ok(Preview::new("says it").output(self.text.clone()))
        }

        fn validate(&self, findings: &mut Findings) {
            if self.text.is_empty() {
                let place = vwmp_interfaces::Place::Config("/text".into());
                findings.error("test::empty", place, "nothing to say");
            }
        }
    }

    impl Undo for Echo {
        async fn undo(&self, output: Option<&String>, ctx: &StepContext) -> Result<(), StepError> {
            ctx.log().warn(format!("forget {}", output.map_or("it", String::as_str)));
            Ok(())
        }
    }

    #[tokio::test]
    async fn handlers_are_called_with_a_config_as_written() {
        let run = TestRun::new();
        let ctx = run.context("say");
        assert_eq!(execute::<Echo>(json!({ "text": "hi" }), &ctx).await.unwrap(), "hi");
        let seen = preview::<Echo>(json!({ "text": "hi" }), &ctx).await.unwrap();
        assert_eq!((seen.summary.as_str(), seen.output), ("says it", Some(json!("hi"))));
        assert_eq!(already_done::<Echo>(json!({ "text": "hi" }), &ctx).await.unwrap(), Done::Unknown);
        undo::<Echo>(json!({ "text": "hi" }), json!("hi"), &ctx).await.unwrap();
        undo::<Echo>(json!({ "text": "hi" }), None, &ctx).await.unwrap();
        assert_eq!(run.log(), ["info: hi", "warning: forget hi", "warning: forget it"]);
    }

    #[tokio::test]
    async fn a_config_that_does_not_fit_is_refused() {
        let ctx = TestRun::new().context("say");
        for (config, message) in [
            (json!({ "text": 3 }), "config of test.echo: text: invalid type: integer `3`, expected a string"),
            (json!({ "text": "" }), "config of test.echo: nothing to say"),
        ] {
            let error = execute::<Echo>(config, &ctx).await.unwrap_err();
            assert_eq!(error.message(), message);
        }
    }
}
