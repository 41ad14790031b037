//! What a plan was made from, written down: enough to make the same plan again in another process.

mod fingerprint;
mod secret_names;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::Effect;

use self::fingerprint::fingerprint;
use self::secret_names::SecretNames;
use super::composite::{COMPOSITE_PACKAGE, replace_composites};
use super::expand::Texts;
use super::{Given, Inputs, Settings, Workflow, check};
use crate::config::{ConfigFile, Setting};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::Document;
use crate::masking::MASK;
use crate::plan::Plan;
use crate::registry::Registry;
use crate::source::Source;

/// The version of what is written.
pub const FORMAT: u32 = 1;

/// What a plan was made from. No secret is in it: secret parameters and whatever else the plan knows as secret have to
/// be given again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    format: u32,
    /// The workflow, what it extends, and its template.
    documents: Vec<Text>,
    workspace_config: Option<Text>,
    user_config: Option<Text>,
    sets: Vec<Set>,
    /// The variables that the texts name and that may be written down.
    environment: BTreeMap<String, String>,
    /// Variables that have to be there again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    secret_environment: Vec<String>,
    parameters: BTreeMap<String, (Value, String)>,
    /// The parameters that have to be given again.
    secret_parameters: Vec<String>,
    /// The settings that have to be given again.
    secret_sets: Vec<String>,
    workspace: String,
    max_parallel: Option<usize>,
    cores: Option<usize>,
    handlers: Vec<HandlerIdentity>,
    /// The composite handlers that it uses: the run goes on with them as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    composites: Vec<Text>,
    /// Whether results of another run were to stand for steps; its first events say of which.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    fingerprint: String,
}

/// A text with the name it was read under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Text {
    name: String,
    text: String,
}

/// `--set key=value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Set {
    key: String,
    value: Value,
    how: String,
}

/// A handler as it was when the run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct HandlerIdentity {
    name: String,
    package: String,
    version: String,
    effect: Effect,
}

/// What is given again when a plan is made from its record.
#[derive(Debug, Clone, Default)]
pub struct Again {
    /// The environment now; what is written down outweighs it.
    pub environment: BTreeMap<String, String>,
    /// Secret parameters.
    pub parameters: Given,
    /// Settings that were secret.
    pub sets: Vec<Setting>,
}

impl Record {
    /// What a plan was made from.
    pub fn of(workflow: &Workflow, inputs: &Inputs, plan: &Plan) -> Self {
        let settings = &workflow.settings;
        let secrets = SecretNames::of(plan, &workflow.parameters);
        let (secret, open): (Vec<_>, Vec<_>) =
            inputs.parameters.iter().partition(|(name, (value, _))| secrets.has_parameter(name, value));
        let (secret_sets, sets): (Vec<_>, Vec<_>) =
            settings.sets.iter().partition(|set| secrets.has_set(&set.key, &set.value));
        let documents: Vec<Text> = workflow.documents.iter().map(|document| Text::of(document)).collect();
        let file = |file: &Option<ConfigFile>| file.as_ref().map(|file| Text::of(file.document()));
        let (workspace_config, user_config) = (file(&settings.workspace_config), file(&settings.user_config));
        let composites = composites(plan);
        let texts = documents.iter().chain(&composites).chain(&workspace_config).chain(&user_config);
        let (environment, secret_environment) = environment(texts, &settings.environment, &secrets);
        Self {
            format: FORMAT,
            environment,
            secret_environment,
            documents,
            workspace_config,
            user_config,
            sets: sets.into_iter().map(Set::of).collect(),
            parameters: open.into_iter().map(|(name, given)| (name.clone(), given.clone())).collect(),
            secret_parameters: secret.into_iter().map(|(name, _)| name.clone()).collect(),
            secret_sets: secret_sets.into_iter().map(|set| set.key.clone()).collect(),
            workspace: inputs.workspace.to_string_lossy().into_owned(),
            max_parallel: inputs.max_parallel,
            cores: inputs.cores,
            handlers: handlers(plan),
            composites,
            partial: false,
            fingerprint: fingerprint(plan),
        }
    }

