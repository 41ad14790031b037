//! What a command reads before it works: files, the environment, the command line.

pub(crate) mod files;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use vwmp_core::config::{ConfigFile, Setting};
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::document::{Document, plain_value};
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::source::Source;
use vwmp_core::workflow::{
    DiskLoader, Given, Inputs, Parameters, Settings, Workflow, parameters_of, read_parameter,
};

use crate::arguments::{Assignment, PlaceArguments, ValueArguments, WorkflowArguments};
use crate::ask::Questions;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The environment of the process. What is not UTF-8 is read as well as it can be.
pub(crate) fn environment() -> BTreeMap<String, String> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// A workflow from text that is not in a file yet, checked.
pub(crate) fn checked(
    name: &str,
    text: &str,
    registry: &Registry,
    settings: &Settings,
) -> Result<Workflow, Diagnostics> {
    let document = Document::parse(Arc::new(Source::new(name, text)))?;
    Workflow::check(Arc::new(document), registry, settings, &DiskLoader::new(""))
        .map(|(workflow, _)| workflow)
}

/// A workflow that was read and checked, with its warnings.
pub(crate) fn workflow(
    file: &Path,
    registry: &Registry,
    settings: &Settings,
) -> Result<(Workflow, Diagnostics), Failure> {
    let document = Document::parse(files::source(file, "workflow")?)?;
    Ok(Workflow::check(Arc::new(document), registry, settings, &DiskLoader::new(""))?)
}

/// A workflow with everything bound, and what it was bound from.
pub(crate) struct Planned {
    pub(crate) workflow: Workflow,
    pub(crate) inputs: Inputs,
    pub(crate) settings: Settings,
    pub(crate) plan: Plan,
    pub(crate) warnings: Diagnostics,
}

/// A workflow with everything bound.
pub(crate) fn plan(
    arguments: &WorkflowArguments,
    registry: &Registry,
    environment: BTreeMap<String, String>,
    terminal: Terminal,
) -> Result<Planned, Failure> {
    let questions = Questions::at(terminal, arguments.no_input, &environment);
    let settings = settings(&arguments.place, &arguments.values.settings, environment)?;
    let (workflow, warnings) = workflow(&arguments.file, registry, &settings)?;
    let mut given = arguments.recorded.clone();
    given.extend(parameters(&arguments.values, workflow.parameters())?);
    // A name that is not declared is mistyped: that is told first.
    let known = given.keys().all(|name| workflow.parameters().contains_key(name));
    if let Some(questions) = questions.filter(|_| known) {
        questions.missing(workflow.parameters(), &mut given)?;
    }
    let inputs = Inputs {
        parameters: given,
        max_parallel: arguments.max_parallel,
        cores: std::thread::available_parallelism().ok().map(std::num::NonZero::get),
        ..Inputs::new(workspace(arguments.place.workspace.as_deref())?)
    };
    let plan = workflow.plan(inputs.clone())?;
    Ok(Planned { workflow, inputs, settings, plan, warnings })
}

