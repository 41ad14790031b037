//! A workflow with everything bound: steps in a fixed order, edges as numbers. Immutable.

mod build;
mod extras;
mod fan_out;
mod graph;
pub mod preview;
pub mod render;
mod retry;
mod scope;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vwmp_interfaces::workflow_type::FailurePolicy;

use crate::config::Resolved;
use crate::masking::Masker;
use crate::registry::{RegisteredAdapter, RegisteredStep, RegisteredWorkflowType};
use crate::template::{Condition, Reference, Template};

pub(crate) use build::{build, build_to_look_at, sketch};
pub use extras::{CachePolicy, Called, Extras, FanOut, Items, MOST_ITEMS};
pub use fan_out::{NoItems, items};
pub(crate) use graph::sort;
pub use graph::{Cycle, Graph};
pub use retry::{Backoff, RetryPolicy};

/// A workflow with everything bound. Made by [`crate::workflow::Workflow::plan`].
pub struct Plan {
    pub(crate) workflow_id: Arc<str>,
    pub(crate) workflow_name: Arc<str>,
    pub(crate) workflow_type: Option<Arc<RegisteredWorkflowType>>,
    pub(crate) workspace: Arc<Path>,
    pub(crate) environment: Arc<BTreeMap<String, String>>,
    pub(crate) parameters: Arc<Value>,
    pub(crate) config: Arc<Value>,
    /// The config with the origin of each value; secrets are masked.
    pub(crate) resolved: Resolved,
    pub(crate) adapters: Vec<PlannedAdapter>,
    /// What expressions read of adapters, defaults included, by instance.
    pub(crate) adapter_configs: Map<String, Value>,
    pub(crate) max_parallel: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_failure: FailurePolicy,
    /// The lock that the run holds from its first step to its last.
    pub(crate) lock: Option<Arc<str>>,
    /// What the run gives to whoever called it, by name.
    pub(crate) outputs: Arc<[(String, Template)]>,
    pub(crate) steps: Vec<PlannedStep>,
    /// How many of `steps` belong to the main part; the others are `finally`.
    pub(crate) main_steps: usize,
    pub(crate) graph: Graph,
    pub(crate) by_id: HashMap<Arc<str>, StepIndex>,
    /// Opened when a step reads a secret, and asked in this order.
    pub(crate) secret_sources: Vec<PlannedAdapter>,
    /// What is secret before the run: parameters, and config that its schema says is.
    pub(crate) secrets: Vec<String>,
    pub(crate) masker: Masker,
}

/// The place of a step in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepIndex(u32);

/// One step of a plan.
#[derive(Clone)]
pub struct PlannedStep {
    pub(crate) id: Arc<str>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) handler: Arc<RegisteredStep>,
    /// Shared by steps that have none.
    pub(crate) config: Arc<Template>,
    pub(crate) when: Option<Arc<Condition>>,
    pub(crate) policy: Arc<StepPolicy>,
    /// What few steps have.
    pub(crate) extras: Option<Arc<Extras>>,
}

/// How a step is carried out. Steps that are carried out alike share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StepPolicy {
    /// Whether the run fails when the step does.
    pub required: bool,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// When a failed attempt is followed by another.
    pub retry: RetryPolicy,
    /// Which of the ready steps goes first: the higher one.
    pub priority: i32,
    /// The adapter instances that the step chose.
    pub adapters: Arc<[String]>,
}

/// An adapter that the run opens.
pub struct PlannedAdapter {
    /// The instance, such as `git` or `git@docs`.
    pub(crate) instance: String,
    pub(crate) adapter: Arc<RegisteredAdapter>,
    /// Its config, all layers merged.
    pub(crate) config: Value,
}

impl Plan {
    /// Masks these texts as well, wherever people look.
    pub(crate) fn conceal(&mut self, secrets: impl IntoIterator<Item = String>) {
        self.secrets.extend(secrets);
        self.masker = Masker::new(&self.secrets);
    }

    /// Masks whatever another plan masks.
    pub fn conceal_as(&mut self, other: &Self) {
        self.conceal(other.secrets.iter().cloned());
    }

    /// The workflow's name.
    pub fn workflow_name(&self) -> &str {
        &self.workflow_name
    }

    /// Where the workflow was read from.
    pub fn workflow_id(&self) -> &str {
        &self.workflow_id
    }

