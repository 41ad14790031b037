//! Plugins for the tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::erased::{TypedAdapter, TypedStep, TypedWorkflowType};
use vwmp_interfaces::finding::{Findings, Place};
use vwmp_interfaces::workflow_type::{FailurePolicy, WorkflowOutline, WorkflowTypeMetadata};
use vwmp_interfaces::{
    AdapterContext, Capabilities, Capability, Effect, IntegrationAdapter, Preview, Script, Secret,
    StepContext, StepError, StepHandler, WorkflowTemplate, WorkflowTypePlugin, here,
};

use crate::registry::Registry;

/// Everything below.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add_step(Arc::new(TypedStep::<Run>::new()), here!()).unwrap();
    registry.add_step(Arc::new(TypedStep::<Make>::new()), here!()).unwrap();
    registry.add_step(Arc::new(TypedStep::<CallFile>::new()), here!()).unwrap();
    registry.add_step(Arc::new(TypedStep::<Login>::new()), here!()).unwrap();
    registry.add_step(Arc::new(TypedStep::<Push>::new()), here!()).unwrap();
    registry.add_step(Arc::new(TypedStep::<Ring>::new()), here!()).unwrap();
    registry.add_step(Arc::new(TypedStep::<Moon>::new()), here!()).unwrap();
    registry.add_adapter(Arc::new(TypedAdapter::<Git>::new()), here!()).unwrap();
    registry.add_adapter(Arc::new(TypedAdapter::<Church>::new()), here!()).unwrap();
    registry.add_adapter(Arc::new(TypedAdapter::<School>::new()), here!()).unwrap();
    registry.add_workflow_type(Arc::new(TypedWorkflowType::<Release>::new()), here!()).unwrap();
    registry
}

/// Runs a script.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Run {
    run: Script,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

#[derive(Serialize, JsonSchema)]
struct Ran {
    stdout: String,
    values: BTreeMap<String, Value>,
}

impl StepHandler for Run {
    const NAME: &'static str = "shell.run";
    const EFFECT: Effect = Effect::Once;
    type Output = Ran;

    async fn execute(&self, _: &StepContext) -> Result<Ran, StepError> {
        Ok(Ran { stdout: format!("{} {}", self.run.pieces().len(), self.env.len()), values: BTreeMap::new() })
    }

    fn dependencies(config: &Value) -> Vec<String> {
        let wanted = config["env"]["READS"].as_str();
        wanted.map(str::to_owned).into_iter().collect()
    }

    fn validate_written(config: &Value, findings: &mut Findings) {
        if config["run"].as_str().is_some_and(|run| run.contains("'$<")) {
            let place = Place::Config("/run".into());
            findings.error("shell::quoted", place, "an expression stands in single quotes");
            findings.help("use double quotes");
        }
    }
}

/// Makes something.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Make {
    /// What to call it.
    name: String,
    #[serde(default)]
    #[schemars(range(min = 1, max = 9))]
    count: Option<u8>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize, JsonSchema, Default)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Small,
    Large,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct File {
    path: String,
}

#[derive(Serialize, JsonSchema)]
struct Made {
    version: String,
    part: Part,
}

#[derive(Serialize, JsonSchema)]
struct Part {
    size: u8,
}

impl StepHandler for Make {
    const NAME: &'static str = "test.make";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Made;

    fn validate(&self, findings: &mut Findings) {
        if self.name == "forbidden" {
            findings.error("test::name", Place::Config("/name".into()), "this name is taken");
        }
        if let Some(at) = self.files.iter().position(|file| file.path.starts_with('/')) {
            let place = Place::Config(format!("/files/{at}/path"));
            findings.warning("test::absolute", place, "the path is absolute");
        }
        if matches!(self.kind, Kind::Large) && self.count.is_none() {
            findings.error("test::large", Place::Config(String::new()), "a large one needs a `count`");
        }
    }

    async fn execute(&self, _: &StepContext) -> Result<Made, StepError> {
        Ok(Made { version: self.name.clone(), part: Part { size: 1 } })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Made>, StepError> {
        if self.name == "broken" {
            return Err(StepError::permanent("there is nothing to make it from"));
        }
        let before = ctx.planned_file("made").flatten().map(str::to_owned);
        let output = Made { version: format!("{}!", self.name), part: Part { size: 1 } };
        Ok(Preview::new("makes it").file("made", before, self.name.clone()).output(output))
    }
}

/// Takes a secret.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    token: Secret,
}

impl StepHandler for Login {
    const NAME: &'static str = "test.login";
    const EFFECT: Effect = Effect::Once;
    type Output = usize;

