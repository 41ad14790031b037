//! The workflow type `ci_cd`.

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::workflow_type::{FailurePolicy, WorkflowTypeMetadata};
use vwmp_interfaces::{Findings, WorkflowOutline, WorkflowTemplate, WorkflowTypePlugin, register};

use crate::order::Order;

/// Build, test, deploy, in this order.
#[derive(Debug, Default)]
pub struct CiCd;

/// What workflows of this type have in common. They may have keys of their own beside.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CiCdConfig {
    /// The script that builds.
    #[serde(default = "build_command")]
    pub build_command: String,

    /// The script that tests.
    #[serde(default = "test_command")]
    pub test_command: String,
}

impl WorkflowTypePlugin for CiCd {
    const NAME: &'static str = "ci_cd";
    type Config = CiCdConfig;

    fn metadata() -> WorkflowTypeMetadata {
        WorkflowTypeMetadata {
            title: "CI/CD",
            version: env!("CARGO_PKG_VERSION"),
            description: "Builds and tests something, and deploys it when that went well.",
            author: "The VWMP authors",
            icon: "⚙",
        }
    }

    fn templates() -> Vec<WorkflowTemplate> {
        vec![
            WorkflowTemplate {
                name: "Build and Test",
                description: "A build, and the tests of what it made.",
                workflow: include_str!("templates/build_and_test.yaml"),
            },
            WorkflowTemplate {
                name: "Build, Test and Deploy",
                description: "A build, its tests, and a deployment that must become healthy.",
                workflow: include_str!("templates/build_test_and_deploy.yaml"),
            },
        ]
    }

    fn default_step_types() -> Vec<&'static str> {
        vec!["ci_cd.build", "ci_cd.test", "ci_cd.deploy"]
    }

    fn on_failure() -> FailurePolicy {
        FailurePolicy::Stop
    }

    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings) {
        let mut order = Order { workflow, findings };
        order.after_all(
            "ci_cd::test-before-build",
            "ci_cd.build",
            "ci_cd.test",
            "it would test what was built before",
        );
        order.after_all(
            "ci_cd::deploy-before-build",
            "ci_cd.build",
            "ci_cd.deploy",
            "it would deploy what was built before",
        );
        order.after_all(
            "ci_cd::deploy-before-test",
            "ci_cd.test",
            "ci_cd.deploy",
            "it would deploy what wasn't tested",
        );
        order.expected("ci_cd::no-test", "ci_cd.test", "no step tests anything");
    }
}

register!(workflow_type CiCd);

fn build_command() -> String {
    "make".to_owned()
}

fn test_command() -> String {
    "make test".to_owned()
}
