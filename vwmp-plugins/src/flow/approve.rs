//! `flow.approve`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::{
    ApprovalRequest, Effect, Findings, Metadata, OrFail, Place, Preview, StepContext, StepError, StepHandler,
    Timestamp, Wait, Waited, register,
};

use super::duration::Span;

/// Waits until somebody says yes or no.
///
/// Whoever runs the workflow at a terminal is asked there; anybody else answers with `vwmp approve RUN STEP` or `vwmp
/// reject RUN STEP`. Waiting holds no place and no process: the run can be stopped and resumed meanwhile, and the
/// question stands. Who answered, when, and what they said about it is recorded and becomes the output.
///
/// A no fails the step, with the name and the comment of who said it, and so does a `timeout` without an answer, unless
/// `on_timeout: approve` takes silence for a yes.
///
/// ```yaml
/// - id: gate
///   handler: flow.approve
///   config:
///     message: Ship version $<step-outputs.bump.new_version>?
///     timeout: 24h
///     on_timeout: fail
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The question.
    message: String,
    /// How long to wait for an answer, such as 30m, 24h or 7d, counted from when it was first asked; for ever where this
    /// isn't given.
    #[serde(default)]
    timeout: Option<Span>,
    /// What no answer in time means: `fail`, or `approve` for a yes.
    #[serde(default)]
    on_timeout: OnTimeout,
}

// No doc comments on the variants, so that the schema is a plain `enum`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum OnTimeout {
    #[default]
    Fail,
    Approve,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Approved {
    /// Who said yes; null where nobody answered and that counts as a yes.
    approved_by: Option<String>,
    /// What they said about it; may be empty.
    comment: String,
    /// When, in UTC, such as `2026-01-31T12:00:00Z`.
    at: String,
}

impl StepHandler for Approve {
    const NAME: &'static str = "flow.approve";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Approved;

    fn metadata() -> Metadata {
        Metadata { title: "Ask for an Approval", category: "Flow", icon: "✋" }
    }

    fn validate(&self, findings: &mut Findings) {
        if self.message.trim().is_empty() {
            findings.error("flow::message", Place::Config("/message".into()), "the message is empty");
        }
        if self.on_timeout == OnTimeout::Approve && self.timeout.is_none() {
            let message = "`on_timeout: approve` means nothing without a `timeout`";
            findings.error("flow::timeout", Place::Config("/on_timeout".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Approved, StepError> {
        match ctx.waited() {
            None => Err(StepError::wait(Wait::Approval(self.request()))),
            Some(Waited::Answered { approved: true, by, comment, at }) => {
                ctx.log().info(told("approved", by, comment));
                Ok(Approved { approved_by: Some(by.clone()), comment: comment.clone(), at: written(*at)? })
            }
            Some(Waited::Answered { approved: false, by, comment, .. }) => {
                Err(StepError::permanent(told("rejected", by, comment)))
            }
            Some(Waited::Elapsed) => self.unanswered(ctx),
        }
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Approved>, StepError> {
        let limit = self.timeout.as_ref().map(|limit| format!(", for {} at most", limit.text));
        let limit = limit.unwrap_or_default();
        Ok(Preview::new("waits for an approval").action(format!("ask `{}`{limit}", self.message.trim())))
    }
}

register!(step Approve);

impl Approve {
    fn request(&self) -> ApprovalRequest {
        let timeout = self.timeout.as_ref().map(|limit| limit.duration);
        ApprovalRequest { message: self.message.trim().to_owned(), timeout }
    }

    fn unanswered(&self, ctx: &StepContext) -> Result<Approved, StepError> {
        let limit = self.timeout.as_ref().map_or("the time that was set", |limit| &limit.text);
        let message = format!("nobody answered within {limit}");
        match self.on_timeout {
            OnTimeout::Fail => Err(StepError::permanent(message)),
            OnTimeout::Approve => {
                ctx.log().warn(format!("{message}, which counts as a yes"));
                Ok(Approved { approved_by: None, comment: message, at: written(ctx.clock().now())? })
            }
        }
    }
}

fn told(what: &str, by: &str, comment: &str) -> String {
    match comment.trim() {
        "" => format!("{what} by {by}"),
        comment => format!("{what} by {by}: {comment}"),
    }
}

fn written(at: Timestamp) -> Result<String, StepError> {
    let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_microsecond(micros).or_permanent("the clock is far in the future")?;
    Ok(at.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use vwmp_testkit::context::DEFAULT_TIME;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;

    fn answered(approved: bool, comment: &str) -> Waited {
        Waited::Answered { approved, by: "ada".into(), comment: comment.into(), at: DEFAULT_TIME }
    }

    async fn after(waited: Waited, config: Value) -> Result<Value, String> {
        let ctx = TestRun::new().waited(waited).context("gate");
        execute::<Approve>(config, &ctx).await.map_err(|error| {
            assert!(!error.is_transient());
            error.message().to_owned()
        })
    }

    #[tokio::test]
    async fn it_asks_first() {
        let ctx = TestRun::new().context("gate");
        let config = json!({ "message": "Ship it?", "timeout": "24h" });
        let error = execute::<Approve>(config.clone(), &ctx).await.unwrap_err();
        let request =
            ApprovalRequest { message: "Ship it?".into(), timeout: Some(Duration::from_secs(86_400)) };
        assert_eq!(error.waits_for(), Some(&Wait::Approval(request)));
        let seen = preview::<Approve>(config, &ctx).await.unwrap();
        assert_eq!((seen.summary.as_str(), seen.output), ("waits for an approval", None));
    }

    #[tokio::test]
    async fn the_answer_decides() {
        let config = || json!({ "message": "Ship it?", "timeout": "1h" });
        let yes = json!({ "approved_by": "ada", "comment": "go", "at": "2026-01-02T03:04:05Z" });
        assert_eq!(after(answered(true, "go"), config()).await, Ok(yes));
        for (waited, error) in [
            (answered(false, "not on a Friday"), "rejected by ada: not on a Friday"),
            (answered(false, ""), "rejected by ada"),
            (Waited::Elapsed, "nobody answered within 1h"),
        ] {
            assert_eq!(after(waited, config()).await, Err(error.to_owned()));
        }
        let silence = json!({ "message": "Ship it?", "timeout": "1h", "on_timeout": "approve" });
        let output = after(Waited::Elapsed, silence).await.unwrap();
        assert_eq!(
            (&output["approved_by"], &output["comment"]),
            (&Value::Null, &json!("nobody answered within 1h"))
        );
        let endless = after(Waited::Elapsed, json!({ "message": "?", "on_timeout": "approve" })).await;
        let message = "config of flow.approve: `on_timeout: approve` means nothing without a `timeout`";
        assert_eq!(endless, Err(message.to_owned()));
    }
}
