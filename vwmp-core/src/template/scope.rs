//! What expressions can read.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use vwmp_interfaces::template::NAMESPACES;

use super::path::Reference;

/// The values that expressions read.
pub trait Scope {
    /// The value of a first-level key: a parameter, a config key, the outputs of a step.
    ///
    /// None when it is unknown. The outputs of a step that was skipped are known and null. The value
    /// of a fan-out's `item` itself is asked for with an empty key.
    fn value(&self, namespace: Namespace, key: &str) -> Option<Cow<'_, Value>>;

    /// The first-level keys of a namespace, for "did you mean" and for a namespace taken as a whole.
    fn keys(&self, namespace: Namespace) -> Vec<String>;

    /// Whether the value of a reference is known by now, or will never be.
    fn is_known(&self, reference: &Reference) -> bool {
        let key = reference.key().unwrap_or_default();
        !reference.namespace.is_deferred() || self.value(reference.namespace, key).is_some()
    }
}

/// A scope for expressions that read nothing.
pub(crate) struct Nothing;

impl Scope for Nothing {
    fn value(&self, _: Namespace, _: &str) -> Option<Cow<'_, Value>> {
        None
    }

    fn keys(&self, _: Namespace) -> Vec<String> {
        Vec::new()
    }
}

/// The first name of an expression's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Given when the run starts.
    Parameters,
    /// The layered configuration.
    Config,
    /// Outputs of steps, by id.
    StepOutputs,
    /// The status, error and outputs of steps, by id.
    Steps,
    /// The process environment, as given to the engine.
    Env,
    /// The resolved config of adapters, by name.
    Adapter,
    /// Secrets, by name.
    Secrets,
    /// The run itself: id, workflow, workspace.
    Run,
    /// The item of a fan-out over a list.
    Item,
    /// The combination of a fan-out over a matrix.
    Matrix,
}

impl Namespace {
    /// All of them, in the order of [`NAMESPACES`].
    pub const ALL: [Self; 10] = [
        Self::Parameters,
        Self::Config,
        Self::StepOutputs,
        Self::Steps,
        Self::Env,
        Self::Adapter,
        Self::Secrets,
        Self::Run,
        Self::Item,
        Self::Matrix,
    ];

    /// How it is written.
    pub fn name(self) -> &'static str {
        NAMESPACES[self as usize]
    }

    /// Whether its values come into being only while the workflow runs.
    pub fn is_deferred(self) -> bool {
        matches!(
            self,
            Self::StepOutputs | Self::Steps | Self::Secrets | Self::Run | Self::Item | Self::Matrix
        )
    }

    /// Whether an expression may take all of it at once. Of steps, secrets and the environment it must name one,
    /// so that the edges of the plan and the use of secrets are known before the run.
    pub(super) fn is_value(self) -> bool {
        !matches!(self, Self::StepOutputs | Self::Steps | Self::Secrets | Self::Env)
    }

    /// The namespace of that name. In CEL `step-outputs` is written `step_outputs`; either is accepted.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = if name == "step_outputs" { "step-outputs" } else { name };
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enum_follows_the_list_of_names() {
        for (index, one) in Namespace::ALL.into_iter().enumerate() {
            assert_eq!(one as usize, index);
            assert_eq!(Namespace::named(NAMESPACES[index]), Some(one));
        }
    }
}
