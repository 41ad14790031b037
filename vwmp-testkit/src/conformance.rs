//! What every plugin owes to its users: a name, a manual page, an example that works, a schema.

use serde_json::Value;
use vwmp_core::registry::{RegisteredAdapter, RegisteredStep, RegisteredWorkflowType, Registry};
use vwmp_interfaces::register::Origin;
use vwmp_interfaces::{Effect, Findings};

use crate::example::{examples, expressions, read, steps_using};

/// Checks every plugin of the crate that the test stands in, one test for each kind.
///
/// ```text
/// vwmp_testkit::conformance!(acme_steps);
/// vwmp_testkit::conformance!(acme_steps, external: ["VersionControl"]);
/// ```
///
/// `external` lists capabilities that the crate's handlers require and other crates serve.
#[macro_export]
macro_rules! conformance {
    ($plugins:ident $(, external: [$($capability:literal),* $(,)?])? $(,)?) => {
        use $plugins as _;

        #[test]
        fn every_handler_conforms() {
            $crate::conformance::assert_none(&$crate::conformance::handler_problems(
                &$crate::conformance::linked(),
                env!("CARGO_PKG_NAME"),
                &[$($($capability),*)?],
            ));
        }

        #[test]
        fn every_adapter_conforms() {
            $crate::conformance::assert_none(&$crate::conformance::adapter_problems(
                &$crate::conformance::linked(),
                env!("CARGO_PKG_NAME"),
            ));
        }

        #[test]
        fn every_workflow_type_conforms() {
            $crate::conformance::assert_none(&$crate::conformance::workflow_type_problems(
                &$crate::conformance::linked(),
                env!("CARGO_PKG_NAME"),
            ));
        }
    };
}

/// Everything that is linked.
///
/// # Panics
/// When two plugins claim one name.
pub fn linked() -> Registry {
    Registry::linked().unwrap_or_else(|clash| panic!("{clash}"))
}

/// Ends a test unless nothing was found.
///
/// # Panics
/// When something was, with all of it.
pub fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// What the handlers of a crate owe, a line each. `external` names capabilities that other crates
/// serve.
pub fn handler_problems(registry: &Registry, package: &str, external: &[&str]) -> Vec<String> {
    let ours: Vec<_> = registry.steps().filter(|step| step.origin().package == package).collect();
    let mut all: Vec<String> =
        ours.iter().flat_map(|step| named(step.name(), step_problems(step, registry, external))).collect();
    let plugins = ours.len()
        + registry.adapters().filter(|one| one.origin().package == package).count()
        + registry.workflow_types().filter(|one| one.origin().package == package).count();
    if plugins == 0 {
        all.push(format!("no plugin of the crate {package} is linked"));
    }
    all
}

/// What the adapters of a crate owe, a line each.
pub fn adapter_problems(registry: &Registry, package: &str) -> Vec<String> {
    let ours = registry.adapters().filter(|adapter| adapter.origin().package == package);
    ours.flat_map(|one| named(one.name(), of_adapter(one))).collect()
}

/// What the workflow types of a crate owe, a line each.
pub fn workflow_type_problems(registry: &Registry, package: &str) -> Vec<String> {
    let ours = registry.workflow_types().filter(|one| one.origin().package == package);
    ours.flat_map(|one| named(one.name(), of_workflow_type(one, registry))).collect()
}

fn named(name: &str, problems: Vec<String>) -> Vec<String> {
    problems.into_iter().map(|problem| format!("{name}: {problem}")).collect()
}

fn step_problems(step: &RegisteredStep, registry: &Registry, external: &[&str]) -> Vec<String> {
    let mut problems = Vec::new();
    let info = step.info();
    problems.extend(handler_name_problem(step.name(), step.origin()));
    if info.metadata.title.is_empty() {
        problems.push("its metadata has no title".to_owned());
    }
    problems.extend(config_schema_problems(&info.config_schema));
    problems.extend(schema_problem("output", &info.output_schema));
    problems.extend(undo_problems(step));
    match examples(&info.description) {
        Err(error) => problems.push(format!("an example isn't YAML: {error}")),
        Ok(found) => problems.extend(handler_example_problems(step, &found)),
    }
    for capability in step.requires() {
        let served = registry.serving(capability).next().is_some();
        if !served && !external.contains(&capability.name()) {
            problems.push(format!("it requires {}, which no linked adapter serves", capability.name()));
        }
    }
    problems
}

