//! The workflow type `testing`.

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::workflow_type::{FailurePolicy, WorkflowTypeMetadata};
use vwmp_interfaces::{Findings, WorkflowOutline, WorkflowTemplate, WorkflowTypePlugin, register};

use crate::order::Order;

/// Tests, and then what they cover.
#[derive(Debug, Default)]
pub struct Testing;

/// What workflows of this type have in common. They may have keys of their own beside.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct TestingConfig {
    /// The script that tests.
    #[serde(default = "test_command")]
    pub test_command: String,
}

impl WorkflowTypePlugin for Testing {
    const NAME: &'static str = "testing";
    type Config = TestingConfig;

    fn metadata() -> WorkflowTypeMetadata {
        WorkflowTypeMetadata {
            title: "Testing",
            version: env!("CARGO_PKG_VERSION"),
            description: "Runs tests, and sees that they cover enough.",
            author: "The VWMP authors",
            icon: "🧪",
        }
    }

    fn templates() -> Vec<WorkflowTemplate> {
        vec![
            WorkflowTemplate {
                name: "Unit Tests",
                description: "The tests, and their results.",
                workflow: include_str!("templates/unit_tests.yaml"),
            },
            WorkflowTemplate {
                name: "Tests with Coverage",
                description: "The tests, and a gate for what they cover.",
                workflow: include_str!("templates/coverage.yaml"),
            },
        ]
    }

    fn default_step_types() -> Vec<&'static str> {
        vec!["ci_cd.test", "testing.coverage_gate"]
    }

    fn on_failure() -> FailurePolicy {
        FailurePolicy::Continue
    }

    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings) {
        let mut order = Order { workflow, findings };
        let early = "it would look at what was covered before";
        order.after_all("testing::gate-before-test", "ci_cd.test", "testing.coverage_gate", early);
        order.expected("testing::no-test", "ci_cd.test", "no step tests anything");
    }
}

register!(workflow_type Testing);

fn test_command() -> String {
    "make test".to_owned()
}
