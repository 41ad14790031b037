//! `flow.call`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use vwmp_interfaces::context::Call as Request;
use vwmp_interfaces::{
    Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo, register,
};

/// Runs another workflow as a step of this one.
///
/// It is a run of its own, with its own parameters, limits and records; its `outputs` become the output of this step.
/// When the step is repeated, or the run resumed, the same run is continued: what is done in it isn't done again. The
/// step fails where the workflow can't be read, has mistakes, isn't given what it requires, or fails. Workflows may call
/// each other some levels deep, and never themselves.
///
/// Undoing it takes back what the workflow did, its last step first; it refuses when something can't be taken back.
///
/// ```yaml
/// - id: deploy
///   handler: flow.call
///   config:
///     workflow: ./deploy.yaml
///     parameters: { environment: staging, version: $<step-outputs.bump.new_version> }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The file of the workflow, relative to the file of this one.
    #[schemars(length(min = 1))]
    workflow: String,
    /// Its parameters.
    #[serde(default)]
    parameters: Map<String, Value>,
}

impl StepHandler for Call {
    const NAME: &'static str = "flow.call";
    // The same call of the same step is the same run.
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Value;

    fn metadata() -> Metadata {
        Metadata { title: "Call a Workflow", category: "Flow", icon: "⤷" }
    }

    fn calls(config: &Value) -> Option<String> {
        config["workflow"].as_str().map(ToOwned::to_owned)
    }

    fn validate(&self, findings: &mut Findings) {
        if self.workflow.trim().is_empty() {
            findings.error("flow::workflow", Place::Config("/workflow".into()), "the workflow is empty");
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Value, StepError> {
        ctx.caller()?.call(self.request(), ctx).await
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Value>, StepError> {
        let parameters: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
        let with = match parameters.as_slice() {
            [] => String::new(),
            names => format!(" with {}", names.join(", ")),
        };
        let what = format!("{}{with}", self.workflow);
        Ok(Preview::new(format!("runs {what}")).action(format!("run the workflow {what}")))
    }
}

impl Undo for Call {
    async fn undo(&self, _: Option<&Value>, ctx: &StepContext) -> Result<(), StepError> {
        ctx.caller()?.undo(self.request(), ctx).await
    }
}

register!(step Call: undo);

impl Call {
    fn request(&self) -> Request {
        Request::new(&self.workflow, self.parameters.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::{TestRun, execute, preview, undo};

    use super::*;

    #[tokio::test]
    async fn a_workflow_is_called_and_taken_back() {
        let run = TestRun::new().answering_calls(json!({ "url": "https://example.com" }));
        let ctx = run.context("deploy");
        let config = json!({ "workflow": "./deploy.yaml", "parameters": { "environment": "staging" } });
        assert_eq!(Call::calls(&config).as_deref(), Some("./deploy.yaml"));
        let seen = preview::<Call>(config.clone(), &ctx).await.unwrap();
        assert_eq!(seen.summary, "runs ./deploy.yaml with environment");
        assert!(run.calls().is_empty());
        let output = execute::<Call>(config.clone(), &ctx).await.unwrap();
        assert_eq!(output, json!({ "url": "https://example.com" }));
        undo::<Call>(config, output, &ctx).await.unwrap();
        let parameters = json!({ "environment": "staging" }).as_object().cloned().unwrap();
        let request = Request::new("./deploy.yaml", parameters);
        assert_eq!((run.calls(), run.undone_calls()), (vec![request.clone()], vec![request]));
    }

    #[tokio::test]
    async fn somebody_has_to_run_it() {
        let config = json!({ "workflow": "./deploy.yaml" });
        let error = execute::<Call>(config, &TestRun::new().context("deploy")).await.unwrap_err();
        assert_eq!(error.message(), "this program can't run workflows that steps call");
    }
}
