//! The step handler: one kind of step.

use std::future::Future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::adapter::Capability;
use crate::context::StepContext;
use crate::error::StepError;
use crate::finding::Findings;
use crate::preview::Preview;

/// One kind of step. The implementing struct *is* the step's `config:` block: serde reads it,
/// schemars describes it, and its doc comment is its manual page.
///
/// ```
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
/// use vwmp_interfaces::{Effect, StepContext, StepError, StepHandler, register};
///
/// /// Greets somebody.
/// ///
/// /// ```yaml
/// /// - id: hello
/// ///   handler: greeting.say
/// ///   config: { to: world }
/// /// ```
/// #[derive(Debug, Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Say {
///     /// Whom to greet.
///     to: String,
/// }
///
/// /// What a greeting leaves behind.
/// #[derive(Serialize, JsonSchema)]
/// struct Said {
///     /// The words.
///     text: String,
/// }
///
/// impl StepHandler for Say {
///     const NAME: &'static str = "greeting.say";
///     const EFFECT: Effect = Effect::ReadOnly;
///     type Output = Said;
///
///     async fn execute(&self, ctx: &StepContext) -> Result<Said, StepError> {
///         let text = format!("hello, {}", self.to);
///         ctx.log().info(&text);
///         Ok(Said { text })
///     }
/// }
///
/// register!(step Say);
/// # fn main() {}
/// ```
pub trait StepHandler: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The name that workflows write after `handler:`, as `group.verb`.
    const NAME: &'static str;
    /// What doing the same step a second time would do. Retry and resume obey it.
    const EFFECT: Effect;
    /// Whether others see the work from then on and it can't be taken back: a push, a publication. A run that
    /// fails after such a step is continued, never rolled back.
    const POINT_OF_NO_RETURN: bool = false;
    /// What later steps read as `$<step-outputs.ID.…>`.
    type Output: Serialize + JsonSchema + Send;

    /// Does the work once. Should return soon after [`StepContext::cancelled`] fires.
    fn execute(&self, ctx: &StepContext) -> impl Future<Output = Result<Self::Output, StepError>> + Send;

    /// Title, icon and category for people; the description is the doc comment.
    fn metadata() -> Metadata {
        Metadata::default()
    }

    /// The capabilities that [`StepHandler::execute`] will ask its context for. The engine opens
    /// the adapters that serve them before the first step runs.
    fn requires() -> Vec<Capability> {
        Vec::new()
    }

    /// Ids of steps whose outputs this step reads, beyond those that its config names in `$<…>`.
    /// `config` is as written: expressions are not resolved yet.
    fn dependencies(config: &Value) -> Vec<String> {
        let _ = config;
        Vec::new()
    }

    /// Reports what is wrong with a config as written, before anything is resolved. The JSON
    /// Schema was checked already. Touches nothing outside the process.
    fn validate_written(config: &Value, findings: &mut Findings) {
        let _ = (config, findings);
    }

    /// Reports what the schema can't say about a config with all its values. Called before the
    /// run when every value is literal, and before each attempt otherwise. Touches nothing
    /// outside the process.
    fn validate(&self, findings: &mut Findings) {
        let _ = findings;
    }

    /// Says what [`StepHandler::execute`] would do. May read, must not change anything.
    fn preview(
        &self,
        ctx: &StepContext,
    ) -> impl Future<Output = Result<Preview<Self::Output>, StepError>> + Send {
        let _ = ctx;
        async { Ok(Preview::unknown()) }
    }

    /// Looks up whether the work was done by an attempt whose end nobody knows: the process died in between.
    /// Only looks. Asked before such a step is repeated, and before anybody is asked about it.
    fn already_done(
        &self,
        ctx: &StepContext,
    ) -> impl Future<Output = Result<Done<Self::Output>, StepError>> + Send {
        let _ = ctx;
        async { Ok(Done::Unknown) }
    }

    /// The workflow file that the step calls, where it calls one. `config` is as written.
    fn calls(config: &Value) -> Option<String> {
        let _ = config;
        None
    }

    /// Whether another attempt may succeed after this error.
    fn can_retry(&self, error: &StepError) -> bool {
        error.is_transient()
    }

    /// How long to wait after the failed attempt number `attempt` (from 1) where the workflow
    /// doesn't say: 2^attempt seconds, at most 60.
    fn retry_delay(&self, attempt: u32) -> Duration {
        default_retry_delay(attempt)
    }
}

/// A handler that can take its work back. Registered with `register!(step NAME: undo);`.
pub trait Undo: StepHandler<Output: DeserializeOwned + Sync> {
    /// Takes back what the step did. Refuses when someone has changed the result since. There is no `output`
    /// when the last attempt failed or its end is unknown: then what was kept before acting
    /// ([`StepContext::kept`]) says what there is to take back, if anything. Done twice, it leaves the world as
    /// once does: the process may die in between.
    fn undo(
        &self,
        output: Option<&Self::Output>,
        ctx: &StepContext,
    ) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// The consequence of doing a step a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Only looks. Repeated at will.
    ReadOnly,
    /// Twice leaves the world as once does. Repeated on failure and on resume.
    Idempotent,
    /// Can't be repeated safely. Never repeated when nobody knows how the last attempt ended.
    Once,
}

/// What [`StepHandler::already_done`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done<T> {
    /// The work is done; with the output it would have given.
    Yes(T),
    /// Nothing of it is done.
    No,
    /// It can't be told.
    Unknown,
}

/// What people see of a plugin beside its name and its description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Metadata {
    /// A few words in title case; the name is shown where this is empty.
    pub title: &'static str,
    /// The heading it is listed under; the part of the name before the dot where this is empty.
    pub category: &'static str,
    /// One character for lists and graphs, may be empty.
    pub icon: &'static str,
}

/// 2^attempt seconds, at most 60.
pub fn default_retry_delay(attempt: u32) -> Duration {
    Duration::from_secs(2_u64.checked_pow(attempt).unwrap_or(60).min(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delays_double_up_to_a_minute() {
        let delays: Vec<u64> = (1..=8).map(|attempt| default_retry_delay(attempt).as_secs()).collect();
        assert_eq!(delays, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(default_retry_delay(u32::MAX).as_secs(), 60);
    }
}