/// What a handler says about taking its work back has to fit together, and people have to know what it does.
fn undo_problems(step: &RegisteredStep) -> Vec<String> {
    let (looks, can_undo) = (step.effect() == Effect::ReadOnly, step.info().can_undo);
    let told = step.info().description.lines().any(|line| line.starts_with("Undoing it "));
    let checks = [
        (can_undo && looks, "it only looks, so there is nothing to undo"),
        (can_undo && step.point_of_no_return(), "it is a point of no return, and yet can be undone"),
        (looks && step.point_of_no_return(), "it only looks, so it can't be a point of no return"),
        (
            can_undo && !told,
            "its doc comment doesn't say what undoing does: a paragraph that begins with `Undoing it`",
        ),
        (!can_undo && told, "its doc comment says what undoing does, but it is registered without `: undo`"),
    ];
    checks.into_iter().filter(|(wrong, _)| *wrong).map(|(_, problem)| problem.to_owned()).collect()
}

fn of_adapter(adapter: &RegisteredAdapter) -> Vec<String> {
    let mut problems = Vec::new();
    let info = adapter.info();
    if !is_lower_snake(adapter.name()) {
        problems.push("its name isn't lower_snake".to_owned());
    }
    if info.metadata.title.is_empty() {
        problems.push("its metadata has no title".to_owned());
    }
    if adapter.serves().is_empty() {
        problems.push("it serves no capability".to_owned());
    }
    problems.extend(config_schema_problems(&info.config_schema));
    match examples(&info.description) {
        Err(error) => problems.push(format!("an example isn't YAML: {error}")),
        Ok(found) => problems.extend(adapter_example_problems(adapter, &found)),
    }
    problems
}

fn of_workflow_type(plugin: &RegisteredWorkflowType, registry: &Registry) -> Vec<String> {
    let mut problems = Vec::new();
    let info = plugin.info();
    if !is_lower_snake(plugin.name()) {
        problems.push("its name isn't lower_snake".to_owned());
    }
    let told = info.metadata;
    for (what, text) in [
        ("title", told.title),
        ("version", told.version),
        ("description", told.description),
        ("author", told.author),
    ] {
        if text.is_empty() {
            problems.push(format!("its metadata has no {what}"));
        }
    }
    problems.extend(schema_problem("config", &info.config_schema));
    problems.extend(undescribed(&info.config_schema));
    let unknown = info.default_step_types.iter().filter(|name| registry.step(name).is_none());
    problems.extend(unknown.map(|name| format!("its usual handler `{name}` isn't linked")));
    for template in &info.templates {
        let told = template.description;
        if template.name.is_empty() || told.is_empty() {
            problems.push(format!("template `{}` has no name or no description", template.name));
        }
        problems.extend(
            template_problem(plugin, template.workflow)
                .map(|it| format!("template `{}` {it}", template.name)),
        );
    }
    problems
}

fn handler_name_problem(name: &str, origin: &Origin) -> Option<String> {
    let Some((group, verb)) = name.split_once('.') else {
        return Some("its name isn't `group.verb`".to_owned());
    };
    if !is_lower_snake(group) || !is_lower_snake(verb) {
        return Some("its name isn't `group.verb` in lower_snake".to_owned());
    }
    let file = origin.file.replace('\\', "/");
    let place = format!("/{group}/{verb}.rs");
    (!file.ends_with(&place)).then(|| format!("it is registered in {file}, not in a file …{place}"))
}

fn is_lower_snake(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(inner)
}

