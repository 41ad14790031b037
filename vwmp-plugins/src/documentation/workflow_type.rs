//! The workflow type `documentation`.

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::workflow_type::{FailurePolicy, WorkflowTypeMetadata};
use vwmp_interfaces::{Findings, WorkflowOutline, WorkflowTemplate, WorkflowTypePlugin, register};

use crate::order::Order;

/// Check documents before they are published.
#[derive(Debug, Default)]
pub struct Documentation;

/// What workflows of this type have in common. They may have keys of their own beside.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DocumentationConfig {
    /// The script that builds the documents.
    #[serde(default = "build_command")]
    pub build_command: String,
}

impl WorkflowTypePlugin for Documentation {
    const NAME: &'static str = "documentation";
    type Config = DocumentationConfig;

    fn metadata() -> WorkflowTypeMetadata {
        WorkflowTypeMetadata {
            title: "Documentation",
            version: env!("CARGO_PKG_VERSION"),
            description: "Checks documents, and publishes them when they are sound.",
            author: "The VWMP authors",
            icon: "📖",
        }
    }

    fn templates() -> Vec<WorkflowTemplate> {
        vec![
            WorkflowTemplate {
                name: "Check Links",
                description: "Every link of the Markdown files.",
                workflow: include_str!("templates/check_links.yaml"),
            },
            WorkflowTemplate {
                name: "Build Documentation",
                description: "The links, and then the build.",
                workflow: include_str!("templates/build.yaml"),
            },
        ]
    }

    fn default_step_types() -> Vec<&'static str> {
        vec!["documentation.link_check", "ci_cd.build"]
    }

    fn on_failure() -> FailurePolicy {
        FailurePolicy::Continue
    }

    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings) {
        let mut order = Order { workflow, findings };
        for publisher in ["git.push", "ci_cd.deploy", "release_host.publish"] {
            let early = "it would publish what wasn't checked";
            order.after_all(
                "documentation::published-before-check",
                "documentation.link_check",
                publisher,
                early,
            );
        }
        order.expected(
            "documentation::no-link-check",
            "documentation.link_check",
            "no step checks the links",
        );
    }
}

register!(workflow_type Documentation);

fn build_command() -> String {
    "make docs".to_owned()
}
