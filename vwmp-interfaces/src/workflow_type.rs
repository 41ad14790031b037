//! The workflow type: what a kind of workflow, such as a release, has in common.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::StepError;
use crate::finding::Findings;
use tokio_util::sync::CancellationToken;

/// A kind of workflow, chosen with `type: NAME`: templates to start from, defaults, and rules.
pub trait WorkflowTypePlugin: Default + Send + Sync + 'static {
    /// The name that workflows write after `type:`.
    const NAME: &'static str;
    /// What the workflow's `config:` may hold beside its own keys, with defaults.
    type Config: DeserializeOwned + JsonSchema;

    /// Version, author and more, for people.
    fn metadata() -> WorkflowTypeMetadata;

    /// Workflows to start from, chosen with `template: NAME`.
    fn templates() -> Vec<WorkflowTemplate> {
        Vec::new()
    }

    /// The handlers that workflows of this type usually use, in their usual order.
    fn default_step_types() -> Vec<&'static str> {
        Vec::new()
    }

    /// What the type does when a workflow of it doesn't say `on_failure`.
    fn on_failure() -> FailurePolicy {
        FailurePolicy::Continue
    }

    /// The lock that a run of this type holds from its first step to its last, when the workflow doesn't say: runs
    /// that share a store and a lock follow each other.
    fn lock() -> Option<&'static str> {
        None
    }

    /// Reports what is wrong or doubtful in a workflow of this type. Touches nothing outside the
    /// process.
    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings) {
        let _ = (workflow, findings);
    }

    /// Called before the first step of a run.
    fn initialize(&self, ctx: &WorkflowContext) -> impl Future<Output = Result<(), StepError>> + Send {
        let _ = ctx;
        async { Ok(()) }
    }

    /// Called after the last step of a run, however it went.
    fn cleanup(&self, ctx: &WorkflowContext) -> impl Future<Output = Result<(), StepError>> + Send {
        let _ = ctx;
        async { Ok(()) }
    }
}

/// What people see of a workflow type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WorkflowTypeMetadata {
    /// A few words in title case.
    pub title: &'static str,
    /// The type's own version.
    pub version: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// Who made it.
    pub author: &'static str,
    /// One character for lists and graphs, may be empty.
    pub icon: &'static str,
}

/// A workflow to start from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkflowTemplate {
    /// The name that workflows write after `template:`.
    pub name: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// The workflow as YAML: `parameters`, `config` and `steps`, like in a workflow file. Its
    /// `config` is the template's default config.
    pub workflow: &'static str,
}

/// What happens to the other steps when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// Steps that don't need the failed one go on.
    Continue,
    /// No further step starts.
    Stop,
    /// No further step starts, and what was done is taken back, the last step first; unless a step that is a
    /// point of no return is done already.
    Rollback,
}

/// A checked workflow as the rules of its type see it.
#[derive(Debug, Clone, Default)]
pub struct WorkflowOutline {
    /// The workflow's name.
    pub name: String,
    /// The workflow's own config, as written.
    pub config: Value,
    /// The steps, `finally` steps last.
    pub steps: Vec<StepOutline>,
}

/// One step of a [`WorkflowOutline`].
#[derive(Debug, Clone, Default)]
pub struct StepOutline {
    /// The id.
    pub id: String,
    /// The handler's name.
    pub handler: String,
    /// Numbers of the steps that must end before this one starts, from `needs`, references and
    /// the order alike.
    pub needs: Vec<usize>,
    /// The config as written.
    pub config: Value,
    /// Whether it belongs to `finally`.
    pub finally: bool,
}

/// What the engine lends to a workflow type at the start and the end of a run.
pub struct WorkflowContext {
    /// The run.
    pub run_id: Arc<str>,
    /// The workspace; absolute.
    pub workspace: Arc<Path>,
    /// The parameters, with their defaults.
    pub parameters: Arc<Value>,
    /// The config, all layers merged.
    pub config: Arc<Value>,
    /// Fires when the run is cancelled.
    pub cancelled: CancellationToken,
}

impl WorkflowOutline {
    /// The numbers of the steps that use a handler, in the order written.
    pub fn using<'a>(&'a self, handler: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.steps.iter().enumerate().filter(move |(_, step)| step.handler == handler).map(|(i, _)| i)
    }

    /// Whether step `first` always ends before step `second` starts.
    pub fn precedes(&self, first: usize, second: usize) -> bool {
        let mut seen = vec![false; self.steps.len()];
        let mut todo = vec![second];
        while let Some(step) = todo.pop() {
            for &need in self.steps.get(step).map_or(&[][..], |step| &step.needs) {
                if need == first {
                    return true;
                }
                if !std::mem::replace(&mut seen[need], true) {
                    todo.push(need);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(handler: &str, needs: &[usize]) -> StepOutline {
        StepOutline { handler: handler.into(), needs: needs.into(), ..StepOutline::default() }
    }

    #[test]
    fn order_follows_the_edges_through_other_steps() {
        let steps = vec![step("a", &[]), step("b", &[0]), step("c", &[1]), step("a", &[])];
        let outline = WorkflowOutline { steps, ..WorkflowOutline::default() };
        assert!(outline.precedes(0, 2));
        assert!(!outline.precedes(2, 0));
        assert!(!outline.precedes(0, 3));
        assert_eq!(outline.using("a").collect::<Vec<_>>(), [0, 3]);
    }
}