fn config_schema_problems(schema: &Value) -> Vec<String> {
    let mut problems: Vec<String> = schema_problem("config", schema).into_iter().collect();
    if schema["additionalProperties"] != Value::Bool(false) {
        problems.push("its config accepts unknown keys; add `#[serde(deny_unknown_fields)]`".to_owned());
    }
    problems.extend(undescribed(schema));
    problems
}

fn schema_problem(what: &str, schema: &Value) -> Option<String> {
    if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
        return Some(format!("its {what} schema isn't valid: {error}"));
    }
    let mut remote = Vec::new();
    visit(schema, &mut |key, value| {
        remote
            .extend(value.as_str().filter(|to| key == "$ref" && !to.starts_with('#')).map(ToOwned::to_owned));
    });
    remote.first().map(|to| format!("its {what} schema refers to another document, {to}"))
}

/// Config keys without a doc comment, nested ones included.
fn undescribed(schema: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    visit(schema, &mut |key, value| {
        let properties = value.as_object().filter(|_| key == "properties").into_iter().flatten();
        for (name, property) in properties {
            if property["description"].as_str().is_none_or(str::is_empty) {
                problems.push(format!("its config key `{name}` has no description"));
            }
        }
    });
    problems
}

fn visit(value: &Value, see: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                see(key, value);
                visit(value, see);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
        _ => {}
    }
}

fn handler_example_problems(step: &RegisteredStep, found: &[Value]) -> Vec<String> {
    let uses: Vec<&Value> = found.iter().flat_map(|example| steps_using(example, step.name())).collect();
    if uses.is_empty() {
        return vec!["its doc comment has no example: a ```yaml block with a step that uses it".to_owned()];
    }
    uses.into_iter().flat_map(|used| example_problems(step, used)).collect()
}

/// Values that are expressions are anyone's guess, and are left out.
fn example_problems(step: &RegisteredStep, used: &Value) -> Vec<String> {
    let config = used.get("config").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let unknown = expressions(&config);
    let (guesses, errors): (Vec<_>, Vec<_>) =
        step.config_errors(&config).into_iter().partition(|error| unknown.contains(&error.pointer));
    let mut problems: Vec<String> = errors
        .iter()
        .map(|error| format!("its example: config{}: {}", error.pointer, error.message))
        .collect();
    if !guesses.is_empty() || !problems.is_empty() {
        return problems;
    }
    match step.prepare(config) {
        Err(error) => problems.push(format!("its example: config: {error}")),
        Ok(prepared) if unknown.is_empty() => {
            let mut findings = Findings::default();
            prepared.validate(&mut findings);
            problems.extend(findings.into_iter().map(|finding| format!("its example: {}", finding.message)));
        }
        Ok(_) => {}
    }
    problems
}

fn adapter_example_problems(adapter: &RegisteredAdapter, found: &[Value]) -> Vec<String> {
    let instances = found.iter().filter_map(|example| example["integration_adapters"].as_object()).flatten();
    let ours: Vec<&Value> = instances
        .filter(|(instance, _)| instance.split('@').next() == Some(adapter.name()))
        .map(|(_, settings)| settings)
        .collect();
    if ours.is_empty() {
        return vec![
            "its doc comment has no example: a ```yaml block with `integration_adapters`".to_owned(),
        ];
    }
    let configs = ours.into_iter().filter_map(|settings| settings.get("config"));
    let errors = configs.flat_map(|config| adapter.config_errors(config));
    errors.map(|error| format!("its example: config{}: {}", error.pointer, error.message)).collect()
}

fn template_problem(plugin: &RegisteredWorkflowType, text: &str) -> Option<String> {
    let workflow = match read(text) {
        Ok(workflow) => workflow,
        Err(error) => return Some(format!("isn't YAML: {error}")),
    };
    if workflow["steps"].as_array().is_none_or(Vec::is_empty) {
        return Some("has no steps".to_owned());
    }
    let config = workflow.get("config")?;
    let error = plugin.config_errors(config).into_iter().next()?;
    Some(format!("has a config that doesn't fit: config{}: {}", error.pointer, error.message))
}

#[cfg(test)]
#[path = "conformance_tests.rs"]
mod tests;
