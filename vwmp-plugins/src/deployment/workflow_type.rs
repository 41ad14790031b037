//! The workflow type `deployment`.

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::workflow_type::{FailurePolicy, WorkflowTypeMetadata};
use vwmp_interfaces::{Findings, Place, WorkflowOutline, WorkflowTemplate, WorkflowTypePlugin, register};

use crate::order::Order;

/// Deploy, see that it is healthy, tell people.
#[derive(Debug, Default)]
pub struct Deployment;

/// What workflows of this type have in common. They may have keys of their own beside.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DeploymentConfig {
    /// The script that deploys. It finds the environment in `$ENVIRONMENT`.
    #[serde(default = "deploy_command")]
    pub deploy_command: String,
}

impl WorkflowTypePlugin for Deployment {
    const NAME: &'static str = "deployment";
    type Config = DeploymentConfig;

    fn metadata() -> WorkflowTypeMetadata {
        WorkflowTypeMetadata {
            title: "Deployment",
            version: env!("CARGO_PKG_VERSION"),
            description: "Brings something to where it runs, and tells people.",
            author: "The VWMP authors",
            icon: "🚚",
        }
    }

    fn templates() -> Vec<WorkflowTemplate> {
        vec![
            WorkflowTemplate {
                name: "Single Deployment",
                description: "One environment, with a health gate.",
                workflow: include_str!("templates/single.yaml"),
            },
            WorkflowTemplate {
                name: "Staged Deployment",
                description: "First the staging environment, then the production.",
                workflow: include_str!("templates/staged.yaml"),
            },
        ]
    }

    fn default_step_types() -> Vec<&'static str> {
        vec!["ci_cd.deploy", "notify.webhook"]
    }

    fn on_failure() -> FailurePolicy {
        FailurePolicy::Stop
    }

    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings) {
        let mut order = Order { workflow, findings };
        order.one_at_a_time("deployment::two-at-once", "ci_cd.deploy");
        for teller in ["notify.webhook", "notify.slack", "notify.teams", "notify.email"] {
            order.after_all(
                "deployment::told-too-early",
                "ci_cd.deploy",
                teller,
                "it would tell what hasn't happened yet",
            );
        }
        order.expected("deployment::no-deployment", "ci_cd.deploy", "no step deploys anything");
        for step in workflow.using("ci_cd.deploy") {
            let outline = &workflow.steps[step];
            if outline.config.get("health").is_none() {
                let message = format!("nothing sees whether what step `{}` deploys is healthy", outline.id);
                let place = Place::Step(step);
                findings
                    .warning("deployment::no-health-gate", place, message)
                    .help("add `health: { url: … }` to its config");
            }
        }
    }
}

register!(workflow_type Deployment);

fn deploy_command() -> String {
    "./deploy.sh".to_owned()
}
