//! `flow.sleep`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::{
    Effect, Metadata, OrFail, Preview, StepContext, StepError, StepHandler, Timestamp, Wait, register,
};

use super::duration::Span;

/// How often the progress is told.
const TICK: Duration = Duration::from_secs(1);

/// What is shorter isn't worth ending an attempt for.
const LONG: Duration = Duration::from_secs(10);

/// The name under which the end of the wait is kept.
const UNTIL: &str = "until";

/// Waits for a time.
///
/// From ten seconds on, waiting holds no place and no process: the run can be stopped and resumed meanwhile, and the
/// time at which the wait ends stays the same. It doesn't count towards the step's `timeout`. The wait ends at once when
/// the run is cancelled.
///
/// ```yaml
/// - id: settle
///   handler: flow.sleep
///   config: { for: 10m }
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
        if self.r#for.duration < LONG {
            self.sleep_here(ctx).await?;
            return Ok(self.slept());
        }
        let at = self.end(ctx).await?;
        if ctx.clock().now() < at {
            return Err(StepError::wait(Wait::Until { at }));
        }
        Ok(self.slept())
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Slept>, StepError> {
        Ok(Preview::new(format!("waits for {}", self.r#for.text)).output(self.slept()))
    }
}

register!(step Sleep);

impl Sleep {
    /// The end that the first attempt set.
    async fn end(&self, ctx: &StepContext) -> Result<Timestamp, StepError> {
        if let Some(kept) = ctx.kept(UNTIL).await? {
            return serde_json::from_slice(&kept).or_permanent("the end of the wait can't be read");
        }
        let at = ctx.clock().now().after(self.r#for.duration);
        let kept = serde_json::to_vec(&at).or_permanent("the end of the wait can't be kept")?;
        ctx.keep(UNTIL, &kept).await?;
        Ok(at)
    }

    async fn sleep_here(&self, ctx: &StepContext) -> Result<(), StepError> {
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
        .await
    }

    fn slept(&self) -> Slept {
        Slept { milliseconds: u64::try_from(self.r#for.duration.as_millis()).unwrap_or(u64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;
    use vwmp_interfaces::Waited;
    use vwmp_testkit::context::DEFAULT_TIME;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_short_wait_stays_here_and_can_be_cancelled() {
        let run = TestRun::new();
        let ctx = run.context("sleep");
        let began = Instant::now();
        let slept = execute::<Sleep>(json!({ "for": "9s" }), &ctx).await.unwrap();
        assert_eq!((slept, began.elapsed().as_secs()), (json!({ "milliseconds": 9_000 }), 9));
        assert_eq!(run.progress().len(), 9);
        let seen = preview::<Sleep>(json!({ "for": "1h" }), &ctx).await.unwrap();
        assert_eq!((seen.summary.as_str(), began.elapsed().as_secs()), ("waits for 1h", 9));

        let (ended, ()) = tokio::join!(execute::<Sleep>(json!({ "for": "9s" }), &ctx), async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            run.cancel();
        });
        assert_eq!(ended.unwrap_err().message(), "the step was cancelled");
        assert_eq!(began.elapsed().as_secs(), 14);
        let wrong = execute::<Sleep>(json!({ "for": "10" }), &ctx).await.unwrap_err();
        assert_eq!(
            wrong.message(),
            "config of flow.sleep: for: `10` is no duration; write one such as 500ms, 10s, 2m or 1h30m"
        );
    }

    #[tokio::test]
    async fn a_long_wait_ends_the_attempt_and_its_end_stays() {
        let run = TestRun::new();
        let config = json!({ "for": "1h" });
        let end = Wait::Until { at: DEFAULT_TIME.after(Duration::from_secs(3600)) };
        for minutes in [0, 30] {
            run.advance(Duration::from_secs(minutes * 60));
            let error = execute::<Sleep>(config.clone(), &run.context("sleep")).await.unwrap_err();
            assert_eq!(error.waits_for(), Some(&end), "after {minutes} minutes");
        }
        run.advance(Duration::from_secs(1800));
        let run = run.waited(Waited::Elapsed);
        let slept = execute::<Sleep>(config, &run.context("sleep")).await.unwrap();
        assert_eq!(slept, json!({ "milliseconds": 3_600_000 }));
    }
}
