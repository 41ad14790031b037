//! `notify.email`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Notification, Notifier};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, register,
};

use super::adapter::address_problem;

/// Sends an e-mail through the mail server that the adapter `smtp` is set up with.
///
/// All attempts of a step send the same message id, so that a mail that comes twice can be recognised.
///
/// ```yaml
/// - id: tell
///   handler: notify.email
///   config:
///     to: [team@example.com]
///     subject: Version $<parameters.version> is out
///     text: |
///       Have a look at the changelog.
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Whom it is for, each as `name@example.com` or `Name <name@example.com>`.
    #[schemars(length(min = 1))]
    to: Vec<String>,
    /// Who gets a copy, seen by all.
    #[serde(default)]
    cc: Vec<String>,
    /// Who gets a copy, seen by nobody.
    #[serde(default)]
    bcc: Vec<String>,
    /// The sender; that of the adapter where this isn't given.
    #[serde(default)]
    from: Option<String>,
    /// Where answers go; to the sender where this isn't given.
    #[serde(default)]
    reply_to: Option<String>,
    /// What it is about.
    #[schemars(length(min = 1))]
    subject: String,
    /// The message.
    text: String,
    /// The same message as HTML, for those who can read it.
    #[serde(default)]
    html: Option<String>,
}

/// What the mail server said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sent {
    /// How many addresses it went to.
    recipients: usize,
    /// The server's own words.
    answer: String,
}

impl StepHandler for Email {
    const NAME: &'static str = "notify.email";
    const EFFECT: Effect = Effect::Once;
    type Output = Sent;

    fn metadata() -> Metadata {
        Metadata { title: "Send an E-Mail", category: "Notify", icon: "✉" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Notifier>()]
    }

    fn validate(&self, findings: &mut Findings) {
        let lists = [("to", &self.to), ("cc", &self.cc), ("bcc", &self.bcc)];
        let listed = lists.into_iter().flat_map(|(key, list)| {
            list.iter().enumerate().map(move |(index, address)| (format!("/{key}/{index}"), address))
        });
        let single = [("/from", &self.from), ("/reply_to", &self.reply_to)];
        let single = single.into_iter().filter_map(|(key, one)| Some((key.to_owned(), one.as_ref()?)));
        for (place, address) in listed.chain(single) {
            if let Some(problem) = address_problem(address) {
                findings.error("notify::address", Place::Config(place), problem);
            }
        }
        if self.subject.contains(['\n', '\r']) {
            let message = "the subject has a line break";
            findings.error("notify::subject", Place::Config("/subject".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Sent, StepError> {
        let notifier = ctx.require::<dyn Notifier>()?;
        let notification = self.notification(ctx);
        let receipt = ctx.unless_cancelled(notifier.send(&notification)).await?;
        ctx.log().info(format!("the mail server took the message: {}", receipt.answer));
        Ok(Sent { recipients: self.recipients().count(), answer: receipt.answer })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Sent>, StepError> {
        let notifier = ctx.require::<dyn Notifier>()?;
        if self.from.is_none() && notifier.default_sender().is_none() {
            return Err(StepError::invalid(
                "the message has no sender; add `from` to the step or to the adapter smtp",
            ));
        }
        let to: Vec<&str> = self.recipients().map(String::as_str).collect();
        let count = self.recipients().count();
        Ok(Preview::new(format!("sends `{}` by e-mail", self.subject))
            .action(format!("send an e-mail to {}: {}", to.join(", "), self.subject))
            .known("recipients", count))
    }
}

register!(step Email);

impl Email {
    fn recipients(&self) -> impl Iterator<Item = &String> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    fn notification(&self, ctx: &StepContext) -> Notification {
        Notification {
            from: self.from.clone(),
            to: self.to.clone(),
            cc: self.cc.clone(),
            bcc: self.bcc.clone(),
            reply_to: self.reply_to.clone(),
            subject: self.subject.clone(),
            text: self.text.clone(),
            html: self.html.clone(),
            id: ctx.idempotency_key(),
        }
    }
}

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
