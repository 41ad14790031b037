//! `notify.webhook`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use vwmp_interfaces::capability::Http;
use vwmp_interfaces::{
    Capability, Effect, Metadata, Preview, Secret, StepContext, StepError, StepHandler, register,
};

use super::post::{Hook, Posted};

/// Posts a JSON document to a web hook.
///
/// The address counts as a secret: only its host is ever shown.
///
/// ```yaml
/// - id: tell
///   handler: notify.webhook
///   config:
///     url: $<parameters.hook>
///     payload: { event: released, version: $<parameters.version> }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address.
    url: Secret,
    /// The document.
    payload: Value,
    /// Header fields.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Header fields that are never shown.
    #[serde(default)]
    secret_headers: BTreeMap<String, Secret>,
}

impl StepHandler for Webhook {
    const NAME: &'static str = "notify.webhook";
    const EFFECT: Effect = Effect::Once;
    type Output = Posted;

    fn metadata() -> Metadata {
        Metadata { title: "Call a Web Hook", category: "Notify", icon: "⚓" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Http>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Posted, StepError> {
        self.hook().post(ctx, &self.payload, &self.headers, &self.secret_headers).await
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Posted>, StepError> {
        let name = self.hook().name();
        Ok(Preview::new(format!("calls {name}")).action(format!("post {} to {name}", self.payload)))
    }
}

register!(step Webhook);

impl Webhook {
    fn hook(&self) -> Hook<'_> {
        Hook { kind: "the web hook", url: &self.url }
    }
}
