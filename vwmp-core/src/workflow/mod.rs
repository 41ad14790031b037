//! From a document to a workflow: meaning, checked in one pass, before any parameter is known.
//!
//! Reading order: `check` (the pass), `shape` (keys and types), `expand` (`extends` and `template`), `handlers`,
//! `calls`, `config`, `references`, `step_outputs`, `order`, then `layered` and `parameters`, which the plan uses as well.

mod binding;
pub(crate) mod calls;
mod check;
mod composite;
mod config;
mod config_files;
pub(crate) mod duration;
mod expand;
mod extras;
mod given;
mod handlers;
mod layered;
mod loader;
mod locks;
mod order;
mod outline;
mod parameters;
mod policy;
pub mod record;
mod references;
mod shape;
mod step_outputs;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use vwmp_interfaces::workflow_type::FailurePolicy;

use crate::config::{ConfigFile, Layers, Setting};
use crate::diagnostic::Diagnostics;
use crate::document::Document;
use crate::plan::{Plan, PlannedStep};
use crate::registry::{RegisteredAdapter, RegisteredWorkflowType, Registry};
use crate::template::Template;

pub(crate) use binding::Binding;
pub use composite::{add_composites, composite_name};
pub use loader::{DiskLoader, Loader, NoFiles};
pub use parameters::{Given, Parameter, Parameters, parameters_of, read_parameter};
pub use record::{Again, Record};

/// A workflow that was checked: its handlers are known, its configs read, its order is settled.
pub struct Workflow {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) description: Option<String>,
    /// The workflow itself, what it extends, and its template.
    pub(crate) documents: Vec<Arc<Document>>,
    pub(crate) settings: Settings,
    pub(crate) workflow_type: Option<Arc<RegisteredWorkflowType>>,
    pub(crate) parameters: Parameters,
    pub(crate) max_parallel: Option<usize>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_failure: FailurePolicy,
    pub(crate) lock: Option<Arc<str>>,
    /// The locks that it takes, and what its steps call.
    pub(crate) locks: BTreeSet<Arc<str>>,
    pub(crate) outputs: Arc<[(String, Template)]>,
    /// What the outputs are, as far as it is known: a JSON Schema.
    pub(crate) output_schema: serde_json::Value,
    /// As written, `finally` steps last.
    pub(crate) steps: Vec<PlannedStep>,
    pub(crate) main_steps: usize,
    /// What each step needs, by its number.
    pub(crate) needs: Vec<Vec<usize>>,
    /// The numbers of the steps, each after all that it needs.
    pub(crate) order: Vec<usize>,
    pub(crate) adapters: Vec<Adapter>,
    /// Adapters whose config is read by expressions.
    pub(crate) adapters_read: Vec<Adapter>,
    /// Adapters that are asked for secrets, in that order; none when no step reads any.
    pub(crate) secret_sources: Vec<Adapter>,
}

/// What a check needs beside the document.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `vwmp_config.yaml` of the workspace.
    pub workspace_config: Option<ConfigFile>,
    /// `vwmp_config.yaml` of the user.
    pub user_config: Option<ConfigFile>,
    /// The environment, for `env.NAME`, for `VWMP_CONFIG_…` and for programs.
    pub environment: Arc<BTreeMap<String, String>>,
    /// `--set key=value`.
    pub sets: Vec<Setting>,
}

/// What a plan needs beside the workflow.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The values of parameters, each with how it was given: `-p name=value` or `params.yaml:3:1`.
    pub parameters: Given,
    /// The directory that relative paths start from; absolute.
    pub workspace: Arc<Path>,
    /// How many steps may run at once, whatever the workflow says.
    pub max_parallel: Option<usize>,
    /// How many processors there are: the number of steps that run at once where nobody says, but at least 4.
    pub cores: Option<usize>,
}

/// An instance of an adapter.
#[derive(Clone)]
pub(crate) struct Adapter {
    pub(crate) instance: String,
    pub(crate) adapter: Arc<RegisteredAdapter>,
}

impl Workflow {
    /// Checks everything that can be known without the values of parameters, and touches nothing but what the loader
    /// reads.
    ///
    /// Beside the workflow there may be warnings.
    ///
    /// # Errors
    /// All that is wrong with the workflow, with warnings among them.
    pub fn check(
        document: Arc<Document>,
        registry: &Registry,
        settings: &Settings,
        loader: &dyn Loader,
    ) -> Result<(Self, Diagnostics), Diagnostics> {
        check::check(document, registry, settings, loader)
    }

    /// Binds parameters and everything that depends on them.
    ///
    /// # Errors
    /// Every parameter that is unknown, missing or does not fit, then every config value that has no value or does not
    /// fit.
    pub fn plan(&self, inputs: Inputs) -> Result<Plan, Diagnostics> {
        crate::plan::build(self, inputs)
    }

    /// The same for looking at it: values that don't fit are taken as they are.
    pub(crate) fn plan_to_look_at(&self, inputs: Inputs) -> Plan {
        crate::plan::build_to_look_at(self, inputs)
    }

    /// A plan without any value, to be drawn; not to be run.
    pub fn sketch(&self) -> Plan {
        crate::plan::sketch(self)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the workflow was read from.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is for.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The type.
    pub fn workflow_type(&self) -> Option<&RegisteredWorkflowType> {
        self.workflow_type.as_deref()
    }

    /// The declared parameters, in the order written.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The steps as written, `finally` steps last.
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The layers of its config, the highest first, with values as written.
    pub fn config_layers(&self, parameters: &[crate::config::Parameter]) -> Layers {
        layered::of_workflow(&self.documents, &self.settings, self.workflow_type(), parameters)
    }
}

impl Settings {
    /// The config files, the workspace's before the user's.
    pub(crate) fn files(&self) -> impl Iterator<Item = &ConfigFile> + Clone {
        self.workspace_config.iter().chain(&self.user_config)
    }
}

impl Inputs {
    /// Inputs without any parameter.
    pub fn new(workspace: impl Into<Arc<Path>>) -> Self {
        Self { parameters: Given::new(), workspace: workspace.into(), max_parallel: None, cores: None }
    }
}

impl fmt::Debug for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Workflow({}, {} steps)", self.name, self.steps.len())
    }
}

#[cfg(test)]
pub(crate) mod tests;
