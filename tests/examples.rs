//! Every example works: the workflows, those in the manual pages of plugins, and the templates.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use vwmp_core::config::ConfigFile;
use vwmp_core::diagnostic::Diagnostic;
use vwmp_core::document::Document;
use vwmp_core::registry::Registry;
use vwmp_core::run::RunStatus;
use vwmp_core::source::Source;
use vwmp_core::workflow::{Loader, NoFiles, Settings, Workflow, read_parameter};
use vwmp_plugins as _;
use vwmp_testkit::example::{examples, steps_using};

use crate::path::{checked, checked_with, planned, ran, summary};
use crate::repository::Repository;

const WORKFLOWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../workflows");

#[tokio::test]
async fn every_workflow_does_what_its_comment_says() {
    let files = workflows();
    assert!(files.len() >= 7, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let repository = with_package("app");
        let registry = Registry::linked().unwrap();
        let workflow =
            checked(text.as_str(), &registry).unwrap_or_else(|found| panic!("{}\n{found}", file.display()));
        let given = parameters(&text);
        let given: Vec<(&str, Value)> = given
            .iter()
            .map(|(name, value)| (name.as_str(), read_parameter(value, &workflow.parameters()[name].schema)))
            .collect();
        let plan = planned(text, &registry, &repository.workspace(), &given).unwrap();
        let report = ran(plan).await;
        let allowed = [RunStatus::Succeeded, RunStatus::SucceededWithTolerated];
        assert!(allowed.contains(&report.status()), "{}: {:#?}", file.display(), summary(&report));
    }
}

/// A repository that has a package of a monorepo too.
fn with_package(name: &str) -> Repository {
    let repository = Repository::new();
    repository.write(&format!("packages/{name}/package.json"), "{ \"version\": \"1.2.3\" }\n");
    repository.git(&["add", "packages"]);
    repository.git(&["commit", "--quiet", "--message=feat: a package"]);
    repository
}

fn workflows() -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(WORKFLOWS).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The `-p name=value` of the command in the comment at the top: `vwmp run workflows/hello.yaml -p who=you`.
fn parameters(text: &str) -> Vec<(String, String)> {
    let command = text.lines().take_while(|line| line.starts_with('#'));
    let command =
        command.filter(|line| line.contains("vwmp run")).last().expect("a comment with the command");
    let given = command.split(" -p ").skip(1).map(|given| given.split("   ").next().unwrap_or(given));
    let pair = |given: &str| {
        given
            .trim()
            .split_once('=')
            .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
    };
    given.map(|given| pair(given).unwrap()).collect()
}

#[test]
fn every_example_of_a_handler_is_a_step_that_checks() {
    let registry = Registry::linked().unwrap();
    for handler in registry.steps() {
        let found = examples(&handler.info().description).unwrap();
        assert!(!found.is_empty(), "{} has no example", handler.name());
        for example in found {
            let text = around(&example);
            let called = Called(steps_using(&example, handler.name()).into_iter().cloned().collect());
            let problems = checked_with(text.as_str(), &registry, &called).err();
            assert!(problems.is_none(), "{}:\n{text}\n{}", handler.name(), problems.unwrap());
        }
    }
}

/// In place of a file that steps call: a workflow with the parameters that they give it.
struct Called(Vec<Value>);

impl Loader for Called {
    fn load(&self, path: &str, _: &Source) -> Result<Arc<Source>, Diagnostic> {
        let given = self.0.iter().filter(|step| step["config"]["workflow"] == path);
        let given = given.filter_map(|step| step["config"]["parameters"].as_object()).flatten();
        let parameters: Map<String, Value> = given.map(|(name, _)| (name.clone(), json!({}))).collect();
        let steps = [json!({ "handler": "flow.noop" })];
        let workflow = json!({ "name": "called", "parameters": parameters, "steps": steps });
        Ok(Arc::new(Source::new(path, workflow.to_string())))
    }
}

/// A workflow with the steps of an example, and with what they read: parameters, config and earlier steps.
pub(crate) fn around(example: &Value) -> String {
    let steps = match example {
        Value::Array(steps) => steps.clone(),
        step => vec![step.clone()],
    };
    let named: Vec<&str> = steps.iter().filter_map(|step| step["id"].as_str()).collect();
    let text = serde_json::to_string(&steps).unwrap();
    let mut workflow = json!({ "name": "example", "parameters": {}, "config": {}, "steps": [] });
    for (namespace, path) in references(&text) {
        let (name, rest) = path.split_once('.').unwrap_or((&path, ""));
        match &*namespace {
            "parameters" => workflow["parameters"][name] = json!({}),
            "config" => workflow["config"][name] = json!("value"),
            _ if !named.contains(&name) => {
                let stub = json!({ "id": name, "handler": giving(rest), "config": config_of(giving(rest)) });
                let stubs = workflow["steps"].as_array_mut().unwrap();
                if !stubs.contains(&stub) {
                    stubs.push(stub);
                }
            }
            _ => {}
        }
    }
    for needed in steps.iter().filter_map(|step| step["needs"].as_array()).flatten() {
        if !named.contains(&needed.as_str().unwrap()) {
            let stub = json!({ "id": needed, "handler": "flow.noop" });
            workflow["steps"].as_array_mut().unwrap().push(stub);
        }
    }
    workflow["steps"].as_array_mut().unwrap().extend(steps);
    workflow.to_string()
}

