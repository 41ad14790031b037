//! `flow.set`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use vwmp_interfaces::{Effect, Metadata, Preview, StepContext, StepError, StepHandler, register};

/// Gives names to values: each becomes an output of this step, with its type.
///
/// Useful to compute something once and read it in many places. It never fails.
///
/// ```yaml
/// - id: names
///   handler: flow.set
///   config:
///     values:
///       tag: v$<step-outputs.bump.new_version>
///       regions: [eu, us]
/// - id: tag
///   handler: git.create_tag
///   config: { name: $<step-outputs.names.tag> }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The values, by name.
    values: Map<String, Value>,
}

impl StepHandler for Set {
    const NAME: &'static str = "flow.set";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Map<String, Value>;

    fn metadata() -> Metadata {
        Metadata { title: "Set Values", category: "Flow", icon: "=" }
    }

    async fn execute(&self, _: &StepContext) -> Result<Map<String, Value>, StepError> {
        Ok(self.values.clone())
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Map<String, Value>>, StepError> {
        let names: Vec<&str> = self.values.keys().map(String::as_str).collect();
        Ok(Preview::new(format!("sets {}", names.join(", "))).output(self.values.clone()))
    }
}

register!(step Set);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;

    #[tokio::test]
    async fn values_keep_their_types() {
        let run = TestRun::new();
        let ctx = run.context("set");
        let values = json!({ "tag": "v1", "count": 3, "list": [true, null], "text": "$<not.evaluated>" });
        let config = json!({ "values": values });
        assert_eq!(execute::<Set>(config.clone(), &ctx).await.unwrap(), values);
        let seen = preview::<Set>(config, &ctx).await.unwrap();
        assert_eq!((seen.summary.as_str(), seen.output), ("sets tag, count, list, text", Some(values)));
    }
}
