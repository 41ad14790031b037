//! `flow.assert`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use vwmp_interfaces::{
    Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, register,
};

use super::noop::Nothing;

/// Fails unless something holds, with a message that says what is expected.
///
/// `that` is true or false, mostly the value of an expression. Anything else, such as the text `false`,
/// is refused, so that nothing passes by accident.
///
/// ```yaml
/// - id: enough-tests
///   handler: flow.assert
///   config:
///     that: $<parameters.environment != "prod">
///     message: releases to prod need a second pair of eyes
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assert {
    /// What has to be true.
    #[schemars(with = "bool")]
    that: Value,
    /// What is wrong where it isn't, and what to do.
    message: String,
}

impl StepHandler for Assert {
    const NAME: &'static str = "flow.assert";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Nothing;

    fn metadata() -> Metadata {
        Metadata { title: "Assert", category: "Flow", icon: "✓" }
    }

    fn validate(&self, findings: &mut Findings) {
        if !self.that.is_boolean() {
            let message = format!("`that` has to be true or false, and is {}", self.that);
            findings.error("flow::no-boolean", Place::Config("/that".into()), message);
        }
        if self.message.trim().is_empty() {
            findings.error("flow::message", Place::Config("/message".into()), "the message is empty");
        }
    }

    async fn execute(&self, _: &StepContext) -> Result<Nothing, StepError> {
        if self.that == Value::Bool(true) {
            Ok(Nothing {})
        } else {
            Err(StepError::permanent(&*self.message))
        }
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Nothing>, StepError> {
        let output = self.execute(ctx).await?;
        Ok(Preview::new("finds that it holds").output(output))
    }
}

register!(step Assert);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;

    #[tokio::test]
    async fn it_says_what_is_wrong() {
        let ctx = TestRun::new().context("assert");
        let config = |that: Value| json!({ "that": that, "message": "too late" });
        execute::<Assert>(config(json!(true)), &ctx).await.unwrap();
        assert_eq!(execute::<Assert>(config(json!(false)), &ctx).await.unwrap_err().message(), "too late");
        assert_eq!(preview::<Assert>(config(json!(false)), &ctx).await.unwrap_err().message(), "too late");
        let wrong = execute::<Assert>(config(json!("false")), &ctx).await.unwrap_err();
        assert_eq!(
            wrong.message(),
            "config of flow.assert: `that` has to be true or false, and is \"false\""
        );
    }
}