    /// The directory that relative paths start from.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// The parameters, with their defaults.
    pub fn parameters(&self) -> &Value {
        &self.parameters
    }

    /// The workflow's config, all layers merged.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The workflow's config with the origin of each value; secrets are masked.
    pub fn resolved_config(&self) -> &Resolved {
        &self.resolved
    }

    /// The steps: each after all that it needs, `finally` steps last.
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The steps with their places.
    pub fn indexed(&self) -> impl Iterator<Item = (StepIndex, &PlannedStep)> {
        self.steps.iter().enumerate().map(|(i, step)| (StepIndex::new(i), step))
    }

    /// The place of a step.
    pub fn find(&self, id: &str) -> Option<StepIndex> {
        self.by_id.get(id).copied()
    }

    /// The steps that must end before this one starts.
    pub fn needs(&self, step: StepIndex) -> &[StepIndex] {
        self.graph.needs(step)
    }

    /// Whether a step belongs to `finally`.
    pub fn is_finally(&self, step: StepIndex) -> bool {
        step.get() >= self.main_steps
    }

    /// What happens when a step fails.
    pub fn on_failure(&self) -> FailurePolicy {
        self.on_failure
    }

    /// The lock that the run holds from its first step to its last.
    pub fn lock(&self) -> Option<&str> {
        self.lock.as_deref()
    }

    /// What the run gives to whoever called it, by name.
    pub fn outputs(&self) -> &[(String, Template)] {
        &self.outputs
    }

    /// How many steps may run at once.
    pub fn max_parallel(&self) -> usize {
        self.max_parallel
    }

    /// Takes out of texts what must not be shown of the plan.
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// The instances of the adapters that are asked for secrets, in that order; none when no step reads any.
    pub fn secret_sources(&self) -> impl Iterator<Item = &str> {
        self.secret_sources.iter().map(|source| source.instance.as_str())
    }

    /// The instances of the adapters that the run opens.
    pub fn adapters(&self) -> impl Iterator<Item = &str> {
        self.adapters.iter().map(|adapter| adapter.instance.as_str())
    }
}

impl std::ops::Index<StepIndex> for Plan {
    type Output = PlannedStep;
    fn index(&self, step: StepIndex) -> &PlannedStep {
        &self.steps[step.get()]
    }
}

impl PlannedStep {
    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name for people; the id where there is none.
    pub fn name(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.id)
    }

    /// The handler.
    pub fn handler(&self) -> &RegisteredStep {
        &self.handler
    }

    /// The config, with its expressions.
    pub fn config(&self) -> &Template {
        &self.config
    }

    /// The condition.
    pub fn when(&self) -> Option<&Condition> {
        self.when.as_deref()
    }

    /// The ids of the steps whose outputs its expressions read.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &str> {
        let conditions = self.when().into_iter().flat_map(Condition::references);
        let references = self.templates().flat_map(Template::references).map(|(_, reference)| reference);
        references.chain(conditions).filter_map(Reference::output_of)
    }

    /// What its values are made from.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let items = self.fan_out().into_iter().flat_map(FanOut::templates);
        items.chain(self.cache().map(|cache| &cache.key)).chain([&*self.config])
    }

    /// How it is carried out.
    pub fn policy(&self) -> &StepPolicy {
        &self.policy
    }

    /// How it fans out, if it does.
    pub fn fan_out(&self) -> Option<&FanOut> {
        self.extras.as_deref()?.fan_out.as_ref()
    }

    /// The lock that it holds from its start to its end.
    pub fn lock(&self) -> Option<&Arc<str>> {
        self.extras.as_deref()?.lock.as_ref()
    }

    /// When an earlier result may stand for it.
    pub fn cache(&self) -> Option<&CachePolicy> {
        self.extras.as_deref()?.cache.as_ref()
    }

    /// The workflow that it calls, where that was read before the run.
    pub fn called(&self) -> Option<&Called> {
        self.extras.as_deref()?.called.as_ref()
    }
}

impl StepIndex {
    /// The place with this number.
    ///
    /// # Panics
    /// With more than 2^32 steps, which no document can hold.
    pub(crate) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a plan has fewer than 2^32 steps"))
    }

    /// The number, from 0.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({}, {} steps)", self.workflow_name, self.steps.len())
    }
}

impl fmt::Debug for PlannedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlannedStep({}, {})", self.id, self.handler.name())
    }
}

#[cfg(test)]
mod tests;
