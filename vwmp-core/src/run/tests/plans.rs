//! Plans made by hand.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vwmp_interfaces::workflow_type::FailurePolicy;

use super::handlers;
use crate::plan::{Extras, FanOut, Graph, Items, Plan, PlannedStep, RetryPolicy, StepIndex, StepPolicy};
use crate::source::{Source, Span};
use crate::template::{Condition, ExpressionCache, Place, Template};

/// A plan in the making: steps in order, each with the numbers of those it needs.
#[derive(Debug, Clone)]
pub(super) struct PlanDraft {
    pub(super) steps: Vec<StepDraft>,
    pub(super) finally: Vec<StepDraft>,
    pub(super) max_parallel: usize,
    pub(super) on_failure: FailurePolicy,
    pub(super) timeout: Option<Duration>,
    pub(super) lock: Option<Arc<str>>,
}

#[derive(Debug, Clone)]
pub(super) struct StepDraft {
    pub(super) handler: String,
    pub(super) config: Value,
    pub(super) needs: Vec<usize>,
    pub(super) when: Option<String>,
    pub(super) policy: StepPolicy,
    pub(super) extras: Option<Extras>,
}

/// A step that uses a handler of [`handlers`].
pub(super) fn step(handler: &str, config: Value, needs: &[usize]) -> StepDraft {
    let policy = StepPolicy {
        required: true,
        timeout: None,
        retry: RetryPolicy::default(),
        priority: 0,
        adapters: Arc::from([]),
    };
    StepDraft {
        handler: format!("test.{handler}"),
        config,
        needs: needs.into(),
        when: None,
        policy,
        extras: None,
    }
}

/// Texts of the config that begin with `$<` are expressions.
fn template(config: &Value) -> Template {
    let expression = |text: &str| {
        let source = Arc::new(Source::new("test", text));
        let place = Place { source: &source, span: Span::new(0, text.len()), text_at: Some(0) };
        Template::parse_text(text, &place, &ExpressionCache::default()).unwrap()
    };
    match config {
        Value::Object(map)
            if map.values().any(|one| one.as_str().is_some_and(|one| one.starts_with("$<"))) =>
        {
            let entries = map.iter().map(|(key, value)| (key.clone(), template(value)));
            Template::Map(entries.collect())
        }
        Value::String(text) if text.starts_with("$<") => expression(text),
        plain => plain.clone().into(),
    }
}

impl StepDraft {
    pub(super) fn when(mut self, text: &str) -> Self {
        self.when = Some(text.into());
        self
    }

    pub(super) fn policy(mut self, change: impl FnOnce(&mut StepPolicy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// Carries the step out once for each of these values, so many at once.
    pub(super) fn foreach(mut self, values: Value, max_parallel: Option<usize>, fail_fast: bool) -> Self {
        let items = Items::ForEach(values.into());
        self.extras.get_or_insert_default().fan_out = Some(FanOut { items, max_parallel, fail_fast });
        self
    }

    pub(super) fn lock(mut self, name: &str) -> Self {
        self.extras.get_or_insert_default().lock = Some(name.into());
        self
    }

    pub(super) fn retries(self, max_attempts: u32) -> Self {
        self.policy(|policy| policy.retry.max_attempts = max_attempts)
    }

    fn build(&self, number: usize) -> PlannedStep {
        let registry = handlers::registry();
        let source = Arc::new(Source::new("test", self.when.clone().unwrap_or_default()));
        let place = Place { source: &source, span: Span::new(0, source.text().len()), text_at: Some(0) };
        let when =
            self.when.as_deref().map(|when| Condition::parse(when, &place, &ExpressionCache::default()));
        PlannedStep {
            id: format!("s{number}").into(),
            name: None,
            handler: Arc::clone(registry.step(&self.handler).unwrap()),
            config: Arc::new(template(&self.config)),
            when: when.map(|when| Arc::new(when.unwrap())),
            policy: Arc::new(self.policy.clone()),
            extras: self.extras.clone().map(Arc::new),
        }
    }
}

impl PlanDraft {
    pub(super) fn new(steps: impl Into<Vec<StepDraft>>) -> Self {
        Self {
            steps: steps.into(),
            finally: Vec::new(),
            max_parallel: 4,
            on_failure: FailurePolicy::Continue,
            timeout: None,
            lock: None,
        }
    }

    pub(super) fn finally(mut self, steps: impl Into<Vec<StepDraft>>) -> Self {
        self.finally = steps.into();
        self
    }

    pub(super) fn build(self) -> Plan {
        let all: Vec<&StepDraft> = self.steps.iter().chain(&self.finally).collect();
        let steps: Vec<PlannedStep> = all.iter().enumerate().map(|(i, step)| step.build(i)).collect();
        let by_id: HashMap<_, _> =
            steps.iter().enumerate().map(|(i, step)| (Arc::clone(&step.id), StepIndex::new(i))).collect();
        let edges = all.iter().enumerate().flat_map(|(step, draft)| {
            draft.needs.iter().map(move |&need| (StepIndex::new(step), StepIndex::new(need)))
        });
        let graph = Graph::new(all.len(), edges);
        Plan {
            workflow_id: "test.yaml".into(),
            workflow_name: "test".into(),
            workflow_type: None,
            workspace: Path::new("/").into(),
            environment: Arc::default(),
            parameters: Arc::new(json!({})),
            config: Arc::new(json!({})),
            resolved: crate::config::resolve(&crate::config::Layers::default()),
            adapters: Vec::new(),
            adapter_configs: serde_json::Map::new(),
            max_parallel: self.max_parallel,
            timeout: self.timeout,
            on_failure: self.on_failure,
            lock: self.lock,
            outputs: Arc::from([]),
            main_steps: self.steps.len(),
            graph,
            steps,
            by_id,
            secret_sources: Vec::new(),
            secrets: Vec::new(),
            masker: crate::masking::Masker::default(),
        }
    }
}
