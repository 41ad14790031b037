//! How the steps would end, as far as it can be told.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use vwmp_interfaces::context::Outputs;

use crate::plan::{Plan, StepIndex};
use crate::template::{Namespace, Reference, Scope, Segment};

/// What the steps before would leave behind; what expressions read in a preview.
pub(super) struct Foresight {
    pub(super) plan: Arc<Plan>,
    steps: Box<[OnceLock<Foreseen>]>,
}

/// How a step would end.
pub(super) enum Foreseen {
    /// It runs; with its output, where the handler can tell.
    Runs(Option<Arc<Value>>),
    /// It runs; these parts of its output are known, others are not.
    Partly(Value),
    /// It does not run.
    Skipped,
    /// Nobody knows whether it runs.
    Unknown,
}

/// For expressions of which it is known that they read no output that is not foreseen.
pub(super) struct ForConditions<'f>(&'f Foresight);

/// For the config of one item of a step.
pub(super) struct ForItem<'f> {
    pub(super) foresight: &'f Foresight,
    pub(super) item: &'f Value,
}

impl Foresight {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        let steps = std::iter::repeat_with(OnceLock::new).take(plan.steps.len()).collect();
        Self { plan, steps }
    }

    /// Notes how a step would end.
    pub(super) fn end(&self, step: StepIndex, foreseen: Foreseen) {
        // Each step is asked once.
        let _ = self.steps[step.get()].set(foreseen);
    }

    pub(super) fn for_conditions(&self) -> ForConditions<'_> {
        ForConditions(self)
    }

    /// The first of some references that can't be known before the run.
    pub(super) fn unknown_in<'r>(&self, references: &'r [Reference]) -> Option<&'r Reference> {
        references.iter().find(|reference| match reference.namespace {
            Namespace::Steps if !reads_output(reference) => {
                reference.key().and_then(|id| self.status(id)).is_none()
            }
            _ => !self.is_known(reference),
        })
    }

    fn step(&self, id: &str) -> Option<&Foreseen> {
        self.steps[self.plan.find(id)?.get()].get()
    }

    fn output(&self, id: &str) -> Option<&Value> {
        match self.step(id)? {
            Foreseen::Runs(output) => output.as_deref(),
            Foreseen::Partly(known) => Some(known),
            Foreseen::Skipped => Some(&Value::Null),
            Foreseen::Unknown => None,
        }
    }

    fn status(&self, id: &str) -> Option<&'static str> {
        match self.step(id)? {
            Foreseen::Runs(_) | Foreseen::Partly(_) => Some("succeeded"),
            Foreseen::Skipped => Some("skipped"),
            Foreseen::Unknown => None,
        }
    }

    /// Whether a reference reads a part of an output that is not among those which are known.
    fn lacks(&self, reference: &Reference) -> bool {
        let Some(Foreseen::Partly(known)) = reference.key().and_then(|id| self.step(id)) else {
            return false;
        };
        let part = reference.path.get(if reference.namespace == Namespace::Steps { 2 } else { 1 });
        !matches!(part, Some(Segment::Key(key)) if known.get(&**key).is_some())
    }

    fn facts(&self, id: &str) -> Option<Value> {
        let status = self.status(id)?;
        Some(json!({ "status": status, "error": null, "outputs": self.output(id) }))
    }
}

fn reads_output(reference: &Reference) -> bool {
    match reference.path.get(1) {
        Some(Segment::Key(key)) => !matches!(&**key, "status" | "error"),
        _ => true,
    }
}

impl Scope for Foresight {
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>> {
        match namespace {
            Namespace::StepOutputs => self.output(key).map(Cow::Borrowed),
            Namespace::Steps => {
                self.output(key)?;
                self.facts(key).map(Cow::Owned)
            }
            Namespace::Run => match key {
                "workflow" => Some(Cow::Owned(self.plan.workflow_name().into())),
                "workspace" => Some(Cow::Owned(self.plan.workspace().to_string_lossy().into())),
                _ => None,
            },
            _ => self.plan.value(namespace, key),
        }
    }

    fn is_known(&self, reference: &Reference) -> bool {
        let key = reference.key().unwrap_or_default();
        let namespace = reference.namespace;
        !namespace.is_deferred() || (self.value(namespace, key).is_some() && !self.lacks(reference))
    }

    fn keys(&self, namespace: Namespace) -> Vec<String> {
        match namespace {
            Namespace::StepOutputs | Namespace::Steps => {
                self.plan.steps.iter().map(|step| step.id.to_string()).collect()
            }
            _ => self.plan.keys(namespace),
        }
    }
}

impl Scope for ForItem<'_> {
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>> {
        match namespace {
            Namespace::Item => Some(Cow::Borrowed(self.item)),
            Namespace::Matrix => self.item.get(key).map(Cow::Borrowed),
            _ => self.foresight.value(namespace, key),
        }
    }

    fn is_known(&self, reference: &Reference) -> bool {
        match reference.namespace {
            Namespace::Item | Namespace::Matrix => true,
            _ => self.foresight.is_known(reference),
        }
    }

    fn keys(&self, namespace: Namespace) -> Vec<String> {
        match (namespace, self.item) {
            (Namespace::Matrix, Value::Object(axes)) => axes.keys().cloned().collect(),
            _ => self.foresight.keys(namespace),
        }
    }
}

impl Scope for ForConditions<'_> {
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>> {
        match namespace {
            Namespace::Steps => self.0.facts(key).map(Cow::Owned),
            _ => self.0.value(namespace, key),
        }
    }

    fn keys(&self, namespace: Namespace) -> Vec<String> {
        self.0.keys(namespace)
    }
}

impl Outputs for Foresight {
    fn output(&self, step_id: &str) -> Option<Arc<Value>> {
        match self.step(step_id)? {
            Foreseen::Runs(output) => output.clone(),
            Foreseen::Partly(_) | Foreseen::Skipped | Foreseen::Unknown => None,
        }
    }
}
