//! A crate that conforms in nothing.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::erased::{TypedAdapter, TypedStep, TypedWorkflowType};
use vwmp_interfaces::workflow_type::WorkflowTypeMetadata;
use vwmp_interfaces::{
    AdapterContext, Capabilities, Capability, Effect, IntegrationAdapter, StepContext, StepError,
    StepHandler, Undo, WorkflowTemplate, WorkflowTypePlugin,
};

use super::*;

/// Shouts.
///
/// ```yaml
/// - { id: a, handler: Test.shout, config: { text: 3, times: $<config.times>, more: x } }
/// ```
#[derive(Deserialize, JsonSchema)]
struct Shout {
    #[serde(rename = "text")]
    _text: String,
    /// How often.
    #[serde(rename = "times")]
    _times: u32,
}

impl StepHandler for Shout {
    const NAME: &'static str = "Test.shout";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, _: &StepContext) -> Result<(), StepError> {
        Ok(())
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }
}

#[derive(Deserialize, JsonSchema)]
struct Mute {}

impl IntegrationAdapter for Mute {
    const NAME: &'static str = "mute@x";
    type Config = Self;

    async fn connect(config: Self, _: &AdapterContext) -> Result<Self, StepError> {
        Ok(config)
    }

    fn serves() -> Vec<Capability> {
        Vec::new()
    }

    fn offer(self: Arc<Self>, _: &mut Capabilities) {}
}

#[derive(Default)]
struct Vague;

impl WorkflowTypePlugin for Vague {
    const NAME: &'static str = "vague";
    type Config = Mute;

    fn metadata() -> WorkflowTypeMetadata {
        WorkflowTypeMetadata { title: "Vague", version: "1", author: "", ..WorkflowTypeMetadata::default() }
    }

    fn templates() -> Vec<WorkflowTemplate> {
        vec![WorkflowTemplate { name: "Empty", description: "Nothing.", workflow: "steps: []" }]
    }

    fn default_step_types() -> Vec<&'static str> {
        vec!["no.such"]
    }
}

/// Looks.
///
/// ```yaml
/// - { id: a, handler: test.confused }
/// ```
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Confused {}

impl StepHandler for Confused {
    const NAME: &'static str = "test.confused";
    const EFFECT: Effect = Effect::ReadOnly;
    const POINT_OF_NO_RETURN: bool = true;
    type Output = ();

    async fn execute(&self, _: &StepContext) -> Result<(), StepError> {
        Ok(())
    }
}

impl Undo for Confused {
    async fn undo(&self, _: Option<&()>, _: &StepContext) -> Result<(), StepError> {
        Ok(())
    }
}

/// Acts.
///
/// Undoing it does nothing.
///
/// ```yaml
/// - { id: a, handler: test.promising }
/// ```
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Promising {}

impl StepHandler for Promising {
    const NAME: &'static str = "test.promising";
    const EFFECT: Effect = Effect::Once;
    type Output = ();

    async fn execute(&self, _: &StepContext) -> Result<(), StepError> {
        Ok(())
    }
}

#[test]
fn what_is_said_about_undoing_fits_together() {
    let mut registry = Registry::default();
    let origin = |file| Origin::new("acme", "1.0.0", file, 1);
    let (confused, promising) = (origin("src/test/confused.rs"), origin("src/test/promising.rs"));
    registry.add_step(Arc::new(TypedStep::<Confused>::with_undo()), confused).unwrap();
    registry.add_step(Arc::new(TypedStep::<Promising>::new()), promising).unwrap();
    let problems = handler_problems(&registry, "acme", &[]);
    let told: Vec<&str> = problems.iter().map(String::as_str).filter(|it| !it.contains("no title")).collect();
    assert_eq!(
        told,
        [
            "test.confused: it only looks, so there is nothing to undo",
            "test.confused: it is a point of no return, and yet can be undone",
            "test.confused: it only looks, so it can't be a point of no return",
            "test.confused: its doc comment doesn't say what undoing does: a paragraph that begins with `Undoing it`",
            "test.promising: its doc comment says what undoing does, but it is registered without `: undo`",
        ]
    );
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    let origin = Origin::new("acme", "1.0.0", "src/lib.rs", 1);
    registry.add_step(Arc::new(TypedStep::<Shout>::new()), origin.clone()).unwrap();
    registry.add_adapter(Arc::new(TypedAdapter::<Mute>::new()), origin.clone()).unwrap();
    registry.add_workflow_type(Arc::new(TypedWorkflowType::<Vague>::new()), origin).unwrap();
    registry
}

#[test]
fn handlers_are_told_all_that_they_owe() {
    assert_eq!(
        handler_problems(&registry(), "acme", &[]),
        [
            "Test.shout: its name isn't `group.verb` in lower_snake",
            "Test.shout: its metadata has no title",
            "Test.shout: its config accepts unknown keys; add `#[serde(deny_unknown_fields)]`",
            "Test.shout: its config key `text` has no description",
            "Test.shout: its example: config/text: expected text, found the number 3",
            "Test.shout: it requires Files, which no linked adapter serves",
        ]
    );
    assert!(!handler_problems(&registry(), "acme", &["Files"]).iter().any(|it| it.contains("Files")));
    assert_eq!(handler_problems(&registry(), "other", &[]), ["no plugin of the crate other is linked"]);
}

#[test]
fn adapters_and_workflow_types_too() {
    assert_eq!(
        adapter_problems(&registry(), "acme"),
        [
            "mute@x: its name isn't lower_snake",
            "mute@x: its metadata has no title",
            "mute@x: it serves no capability",
            "mute@x: its config accepts unknown keys; add `#[serde(deny_unknown_fields)]`",
            "mute@x: its doc comment has no example: a ```yaml block with `integration_adapters`",
        ]
    );
    assert_eq!(
        workflow_type_problems(&registry(), "acme"),
        [
            "vague: its metadata has no description",
            "vague: its metadata has no author",
            "vague: its usual handler `no.such` isn't linked",
            "vague: template `Empty` has no steps",
        ]
    );
}

#[test]
fn a_handler_lives_in_the_file_of_its_name() {
    let at = |file| handler_name_problem("git.push", &Origin::new("acme", "1.0.0", file, 1));
    assert_eq!(at("acme/src/git/push.rs"), None);
    let elsewhere = "it is registered in src/push.rs, not in a file …/git/push.rs";
    assert_eq!(at("src/push.rs").as_deref(), Some(elsewhere));
}
