//! What the expressions of a running workflow read.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use vwmp_interfaces::Timestamp;
use vwmp_interfaces::context::Outputs;

use super::event::StepStatus;
use super::secrets::Secrets;
use super::state::RunState;
use super::unit::Unit;
use crate::plan::{Plan, StepIndex};
use crate::template::{Namespace, Scope};

/// How the steps of a run ended, as far as they have. Written once a step, in `apply` alone.
#[derive(Debug, Default)]
pub(crate) struct Board {
    steps: Box<[OnceLock<Ended>]>,
    /// Facts about the whole main part, there once it has ended.
    run: OnceLock<Value>,
}

/// What all steps of a run read.
#[derive(Debug)]
pub(crate) struct RunValues {
    pub(crate) plan: Arc<Plan>,
    pub(crate) run_id: Arc<str>,
    pub(crate) started: Timestamp,
    pub(crate) board: Arc<Board>,
    pub(crate) secrets: Arc<Secrets>,
}

/// How a step ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) status: StepStatus,
    pub(crate) output: Option<Arc<Value>>,
    /// Whether the output had secrets in it, which are not in this one.
    pub(crate) masked: bool,
    pub(crate) error: Option<Arc<str>>,
}

/// What the expressions of a step read: the plan's values and how earlier steps ended.
#[derive(Debug, Clone)]
pub struct View {
    /// In one piece: many attempts, on many cores, count who holds it.
    pub(crate) run: Arc<RunValues>,
    /// Which attempt reads, from 1.
    pub(crate) attempt: u32,
    /// The item that the attempt is about, in a step that fans out.
    pub(crate) item: Option<Arc<Value>>,
}

impl Board {
    pub(crate) fn new(steps: usize) -> Self {
        Self { steps: std::iter::repeat_with(OnceLock::new).take(steps).collect(), run: OnceLock::new() }
    }

    pub(crate) fn step(&self, step: StepIndex) -> Option<&Ended> {
        self.steps[step.get()].get()
    }

    /// A board on which these steps have not ended, nor the main part.
    pub(super) fn without(&self, open: &[StepIndex]) -> Self {
        let mut steps = self.steps.clone();
        open.iter().for_each(|step| _ = steps[step.get()].take());
        Self { steps, run: OnceLock::new() }
    }

    pub(super) fn end(&self, step: StepIndex, ended: Ended) {
        // A second end of the same step would be a damaged journal; the first one stands.
        let _ = self.steps[step.get()].set(ended);
    }

    pub(super) fn end_main(&self, facts: Value) {
        let _ = self.run.set(facts);
    }
}

impl View {
    pub(super) fn new(run: RunValues) -> Self {
        Self { run: Arc::new(run), attempt: 1, item: None }
    }

    /// What one attempt reads.
    pub(super) fn of_attempt(&self, attempt: u32, item: Option<Arc<Value>>) -> Self {
        Self { run: Arc::clone(&self.run), attempt, item }
    }

    /// The output of a step as it was, null when it gave none. Nothing when it had a secret in it that is gone: the
    /// masked one must not be taken for it.
    fn output_of(&self, id: &str) -> Option<Cow<'_, Value>> {
        let step = self.run.plan.find(id)?;
        match self.run.board.step(step) {
            Some(ended) if ended.masked => {
                self.run.secrets.output(step.into()).map(|output| Cow::Owned(Value::clone(&output)))
            }
            ended => {
                Some(Cow::Borrowed(ended.and_then(|ended| ended.output.as_deref()).unwrap_or(&Value::Null)))
            }
        }
    }

    /// What a step, or an item, gave, as it was; nothing when it gave nothing, or a secret of it is gone.
    pub(super) fn unit_output(&self, state: &RunState, unit: Unit) -> Option<Arc<Value>> {
        if let Some(output) = self.run.secrets.output(unit) {
            return Some(output);
        }
        match unit.item() {
            Some(_) => state.plain_item_output(unit).cloned(),
            None => self.run.board.step(unit.step).filter(|ended| !ended.masked)?.output.clone(),
        }
    }

    fn step_facts(&self, id: &str) -> Option<Value> {
        Some(match self.run.board.step(self.run.plan.find(id)?) {
            None => json!({ "status": "pending", "error": null, "outputs": null }),
            Some(ended) => {
                let mut facts = json!({ "status": ended.status.name(), "error": ended.error });
                if let Some(output) = self.output_of(id) {
                    facts["outputs"] = output.into_owned();
                }
                facts
            }
        })
    }

    fn run_fact(&self, key: &str) -> Option<Value> {
        Some(match key {
            "id" => Value::from(&*self.run.run_id),
            "workflow" => Value::from(&*self.run.plan.workflow_name),
            "workspace" => Value::from(self.run.plan.workspace.to_string_lossy()),
            "attempt" => Value::from(self.attempt),
            "started_at" => Value::from(rfc3339(self.run.started)),
            _ => self.run.board.run.get()?.get(key)?.clone(),
        })
    }
}

/// The keys of `run` that are known at all times, and those known to `finally` steps alone.
pub(crate) const RUN_KEYS: [&str; 5] = ["id", "workflow", "started_at", "workspace", "attempt"];
pub(crate) const FINALLY_RUN_KEYS: [&str; 2] = ["status", "failed_steps"];

/// A time in UTC, to the second, as people and programs write it.
fn rfc3339(time: Timestamp) -> String {
    let seconds = i64::try_from(time.as_micros() / 1_000_000).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

impl Scope for View {
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>> {
        match namespace {
            Namespace::StepOutputs => self.output_of(key),
            Namespace::Secrets => self.run.secrets.get(key).map(Cow::Owned),
            Namespace::Steps => self.step_facts(key).map(Cow::Owned),
            Namespace::Run => self.run_fact(key).map(Cow::Owned),
            Namespace::Item => self.item.as_deref().map(Cow::Borrowed),
            Namespace::Matrix => self.item.as_deref()?.get(key).map(Cow::Borrowed),
            _ => self.run.plan.value(namespace, key),
        }
    }

    fn keys(&self, namespace: Namespace) -> Vec<String> {
        match namespace {
            Namespace::StepOutputs | Namespace::Steps => {
                self.run.plan.steps.iter().map(|step| step.id.to_string()).collect()
            }
            Namespace::Matrix => match self.item.as_deref() {
                Some(Value::Object(axes)) => axes.keys().cloned().collect(),
                _ => Vec::new(),
            },
            Namespace::Run => RUN_KEYS.iter().chain(&FINALLY_RUN_KEYS).map(ToString::to_string).collect(),
            _ => self.run.plan.keys(namespace),
        }
    }
}

impl Outputs for View {
    fn output(&self, step_id: &str) -> Option<Arc<Value>> {
        let step = self.run.plan.find(step_id)?;
        let ended = self.run.board.step(step)?;
        if ended.masked { self.run.secrets.output(step.into()) } else { ended.output.clone() }
    }
}
