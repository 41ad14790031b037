//! `notify.slack`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use vwmp_interfaces::capability::Http;
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, Secret, StepContext, StepError, StepHandler,
    register,
};

use super::post::{Hook, Posted, first_line};

/// What Slack takes in one section.
const LONGEST_TEXT: usize = 3000;

/// Posts a message to a channel of Slack, Mattermost, or what else understands Slack's incoming web hooks.
///
/// The text may use Slack's marks (`*bold*`, `_italic_`, `` `code` ``). Values can't mention anybody or fake a
/// link: `<`, `>` and `&` arrive as they are written. The address counts as a secret.
///
/// ```yaml
/// - id: tell
///   handler: notify.slack
///   config:
///     url: $<parameters.slack_hook>
///     title: Released
///     text: Version *$<parameters.version>* is out.
///     fields: { Branch: main }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The address of the incoming web hook.
    url: Secret,
    /// The message.
    text: String,
    /// A heading above it.
    #[serde(default)]
    #[schemars(length(max = 150))]
    title: Option<String>,
    /// Facts below it, at most ten.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 10))]
    fields: BTreeMap<String, String>,
    /// Blocks of Slack's own, in place of `title` and `fields`; `text` is what notifications show then.
    #[serde(default)]
    blocks: Option<Vec<Value>>,
}

impl StepHandler for Slack {
    const NAME: &'static str = "notify.slack";
    const EFFECT: Effect = Effect::Once;
    type Output = Posted;

    fn metadata() -> Metadata {
        Metadata { title: "Post to Slack", category: "Notify", icon: "#" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Http>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if self.blocks.is_some() && (self.title.is_some() || !self.fields.is_empty()) {
            let message = "`blocks` takes the place of `title` and `fields`; remove one or the other";
            findings.error("notify::blocks", Place::Config("/blocks".into()), message);
        }
        let length = escaped(&self.text).chars().count();
        if length > LONGEST_TEXT {
            let message =
                format!("the text has {length} characters, more than the {LONGEST_TEXT} that Slack takes");
            findings.error("notify::too-long", Place::Config("/text".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Posted, StepError> {
        self.hook().post(ctx, &self.payload(), &BTreeMap::new(), &BTreeMap::new()).await
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Posted>, StepError> {
        let name = self.hook().name();
        let action = format!("post to {name}: {}", first_line(self.title.as_ref().unwrap_or(&self.text)));
        Ok(Preview::new("posts to Slack").action(action))
    }
}

register!(step Slack);

impl Slack {
    fn hook(&self) -> Hook<'_> {
        Hook { kind: "the Slack web hook", url: &self.url }
    }

    fn payload(&self) -> Value {
        let text = escaped(&self.text);
        if let Some(blocks) = &self.blocks {
            return json!({ "text": text, "blocks": blocks });
        }
        let Some(title) = &self.title else {
            return match self.fields.is_empty() {
                true => json!({ "text": text }),
                false => json!({ "text": text, "blocks": [section(&text), self.facts()] }),
            };
        };
        let heading = json!({ "type": "header", "text": { "type": "plain_text", "text": title } });
        let mut blocks = vec![heading, section(&text)];
        if !self.fields.is_empty() {
            blocks.push(self.facts());
        }
        json!({ "text": format!("{}: {text}", escaped(title)), "blocks": blocks })
    }

    fn facts(&self) -> Value {
        let fact = |(name, value): (&String, &String)| json!({ "type": "mrkdwn", "text": format!("*{}*\n{}", escaped(name), escaped(value)) });
        json!({ "type": "section", "fields": self.fields.iter().map(fact).collect::<Vec<_>>() })
    }
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// As Slack wants what isn't its own markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