    async fn execute(&self, _: &StepContext) -> Result<usize, StepError> {
        Ok(self.token.reveal().len())
    }
}

/// Calls a workflow.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CallFile {
    workflow: String,
    #[serde(default)]
    parameters: serde_json::Map<String, Value>,
}

impl StepHandler for CallFile {
    const NAME: &'static str = "test.call";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = serde_json::Map<String, Value>;

    fn calls(config: &Value) -> Option<String> {
        config["workflow"].as_str().map(str::to_owned)
    }

    async fn execute(&self, _: &StepContext) -> Result<Self::Output, StepError> {
        Err(StepError::permanent(format!("{} {:?}", self.workflow, self.parameters)))
    }
}

trait Versions: Send + Sync {}
trait Bell: Send + Sync {}
trait Orbit: Send + Sync {}

macro_rules! needs {
    ($handler:ident, $name:literal, $capability:ident) => {
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $handler {}

        impl StepHandler for $handler {
            const NAME: &'static str = $name;
            const EFFECT: Effect = Effect::Once;
            type Output = ();

            fn requires() -> Vec<Capability> {
                vec![Capability::of::<dyn $capability>()]
            }

            async fn execute(&self, _: &StepContext) -> Result<(), StepError> {
                Ok(())
            }
        }
    };
}

needs!(Push, "git.push", Versions);
needs!(Ring, "test.ring", Bell);
needs!(Moon, "test.moon", Orbit);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remote {
    #[serde(default = "origin")]
    remote: String,
    #[serde(default)]
    depth: Option<u32>,
}

fn origin() -> String {
    "origin".into()
}

macro_rules! adapter {
    ($adapter:ident, $name:literal, $capability:ident) => {
        struct $adapter;

        impl $capability for $adapter {}

        impl IntegrationAdapter for $adapter {
            const NAME: &'static str = $name;
            type Config = Remote;

            async fn connect(_: Remote, _: &AdapterContext) -> Result<Self, StepError> {
                Ok(Self)
            }

            fn serves() -> Vec<Capability> {
                vec![Capability::of::<dyn $capability>()]
            }

            fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
                capabilities.insert::<dyn $capability>(self);
            }

            fn validate(config: &Remote, findings: &mut Findings) {
                if config.remote.is_empty() {
                    findings.error("git::remote", Place::Config("/remote".into()), "a remote has a name");
                }
                if config.depth == Some(0) {
                    findings.warning("git::depth", Place::Config("/depth".into()), "nothing is fetched");
                }
            }
        }
    };
}

adapter!(Git, "git", Versions);
adapter!(Church, "church", Bell);
adapter!(School, "school", Bell);

/// Releases something.
#[derive(Default)]
struct Release;

#[derive(Deserialize, JsonSchema)]
struct ReleaseConfig {
    #[serde(default = "version_file")]
    #[expect(dead_code, reason = "only its schema is read")]
    version_file: String,
    #[expect(dead_code, reason = "only its schema is read")]
    changelog: Option<String>,
}

fn version_file() -> String {
    "VERSION".into()
}

impl WorkflowTypePlugin for Release {
    const NAME: &'static str = "release";
    type Config = ReleaseConfig;

    fn metadata() -> WorkflowTypeMetadata {
        WorkflowTypeMetadata::default()
    }

    fn templates() -> Vec<WorkflowTemplate> {
        let workflow = "config: { version_file: VERSION, extra: 1 }\n\
            parameters: { summary: { type: string, required: true } }\n\
            steps:\n  - { id: make, handler: test.make, config: { name: one, count: 1 } }\n  \
            - { id: push, handler: git.push, needs: make }\n";
        vec![
            WorkflowTemplate { name: "Standard Release", description: "", workflow },
            WorkflowTemplate { name: "Broken", description: "", workflow: "extends: x\nsteps: []\n" },
        ]
    }

    fn on_failure() -> FailurePolicy {
        FailurePolicy::Stop
    }

    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings) {
        for push in workflow.using("git.push") {
            if !workflow.using("test.make").any(|make| workflow.precedes(make, push)) {
                findings.error("release::push-first", Place::Step(push), "nothing is made before this push");
                findings.help("let it need a step that makes something");
            }
        }
        if workflow.config["extra"] == 2 {
            findings.warning("release::extra", Place::Config("/extra".into()), "two is too many");
        }
        if workflow.steps.len() > 4 {
            findings.warning("release::long", Place::Workflow, "a release has at most four steps");
        }
    }
}
