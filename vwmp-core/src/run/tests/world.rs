//! Handlers that change a world which outlives every run in it, so that tests can see what was really done.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use vwmp_interfaces::{
    ApprovalRequest, Done, Effect, StepContext, StepError, StepHandler, Undo, Wait, Waited,
};

use super::plans::{StepDraft, step};

/// What was done, in order: `+s0` for a step's work, `-s0` for taking it back.
static WORLDS: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);

pub(super) fn deeds(world: &str) -> Vec<String> {
    WORLDS.lock().unwrap().get(world).cloned().unwrap_or_default()
}

fn note(world: &str, deed: String) {
    WORLDS.lock().unwrap().entry(world.into()).or_default().push(deed);
}

/// How often more a step's work was done than taken back.
pub(super) fn standing(world: &str, step: &str) -> i32 {
    let count =
        |sign: &str| deeds(world).iter().filter(|deed| **deed == format!("{sign}{step}")).count() as i32;
    count("+") - count("-")
}

/// A step that does its work in a world.
pub(super) fn deed(handler: &str, world: &str, needs: &[usize]) -> StepDraft {
    step(handler, json!({ "world": world }), needs)
}

macro_rules! deed_handlers {
    ($($(#[$doc:meta])* $type:ident $name:literal $effect:ident $no_return:literal $known:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Deserialize, JsonSchema)]
        pub(super) struct $type {
            world: String,
            /// Whether the work fails.
            #[serde(default)]
            fails: bool,
            /// The item whose work fails.
            #[serde(default)]
            fails_as: String,
            /// Whether taking it back fails.
            #[serde(default)]
            stays: bool,
            #[serde(default)]
            seconds: u64,
        }
        impl StepHandler for $type {
            const NAME: &'static str = $name;
            const EFFECT: Effect = Effect::$effect;
            const POINT_OF_NO_RETURN: bool = $no_return;
            type Output = String;
            async fn execute(&self, ctx: &StepContext) -> Result<String, StepError> {
                ctx.keep("begun", b"yes").await?;
                if self.seconds > 0 {
                    tokio::time::sleep(Duration::from_secs(self.seconds)).await;
                }
                if self.fails || self.fails_as == ctx.step_id() {
                    return Err(StepError::permanent("refused"));
                }
                // Done twice, it is as done once; what must not be repeated would show.
                if Self::EFFECT == Effect::Once || standing(&self.world, ctx.step_id()) == 0 {
                    note(&self.world, format!("+{}", ctx.step_id()));
                }
                Ok(ctx.step_id().to_owned())
            }
            async fn already_done(&self, ctx: &StepContext) -> Result<Done<String>, StepError> {
                Ok(match standing(&self.world, ctx.step_id()) {
                    _ if !$known => Done::Unknown,
                    0 => Done::No,
                    _ => Done::Yes(ctx.step_id().to_owned()),
                })
            }
        }
        impl Undo for $type {
            async fn undo(&self, output: Option<&String>, ctx: &StepContext) -> Result<(), StepError> {
                if self.stays {
                    return Err(StepError::permanent("changed since"));
                }
                assert!(output.is_none_or(|output| output == ctx.step_id()));
                if standing(&self.world, ctx.step_id()) > 0 {
                    note(&self.world, format!("-{}", ctx.step_id()));
                }
                Ok(())
            }
        }
    )* };
}

deed_handlers! {
    /// Can be repeated and taken back.
    Mark "test.mark" Idempotent false false;
    /// Must not be repeated, and it can be told whether it is done.
    MarkOnce "test.mark_once" Once false true;
    /// Must not be repeated, and nobody can tell.
    MarkBlind "test.mark_blind" Once false false;
    /// Others see it at once.
    Publish "test.publish" Once true true;
}

/// Asks people.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Ask {
    #[serde(default)]
    seconds: Option<u64>,
}
impl StepHandler for Ask {
    const NAME: &'static str = "test.ask";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = String;
    async fn execute(&self, ctx: &StepContext) -> Result<String, StepError> {
        match ctx.waited() {
            None => Err(StepError::wait(Wait::Approval(ApprovalRequest {
                message: "go on?".into(),
                timeout: self.seconds.map(Duration::from_secs),
            }))),
            Some(Waited::Elapsed) => Err(StepError::permanent("nobody answered")),
            Some(Waited::Answered { approved: true, by, .. }) => Ok(by.clone()),
            Some(Waited::Answered { by, comment, .. }) => {
                Err(StepError::permanent(format!("{by} said no: {comment}")))
            }
        }
    }
}