/// The directory that relative paths start from; absolute.
pub(crate) fn workspace(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let path = named.unwrap_or(Path::new("."));
    let refused = |why: &str| Failure::Usage(format!("the workspace `{}` {why}", path.display()));
    match std::fs::canonicalize(path) {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(_) => Err(refused("is not a directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(refused("does not exist")),
        Err(error) => Err(refused(&format!("can't be used: {error}"))),
    }
}

/// What a check needs beside the workflow.
pub(crate) fn settings(
    place: &PlaceArguments,
    sets: &[Assignment],
    environment: BTreeMap<String, String>,
) -> Result<Settings, Failure> {
    workspace(place.workspace.as_deref())?;
    let workspace_config = match &place.config {
        Some(file) => config(files::source(file, "config file")?)?,
        None => {
            let directory = place.workspace.as_deref().unwrap_or(Path::new(""));
            config_if_there(&directory.join("vwmp_config.yaml"))?
        }
    };
    let user_config = match user_config(&environment) {
        Some((file, true)) => config(files::source(&file, "config file")?)?,
        Some((file, false)) => config_if_there(&file)?,
        None => None,
    };
    let sets = sets.iter().map(setting).collect::<Result<_, _>>()?;
    Ok(Settings { workspace_config, user_config, environment: Arc::new(environment), sets })
}

/// The user's config file, and whether it was named.
fn user_config(environment: &BTreeMap<String, String>) -> Option<(PathBuf, bool)> {
    let said = |name: &str| environment.get(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    if let Some(file) = said("VWMP_USER_CONFIG") {
        return Some((file, true));
    }
    let directory = said("XDG_CONFIG_HOME").or_else(|| Some(said("HOME")?.join(".config")))?;
    Some((directory.join("vwmp/config.yaml"), false))
}

fn config_if_there(file: &Path) -> Result<Option<ConfigFile>, Failure> {
    if file.try_exists().unwrap_or(true) { config(files::source(file, "config file")?) } else { Ok(None) }
}

/// A config file; nothing when there is nothing in it.
fn config(source: Arc<Source>) -> Result<Option<ConfigFile>, Failure> {
    match Document::parse(source) {
        Ok(document) => Ok(Some(ConfigFile::new(Arc::new(document))?)),
        Err(problems) if problems.iter().all(|one| one.code == "vwmp::empty-document") => Ok(None),
        Err(problems) => Err(problems.into()),
    }
}

/// How many parts a key may have.
const DEEPEST_KEY: usize = 64;

/// `--set key=value`: text that looks like a list, a mapping or quoted text is read as YAML.
pub(crate) fn setting(set: &Assignment) -> Result<Setting, Failure> {
    if set.name.split('.').count() > DEEPEST_KEY {
        return Err(Failure::Usage(format!("--set: a key has at most {DEEPEST_KEY} parts")));
    }
    if set.name.ends_with(']') {
        return Err(Failure::Usage(format!(
            "--set {}: a part of a list can't be set; set the whole list: --set {}='[…]'",
            set.name,
            set.name.split('[').next().unwrap_or_default()
        )));
    }
    let how = format!("--set {}={}", set.name, set.value);
    let value = if set.value.trim_start().starts_with(['[', '{', '"', '\'']) {
        yaml(&format!("--set {}", set.name), &set.value)?
    } else {
        plain_value(&set.value)
    };
    Ok(Setting { key: set.name.clone(), value, how })
}

fn yaml(name: &str, text: &str) -> Result<Value, Failure> {
    Ok(Document::parse(Arc::new(Source::new(name, text)))?.root().to_json())
}

/// Parameters: those of the file, then those of the command line, read as their declared types.
pub(crate) fn parameters(values: &ValueArguments, declared: &Parameters) -> Result<Given, Failure> {
    let mut given = match &values.parameter_file {
        Some(file) => parameter_file(file)?,
        None => Given::new(),
    };
    for Assignment { name, value } in &values.parameters {
        let schema = declared.get(name).map_or(&Value::Null, |parameter| &parameter.schema);
        let how = format!("-p {name}={}", shortened(value));
        if values.parameters.iter().filter(|other| other.name == *name).count() > 1 {
            return Err(Failure::Usage(format!(
                "the parameter `{name}` is given more than once; leave one `-p {name}=…`"
            )));
        }
        given.insert(name.clone(), (read_parameter(value, schema), how));
    }
    Ok(given)
}

/// The parameters of a file.
pub(crate) fn parameter_file(file: &Path) -> Result<Given, Failure> {
    match Document::parse(files::source(file, "parameter file")?) {
        // Nothing but comments, perhaps: no parameter is given.
        Err(found) if found.iter().any(|one| one.code == "vwmp::empty-document") => Ok(Given::new()),
        document => Ok(parameters_of(&document?)?),
    }
}

/// A value for messages.
fn shortened(value: &str) -> String {
    let line = value.lines().next().unwrap_or_default();
    let short: String = line.chars().take(60).collect();
    if short.len() == value.len() { short } else { format!("{short}…") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_read_as_yaml() {
        for (text, expected) in [
            ("3", json!(3)),
            ("V1", json!("V1")),
            ("1.10.0", json!("1.10.0")),
            ("true", json!(true)),
            ("[a, 2]", json!(["a", 2])),
            ("{\"a\": {\"b\": 1}}", json!({ "a": { "b": 1 } })),
            ("'3'", json!("3")),
            ("", json!("")),
        ] {
            let set = Assignment { name: "key".into(), value: text.into() };
            assert_eq!(setting(&set).unwrap().value, expected, "{text}");
        }
    }

    #[test]
    fn the_users_config_is_looked_for_in_order() {
        let found = |names: &[&str]| {
            let environment = names.iter().map(|name| ((*name).to_owned(), format!("/{name}"))).collect();
            user_config(&environment).map(|(path, named)| (path.to_string_lossy().into_owned(), named))
        };
        let all = ["VWMP_USER_CONFIG", "XDG_CONFIG_HOME", "HOME"];
        assert_eq!(found(&all), Some(("/VWMP_USER_CONFIG".into(), true)));
        assert_eq!(found(&all[1..]), Some(("/XDG_CONFIG_HOME/vwmp/config.yaml".into(), false)));
        assert_eq!(found(&all[2..]), Some(("/HOME/.config/vwmp/config.yaml".into(), false)));
        assert_eq!(found(&[]), None);
    }
}