    /// The record of a run in which results of another run stand for steps, or steps are left out.
    #[must_use]
    pub fn partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// Whether results of another run were to stand for steps, or steps were to be left out. Which ones is in the first
    /// events of the run, and nowhere else.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is damaged, or of a later version.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if record.format > FORMAT {
            return Err(format!(
                "it has format {}, and this program knows formats up to {FORMAT}",
                record.format
            ));
        }
        Ok(record)
    }

    /// The record as bytes.
    pub fn write(&self) -> Vec<u8> {
        // Plain data can always be written as JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Where the workflow was read from.
    pub fn source(&self) -> &str {
        self.documents.first().map_or("", |text| &text.name)
    }

    /// The directory that relative paths start from.
    pub fn workspace(&self) -> &Path {
        Path::new(&self.workspace)
    }

    /// The parameters that were given, but for secret ones.
    pub fn parameters(&self) -> &BTreeMap<String, (Value, String)> {
        &self.parameters
    }

    /// The settings of the command line, without those that have to be given again.
    pub fn sets(&self) -> impl Iterator<Item = Setting> + '_ {
        let setting =
            |set: &Set| Setting { key: set.key.clone(), value: set.value.clone(), how: set.how.clone() };
        self.sets.iter().map(setting)
    }

    /// The parameters that have to be given again.
    pub fn secret_parameters(&self) -> &[String] {
        &self.secret_parameters
    }

    /// The handlers that the run goes on with: those of this program, and the composite handlers as they were.
    ///
    /// # Errors
    /// When one of those can't be used with this program.
    pub fn registry(&self, registry: &Registry) -> Result<Registry, Diagnostics> {
        let texts = self.composites.iter().map(Text::parse).collect::<Result<Vec<_>, _>>()?;
        let mut registry = registry.clone();
        replace_composites(&mut registry, &texts)?;
        Ok(registry)
    }

    /// What is another one since the run began: handlers, a line each.
    pub fn changes(&self, registry: &Registry) -> Vec<String> {
        let change = |was: &HandlerIdentity| {
            if was.package == COMPOSITE_PACKAGE {
                // The run goes on with it as it was.
                return None;
            }
            let Some(step) = registry.step(&was.name) else {
                return Some(format!("{} ({} {}) is not there any more", was.name, was.package, was.version));
            };
            let now = step.origin();
            if *now.package != was.package || *now.version != was.version {
                let (package, version) = (&now.package, &now.version);
                return Some(format!(
                    "{} was of {} {}, and is of {package} {version} now",
                    was.name, was.package, was.version
                ));
            }
            (step.effect() != was.effect)
                .then(|| format!("{} says another effect than when the run began", was.name))
        };
        self.handlers.iter().filter_map(change).collect()
    }

    /// Makes the plan again.
    ///
    /// # Errors
    /// What has to be given again and is not, and whatever else keeps the plan from being the same.
    pub fn plan(&self, registry: &Registry, again: Again) -> Result<Plan, Diagnostics> {
        self.require(&again)?;
        let (workflow, inputs) = self.workflow(registry, again)?;
        self.same(workflow.plan(inputs)?, registry)
    }

    /// Makes the plan again to look at it: something stands for the secrets, so that nothing can be carried out.
    ///
    /// # Errors
    /// Whatever keeps the plan from being the same.
    pub fn look(
        &self,
        registry: &Registry,
        mut environment: BTreeMap<String, String>,
    ) -> Result<Plan, Diagnostics> {
        let how = "not written down, since it is secret";
        for name in &self.secret_environment {
            environment.entry(name.clone()).or_insert_with(|| MASK.to_owned());
        }
        let set = |key: &String| Setting { key: key.clone(), value: MASK.into(), how: how.to_owned() };
        let parameters = self.secret_parameters.iter();
        let again = Again {
            environment,
            parameters: parameters.map(|name| (name.clone(), (MASK.into(), how.to_owned()))).collect(),
            sets: self.secret_sets.iter().map(set).collect(),
        };
        let (workflow, inputs) = self.workflow(registry, again)?;
        self.same(workflow.plan_to_look_at(inputs), registry)
    }

    /// The workflow, checked again, and what it was given.
    fn workflow(&self, registry: &Registry, again: Again) -> Result<(Workflow, Inputs), Diagnostics> {
        let mut environment = again.environment;
        environment.extend(self.environment.clone());
        let settings = Settings {
            workspace_config: config(self.workspace_config.as_ref())?,
            user_config: config(self.user_config.as_ref())?,
            environment: Arc::new(environment),
            sets: self.sets().chain(again.sets).collect(),
        };
        let documents = self.documents.iter().map(Text::parse).collect::<Result<Vec<_>, _>>()?;
        let mut found = Diagnostics::default();
        let texts = Texts::recorded(documents, &mut found);
        let workflow = check::of_recorded(&texts, &self.registry(registry)?, &settings, found)?;
        let mut parameters = self.parameters.clone();
        parameters.extend(again.parameters);
        let inputs = Inputs {
            parameters,
            workspace: self.workspace().into(),
            max_parallel: self.max_parallel,
            cores: self.cores,
        };
        Ok((workflow, inputs))
    }

    fn same(&self, plan: Plan, registry: &Registry) -> Result<Plan, Diagnostics> {
        if fingerprint(&plan) == self.fingerprint {
            return Ok(plan);
        }
        let message = "the plan that comes of what was written down is another one than when the run began";
        let problem = Diagnostic::error("vwmp::other-plan", message);
        let problem = self.changes(registry).into_iter().fold(problem, Diagnostic::help);
        Err(problem.help("use the program that began the run, or start it anew with `rerun`").into())
    }

    fn require(&self, again: &Again) -> Result<(), Diagnostics> {
        let parameters = self.secret_parameters.iter().filter(|name| !again.parameters.contains_key(*name));
        let parameters = parameters.map(|name| (format!("parameter `{name}`"), format!("-p {name}=…")));
        let sets = self.secret_sets.iter().filter(|key| !again.sets.iter().any(|set| set.key == **key));
        let sets = sets.map(|key| (format!("config key `{key}`"), format!("--set {key}=…")));
        let variables = self.secret_environment.iter().filter(|name| !again.environment.contains_key(*name));
        let variables =
            variables.map(|name| (format!("variable `{name}`"), format!("{name}=… in the environment")));
        let missing: Diagnostics = parameters
            .chain(sets)
            .chain(variables)
            .map(|(what, how)| {
                let message = format!("the {what} is secret, so it was not written down");
                Diagnostic::error("vwmp::secret-again", message).help(format!("give it again: {how}"))
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }
}

impl Text {
    fn of(document: &Document) -> Self {
        let source = document.source();
        Self { name: source.name().to_owned(), text: source.text().to_owned() }
    }

    fn parse(&self) -> Result<Arc<Document>, Diagnostics> {
        Document::parse(Arc::new(Source::new(&*self.name, &*self.text))).map(Arc::new)
    }
}

impl Set {
    fn of(set: &Setting) -> Self {
        Self { key: set.key.clone(), value: set.value.clone(), how: set.how.clone() }
    }
}

fn config(text: Option<&Text>) -> Result<Option<ConfigFile>, Diagnostics> {
    text.map(|text| ConfigFile::new(text.parse()?)).transpose()
}

/// The variables that the texts name, and those that are a layer of the config: those that may be written down, and
/// the names of the others, which whoever continues the run has in the environment.
fn environment<'t>(
    texts: impl Iterator<Item = &'t Text>,
    all: &BTreeMap<String, String>,
    secrets: &SecretNames<'_>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let texts: Vec<&str> = texts.map(|text| text.text.as_str()).filter(|text| text.contains("env")).collect();
    let named = |name: &str| {
        let forms = [format!("env.{name}"), format!("env['{name}']"), format!("env[\"{name}\"]")];
        name.starts_with("VWMP_CONFIG_")
            || texts.iter().any(|text| forms.iter().any(|form| text.contains(form)))
    };
    let kept = all.iter().filter(|(name, _)| named(name));
    let (secret, open): (Vec<_>, Vec<_>) = kept.partition(|(name, value)| secrets.has_variable(name, value));
    let open = open.into_iter().map(|(name, value)| (name.clone(), value.clone()));
    (open.collect(), secret.into_iter().map(|(name, _)| name.clone()).collect())
}

fn handlers(plan: &Plan) -> Vec<HandlerIdentity> {
    let mut handlers: BTreeMap<&str, HandlerIdentity> = BTreeMap::new();
    for step in plan.steps() {
        let (name, origin) = (step.handler().name(), step.handler().origin());
        handlers.entry(name).or_insert_with(|| HandlerIdentity {
            name: name.to_owned(),
            package: origin.package.to_string(),
            version: origin.version.to_string(),
            effect: step.handler().effect(),
        });
    }
    handlers.into_values().collect()
}

fn composites(plan: &Plan) -> Vec<Text> {
    let mut texts: Vec<&Arc<Document>> = Vec::new();
    for document in plan.steps().iter().filter_map(|step| step.handler().composite()).flatten() {
        if !texts.iter().any(|known| Arc::ptr_eq(known, document)) {
            texts.push(document);
        }
    }
    texts.into_iter().map(|document| Text::of(document)).collect()
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
