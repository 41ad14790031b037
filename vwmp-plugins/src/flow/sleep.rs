//! `flow.sleep`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::{Effect, Metadata, Preview, StepContext, StepError, StepHandler, register};

use super::duration::Span;

/// How often the progress is told.
const TICK: Duration = Duration::from_secs(1);

/// Waits for a time.
///
/// The wait ends at once when the run is cancelled. A step's `timeout` has to be longer than it.
///
/// ```yaml
/// - id: settle
///   handler: flow.sleep
///   config: { for: 10s }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sleep {
    /// How long, such as 500ms, 10s, 2m or 1h30m.
    r#for: Span,
}

/// The wait.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Slept {
    /// How long it was meant to take, in milliseconds.
    milliseconds: u64,
}

impl StepHandler for Sleep {
    const NAME: &'static str = "flow.sleep";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Slept;

    fn metadata() -> Metadata {
        Metadata { title: "Wait", category: "Flow", icon: "⏲" }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Slept, StepError> {
        let whole = self.r#for.duration;
        let end = tokio::time::Instant::now() + whole;
        ctx.unless_cancelled(async {
            loop {
                let left = end.saturating_duration_since(tokio::time::Instant::now());
                if left.is_zero() {
                    return Ok(());
                }
                ctx.progress((whole - left).as_secs(), Some(whole.as_secs()), "waiting");
                tokio::time::sleep(left.min(TICK)).await;
            }
        })
        .await?;
        Ok(self.slept())
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Slept>, StepError> {
        Ok(Preview::new(format!("waits for {}", self.r#for.text)).output(self.slept()))
    }
}

register!(step Sleep);

impl Sleep {
    fn slept(&self) -> Slept {
        Slept { milliseconds: u64::try_from(self.r#for.duration.as_millis()).unwrap_or(u64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_waits_and_can_be_cancelled() {
        let run = TestRun::new();
        let ctx = run.context("sleep");
        let began = Instant::now();
        let slept = execute::<Sleep>(json!({ "for": "1m30s" }), &ctx).await.unwrap();
        assert_eq!((slept, began.elapsed().as_secs()), (json!({ "milliseconds": 90_000 }), 90));
        assert_eq!(run.progress().len(), 90);
        let seen = preview::<Sleep>(json!({ "for": "1h" }), &ctx).await.unwrap();
        assert_eq!((seen.summary.as_str(), began.elapsed().as_secs()), ("waits for 1h", 90));

        let (ended, ()) = tokio::join!(execute::<Sleep>(json!({ "for": "1h" }), &ctx), async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            run.cancel();
        });
        assert_eq!(ended.unwrap_err().message(), "the step was cancelled");
        assert_eq!(began.elapsed().as_secs(), 95);
        let wrong = execute::<Sleep>(json!({ "for": "10" }), &ctx).await.unwrap_err();
        assert_eq!(
            wrong.message(),
            "config of flow.sleep: for: `10` is no duration; write one such as 500ms, 10s, 2m or 1h30m"
        );
    }
}
