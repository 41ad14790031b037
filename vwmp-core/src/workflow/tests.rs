//! Workflows and what is said of them, as data: `tests/cases/*.txt`.
//!
//! A case begins with `=== TITLE` and its workflow; sections begin with `--- NAME`: a file that it extends, the config
//! files, `sets`, `parameters` (then it is planned as well), and last `expected`.

pub(crate) mod plugins;
mod properties;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::config::ConfigFile;
use crate::diagnostic::Diagnostic;
use crate::document::plain_value;
use crate::source::Source;

struct Case<'t> {
    title: &'t str,
    sections: BTreeMap<&'t str, &'t str>,
}

/// The other sections of a case are its files.
impl Loader for Case<'_> {
    fn load(&self, path: &str, _: &Source) -> Result<Arc<Source>, Diagnostic> {
        match self.sections.get(path) {
            Some(text) => Ok(Arc::new(Source::new(path, *text))),
            None => Err(Diagnostic::error(
                "vwmp::unreadable",
                format!("`{path}` can't be read: there is no such file"),
            )),
        }
    }
}

pub(crate) fn document(name: &str, text: &str) -> Arc<Document> {
    Arc::new(Document::parse(Arc::new(Source::new(name, text))).unwrap())
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let cases = text.split("=== ").skip(1).map(|case| {
        let (title, rest) = case.split_once('\n').unwrap();
        let mut sections = rest.split("--- ");
        let workflow = sections.next().unwrap();
        let sections = sections.map(|section| section.split_once('\n').unwrap());
        Case { title, sections: std::iter::once(("w.yaml", workflow)).chain(sections).collect() }
    });
    cases.collect()
}

fn told(case: &Case<'_>) -> String {
    let file =
        |name: &str| case.sections.get(name).map(|text| ConfigFile::new(document(name, text)).unwrap());
    let set = |line: &str| {
        let (key, value) = line.split_once('=').unwrap();
        Setting { key: key.into(), value: plain_value(value), how: format!("--set {line}") }
    };
    let environment = [("HOME", "/home/me"), ("VWMP_CONFIG_FROM_ENV", "1")];
    let settings = Settings {
        workspace_config: file("vwmp_config.yaml"),
        user_config: file("user_config.yaml"),
        environment: Arc::new(environment.map(|(key, value)| (key.into(), value.into())).into()),
        sets: case.sections.get("sets").into_iter().flat_map(|sets| sets.lines()).map(set).collect(),
    };
    let document = document("w.yaml", case.sections["w.yaml"]);
    match Workflow::check(document, &plugins::registry(), &settings, case) {
        Err(found) => format!("{found}\n"),
        Ok((workflow, warnings)) => {
            let warnings = if warnings.is_empty() { String::new() } else { format!("{warnings}\n") };
            let plan = case.sections.get("parameters").map(|given| plan(&workflow, given));
            format!("{warnings}{}", plan.unwrap_or_else(|| "fine\n".into()))
        }
    }
}

fn plan(workflow: &Workflow, given: &str) -> String {
    let mut inputs = Inputs::new(Path::new("/work"));
    for line in given.lines() {
        let (name, text) = line.split_once('=').unwrap();
        let schema = workflow.parameters().get(name).map(|one| one.schema.clone()).unwrap_or_default();
        inputs.parameters.insert(name.into(), (read_parameter(text, &schema), format!("-p {line}")));
    }
    let plan = match workflow.plan(inputs) {
        Ok(plan) => plan,
        Err(found) => return format!("{found}\n"),
    };
    let mut out = format!("parameters {}\n", plan.parameters());
    for (key, value, origin) in plan.resolved_config().leaves() {
        writeln!(out, "config {key} = {value} <- {origin}").unwrap();
    }
    for adapter in &plan.adapters {
        writeln!(out, "adapter {} {}", adapter.instance, adapter.config).unwrap();
    }
    writeln!(out, "at most {}, {:?}, {:?}", plan.max_parallel, plan.timeout, plan.on_failure).unwrap();
    for (index, step) in plan.indexed() {
        let needs: Vec<&str> = plan.needs(index).iter().map(|&need| plan[need].id()).collect();
        let finally = if plan.is_finally(index) { "finally " } else { "" };
        let policy = step.policy();
        writeln!(out, "{finally}{} <- [{}]", step.id(), needs.join(", ")).unwrap();
        writeln!(out, "  {:?} {:?} {:?}", policy.required, policy.timeout, policy.priority).unwrap();
        writeln!(out, "  {:?}", policy.retry).unwrap();
        if let Some(extras) = &step.extras {
            let fan = step.fan_out().map(|fan| crate::plan::items(fan, &plan).map(|items| items.len()));
            writeln!(out, "  items {fan:?} lock {:?} cache {:?}", extras.lock, extras.cache.is_some())
                .unwrap();
        }
        match step.config().render_partial(&plan) {
            Ok(config) => writeln!(out, "  {} {:?}", config.value, config.unknown).unwrap(),
            Err(error) => writeln!(out, "  {error}").unwrap(),
        }
    }
    out
}

fn check(text: &str) {
    for case in cases(text) {
        assert_eq!(told(&case), case.sections["expected"], "{}", case.title);
    }
}

#[test]
fn keys_and_types() {
    check(include_str!("tests/cases/shape.txt"));
}

#[test]
fn handlers_adapters_and_types() {
    check(include_str!("tests/cases/plugins.txt"));
}

#[test]
fn configs_of_steps() {
    check(include_str!("tests/cases/config.txt"));
}

#[test]
fn references_and_edges() {
    check(include_str!("tests/cases/references.txt"));
}

#[test]
fn items_locks_and_caches() {
    check(include_str!("tests/cases/extras.txt"));
}

#[test]
fn workflows_that_steps_call() {
    check(include_str!("tests/cases/calls.txt"));
}

#[test]
fn values_of_parameters() {
    check(include_str!("tests/cases/parameters.txt"));
}

#[test]
fn bases_and_templates() {
    check(include_str!("tests/cases/expand.txt"));
}

#[test]
fn a_file_of_parameters_is_a_mapping() {
    let given = parameters_of(&document("params.yaml", "a: 1\nb: [x]\n")).unwrap();
    assert_eq!(given["b"], (serde_json::json!(["x"]), "params.yaml:2:1".into()));
    assert_eq!(
        parameters_of(&document("params.yaml", "- a\n")).unwrap_err().to_string(),
        "params.yaml:1:1: error[vwmp::wrong-type]: `params.yaml`: expected a mapping of parameters, found a list"
    );
}
