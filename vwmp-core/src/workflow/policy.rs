//! How steps are carried out: timeouts, retries, priorities.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::duration;
use super::expand::{StepNode, Texts};
use super::handlers::Handler;
use super::shape::written;
use crate::document::{Kind, NodeRef};
use crate::plan::{Backoff, RetryPolicy, StepPolicy};

/// How long an attempt may take where nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// The policies of a workflow; equal ones are one.
pub(super) struct Policies<'c> {
    defaults: Vec<NodeRef<'c>>,
    known: HashSet<Arc<StepPolicy>>,
    no_adapters: Arc<[String]>,
}

impl<'c> Policies<'c> {
    pub(super) fn new(texts: &'c Texts) -> Self {
        Self { defaults: texts.all("defaults").collect(), known: HashSet::new(), no_adapters: Arc::default() }
    }

    /// The policy of a step: its own word, that of the workflow's `defaults`, that of the config files for its handler.
    /// Where it calls a workflow, the steps of that one have limits of their own, and people may be asked in it.
    pub(super) fn of(
        &mut self,
        step: &StepNode<'_>,
        handler: Option<&Handler<'_>>,
        chosen: &[(&str, NodeRef<'_>)],
        calls: bool,
    ) -> Arc<StepPolicy> {
        let said = |key: &'static str| {
            step.get(key).or_else(|| self.defaults.iter().find_map(|&defaults| written(defaults, key)))
        };
        let policy = StepPolicy {
            required: said("required").is_none_or(|node| node.kind() != Kind::Bool(false)),
            timeout: said("timeout").map_or((!calls).then_some(DEFAULT_TIMEOUT), timeout),
            retry: self.retry(step, handler),
            priority: said("priority").and_then(int).and_then(|value| value.try_into().ok()).unwrap_or(0),
            adapters: match chosen {
                [] => Arc::clone(&self.no_adapters),
                chosen => chosen.iter().map(|(name, _)| (*name).to_owned()).collect(),
            },
        };
        if let Some(known) = self.known.get(&policy) {
            return Arc::clone(known);
        }
        let policy = Arc::new(policy);
        self.known.insert(Arc::clone(&policy));
        policy
    }

    fn retry(&self, step: &StepNode<'_>, handler: Option<&Handler<'_>>) -> RetryPolicy {
        let said = |key: &str| {
            let defaults = || self.defaults.iter().filter_map(|&defaults| written(defaults, "retry"));
            let files = || handler.into_iter().flat_map(|handler| handler.retry.iter().copied());
            step.all("retry").chain(defaults()).chain(files()).find_map(|retry| written(retry, key))
        };
        let builtin = RetryPolicy::default();
        let delay = said("delay").and_then(duration::read);
        RetryPolicy {
            max_attempts: said("max_attempts")
                .and_then(int)
                .and_then(|value| value.try_into().ok())
                .unwrap_or(builtin.max_attempts),
            backoff: said("backoff").and_then(NodeRef::as_str).and_then(backoff),
            delay,
            max_delay: said("max_delay")
                .and_then(duration::read)
                .unwrap_or_else(|| builtin.max_delay.max(delay.unwrap_or_default())),
            jitter: said("jitter").is_some_and(|node| node.kind() == Kind::Bool(true)),
        }
    }
}

/// A timeout; nothing for `none`.
pub(super) fn timeout(node: NodeRef<'_>) -> Option<Duration> {
    duration::read(node)
}

/// A whole number, if that is what stands there.
pub(super) fn int(node: NodeRef<'_>) -> Option<i64> {
    match node.kind() {
        Kind::Int(value) => Some(value),
        _ => None,
    }
}

fn backoff(name: &str) -> Option<Backoff> {
    match name {
        "constant" => Some(Backoff::Constant),
        "linear" => Some(Backoff::Linear),
        "exponential" => Some(Backoff::Exponential),
        _ => None,
    }
}
