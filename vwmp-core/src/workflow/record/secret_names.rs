//! What a plan takes for secret, by name: what ends up where a schema asks for a secret.

use std::collections::BTreeSet;

use crate::masking::Masker;
use crate::plan::{Plan, PlannedStep};
use crate::schema::dotted;
use crate::template::{Namespace, Reference, Segment, marked};
use serde_json::Value;

use super::super::Parameters;

/// The names of secrets, and their values.
pub(super) struct SecretNames<'p> {
    /// The keys of the config, and those of adapters behind `adapter.NAME.`.
    config: BTreeSet<String>,
    parameters: BTreeSet<String>,
    environment: BTreeSet<String>,
    declared: &'p Parameters,
    masker: &'p Masker,
}

impl<'p> SecretNames<'p> {
    pub(super) fn of(plan: &'p Plan, declared: &'p Parameters) -> Self {
        let mut names = Self {
            config: BTreeSet::new(),
            parameters: BTreeSet::new(),
            environment: BTreeSet::new(),
            declared,
            masker: plan.masker(),
        };
        if let Some(workflow_type) = &plan.workflow_type {
            let schema = &workflow_type.info().config_schema;
            let keys = marked::values(&plan.config, schema, marked::SECRET).into_iter();
            names.config.extend(keys.map(|(at, _)| dotted(&at).trim_start_matches('.').to_owned()));
        }
        for one in plan.adapters.iter().chain(&plan.secret_sources) {
            let schema = &one.adapter.info().config_schema;
            let keys = marked::values(&one.config, schema, marked::SECRET).into_iter();
            names.config.extend(keys.map(|(at, _)| format!("adapter.{}{}", one.instance, dotted(&at))));
        }
        plan.steps()
            .iter()
            .filter(|step| step.handler().takes_secrets())
            .for_each(|step| names.of_step(step));
        names
    }

    fn of_step(&mut self, step: &PlannedStep) {
        for (_, part) in step.config().marked(&step.handler().info().config_schema, marked::SECRET) {
            for (_, reference) in part.references() {
                let names = match reference.namespace {
                    Namespace::Config => &mut self.config,
                    Namespace::Parameters => &mut self.parameters,
                    Namespace::Env => &mut self.environment,
                    _ => continue,
                };
                names.insert(keys(reference));
            }
        }
    }

    /// Whether the value of a parameter must not be written down.
    pub(super) fn has_parameter(&self, name: &str, value: &Value) -> bool {
        self.declared.get(name).is_some_and(|one| one.secret)
            || self.parameters.iter().any(|one| touch(one, name))
            // It sets the config key of its name.
            || self.config.iter().any(|one| touch(one, name))
            || self.masker.finds_in(value)
    }

    /// Whether a value that is set by `--set` must not be written down.
    pub(super) fn has_set(&self, key: &str, value: &Value) -> bool {
        self.config.iter().any(|one| touch(one, key)) || self.masker.finds_in(value)
    }

    /// Whether the value of a variable must not be written down. One that is called like a secret is not either.
    pub(super) fn has_variable(&self, name: &str, value: &str) -> bool {
        const LIKE_SECRETS: [&str; 6] = ["TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL", "AUTH"];
        let upper = name.to_ascii_uppercase();
        let key = upper.strip_prefix("VWMP_CONFIG_").map(|key| key.to_lowercase().replace("__", "."));
        LIKE_SECRETS.iter().any(|word| upper.contains(word))
            || self.environment.contains(name)
            || key.is_some_and(|key| self.config.iter().any(|one| touch(one, &key)))
            || self.masker.finds(value)
    }
}

/// The keys of a reference, such as `a.b`.
fn keys(reference: &Reference) -> String {
    let keys = reference.path.iter().map_while(|segment| match segment {
        Segment::Key(key) => Some(&**key),
        Segment::Index(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}

/// Whether two keys are the same, or one is within the other.
fn touch(one: &str, other: &str) -> bool {
    let within =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
    one == other || within(one, other) || within(other, one)
}