/// A handler whose output has the part that is read.
fn giving(part: &str) -> &'static str {
    match part {
        "new_version" | "old_version" => "release.version_bump",
        "name" => "git.create_tag",
        _ => "shell.run",
    }
}

fn config_of(handler: &str) -> Value {
    match handler {
        "git.create_tag" => json!({ "name": "v1" }),
        "shell.run" => json!({ "run": "true" }),
        _ => json!({}),
    }
}

/// The plain paths in all `$<…>` of a text, after their namespace.
fn references(text: &str) -> Vec<(String, String)> {
    let inside = text.split("$<").skip(1).filter_map(|rest| rest.split(['>', ' ']).next());
    inside
        .filter_map(|path| path.split_once('.'))
        .map(|(root, rest)| (root.to_owned(), rest.to_owned()))
        .collect()
}

#[test]
fn every_example_of_an_adapter_is_a_config_file_that_checks() {
    let registry = Registry::linked().unwrap();
    for adapter in registry.adapters() {
        let found = examples(&adapter.info().description).unwrap();
        assert!(!found.is_empty(), "{} has no example", adapter.name());
        for example in found {
            let document =
                Document::parse(Arc::new(Source::new("vwmp_config.yaml", example.to_string()))).unwrap();
            let file = ConfigFile::new(Arc::new(document)).unwrap_or_else(|found| panic!("{found}"));
            let mut steps = String::new();
            for entry in file.integration_adapters() {
                writeln!(steps, "  - {{ handler: flow.noop, adapters: ['{}'] }}", entry.name).unwrap();
            }
            let settings = Settings { workspace_config: Some(file.clone()), ..Settings::default() };
            let text = format!("name: example\nsteps:\n{steps}");
            let document = Document::parse(Arc::new(Source::new("workflow.yaml", text))).unwrap();
            Workflow::check(Arc::new(document), &registry, &settings, &NoFiles)
                .unwrap_or_else(|found| panic!("{}: {found}", adapter.name()));
        }
    }
}

#[test]
fn every_template_is_a_workflow_without_warnings() {
    let registry = Registry::linked().unwrap();
    for workflow_type in registry.workflow_types() {
        for template in &workflow_type.info().templates {
            let text =
                format!("name: example\ntype: {}\ntemplate: {}\n", workflow_type.name(), template.name);
            let document = Document::parse(Arc::new(Source::new("workflow.yaml", text))).unwrap();
            let (workflow, warnings) =
                Workflow::check(Arc::new(document), &registry, &Settings::default(), &NoFiles).unwrap();
            assert!(warnings.is_empty(), "{}: {warnings}", template.name);
            assert!(!workflow.steps().is_empty(), "{}", template.name);
        }
    }
}

#[tokio::test]
async fn every_template_of_a_release_releases() {
    let registry = Registry::linked().unwrap();
    for template in &registry.workflow_type("release").unwrap().info().templates {
        let repository = with_package("one");
        let text = format!("name: example\ntype: release\ntemplate: {}\n", template.name);
        let workflow = checked(text.as_str(), &registry).unwrap();
        let required = workflow.parameters().iter().filter(|(_, one)| one.required);
        let given: Vec<(&str, Value)> = required.map(|(name, _)| (name.as_str(), json!("one"))).collect();
        let report = ran(planned(text, &registry, &repository.workspace(), &given).unwrap()).await;
        assert_eq!(report.status(), RunStatus::Succeeded, "{}: {:#?}", template.name, summary(&report));
        let head = repository.git(&["rev-parse", "HEAD"]);
        // The package was never tagged, so it is released as it is.
        let tag = if template.name == "Monorepo Release" { "one@1.2.3" } else { "v1.2.4" };
        let tagged = format!("refs/tags/{tag}^{{commit}}");
        assert_eq!(repository.remote(&["rev-parse", &tagged]), head, "{}", template.name);
    }
}

#[test]
fn the_comment_names_its_own_file() {
    for file in workflows() {
        let text = fs::read_to_string(&file).unwrap().replace("  ", " ");
        let name = Path::new("workflows").join(file.file_name().unwrap());
        assert!(text.contains(&format!("vwmp run {}", name.display())), "{}", file.display());
    }
}
