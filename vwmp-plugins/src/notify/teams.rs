//! `notify.teams`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use vwmp_interfaces::capability::Http;
use vwmp_interfaces::{
    Capability, Effect, Metadata, Preview, Secret, StepContext, StepError, StepHandler, register,
};

use super::post::{Hook, Posted, first_line};

/// Posts a card to a channel of Microsoft Teams, through a web hook of its workflows or an incoming one.
///
/// The text may use the Markdown that cards understand: `**bold**`, `_italic_`, lists and links. The address counts as a
/// secret.
///
/// ```yaml
/// - id: tell
///   handler: notify.teams
///   config:
///     url: $<parameters.teams_hook>
///     title: Released
///     text: Version **$<parameters.version>** is out.
///     fields: { Branch: main }
///     links: { Notes: "https://example.com/releases/latest" }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// The address of the web hook.
    url: Secret,
    /// The message.
    text: String,
    /// A heading above it.
    #[serde(default)]
    title: Option<String>,
    /// Facts below it.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Buttons that open an address, by their words.
    #[serde(default)]
    links: BTreeMap<String, String>,
}

impl StepHandler for Teams {
    const NAME: &'static str = "notify.teams";
    const EFFECT: Effect = Effect::Once;
    type Output = Posted;

    fn metadata() -> Metadata {
        Metadata { title: "Post to Teams", category: "Notify", icon: "T" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Http>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Posted, StepError> {
        let hook = self.hook();
        let posted = hook.post(ctx, &self.payload(), &BTreeMap::new(), &BTreeMap::new()).await?;
        // Older web hooks say 200 whatever happened.
        if posted.answer.contains("message delivery failed") {
            let busy = posted.answer.contains("429");
            let message = format!("{} took the message but couldn't deliver it", hook.name());
            let error = if busy { StepError::transient(message) } else { StepError::permanent(message) };
            return Err(error.caused_by(posted.answer));
        }
        Ok(posted)
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Posted>, StepError> {
        let name = self.hook().name();
        let action = format!("post to {name}: {}", first_line(self.title.as_ref().unwrap_or(&self.text)));
        Ok(Preview::new("posts to Teams").action(action))
    }
}

register!(step Teams);

impl Teams {
    fn hook(&self) -> Hook<'_> {
        Hook { kind: "the Teams web hook", url: &self.url }
    }

    fn payload(&self) -> Value {
        let mut body = Vec::new();
        if let Some(title) = &self.title {
            body.push(json!({ "type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true, "text": title }));
        }
        body.push(json!({ "type": "TextBlock", "wrap": true, "text": self.text }));
        if !self.fields.is_empty() {
            let fact = |(name, value)| json!({ "title": name, "value": value });
            body.push(
                json!({ "type": "FactSet", "facts": self.fields.iter().map(fact).collect::<Vec<_>>() }),
            );
        }
        let mut card = json!({
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": body,
        });
        if !self.links.is_empty() {
            let open = |(title, url)| json!({ "type": "Action.OpenUrl", "title": title, "url": url });
            card["actions"] = self.links.iter().map(open).collect();
        }
        let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "content": card });
        json!({ "type": "message", "attachments": [attachment] })
    }
}
