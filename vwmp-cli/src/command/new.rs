//! `new`: a workflow to start from.

mod edit;

use std::path::{Path, PathBuf};

use vwmp_core::diagnostic::nearest;
use vwmp_core::registry::{RegisteredWorkflowType, Registry};
use vwmp_core::workflow::Workflow;
use vwmp_interfaces::WorkflowTemplate;

use crate::arguments::{Assignment, New, PlaceArguments};
use crate::ask::Questions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::counted;
use crate::terminal::{BOLD, DIM, paint};
use crate::{Program, emit, input};

/// What a workflow without a type starts as.
const PLAIN: WorkflowTemplate = WorkflowTemplate {
    name: "workflow",
    description: "A small workflow of no type.",
    workflow: include_str!("new/plain.yaml"),
};

/// What the new workflow is made from.
struct Start<'r> {
    workflow_type: Option<&'r RegisteredWorkflowType>,
    template: &'r WorkflowTemplate,
}

pub(super) fn new(mut program: Program, arguments: &New) -> Result<Exit, Failure> {
    let registry = program.registry_at(&PlaceArguments::default())?;
    let environment = input::environment();
    let questions = Questions::at(program.terminal, arguments.no_input, &environment);
    let settings = input::settings(&PlaceArguments::default(), &[], environment)?;
    let start = start(arguments, &registry, questions.as_ref())?;
    let file = file(arguments.file.as_deref(), start.template);
    if file.symlink_metadata().is_ok() {
        return Err(Failure::Usage(format!("`{}` exists already; name another file", file.display())));
    }
    let name = file.display().to_string();
    let mut text = start.text(&file);
    for set in &arguments.settings {
        text = edit::config(&text, &set.name, &input::setting(set)?.value).map_err(Failure::Usage)?;
    }
    let workflow = input::checked(&name, &text, &registry, &settings)?;
    text = with_defaults(text, &workflow, &arguments.parameters)?;
    if let Some(questions) = questions {
        text = asked(text, &workflow, &arguments.parameters, &questions)?;
    }
    let workflow = input::checked(&name, &text, &registry, &settings)?;
    input::files::create(&file, &text)?;
    tell(&program, &name, &workflow)?;
    Ok(Exit::Done)
}

fn start<'r>(
    arguments: &New,
    registry: &'r Registry,
    questions: Option<&Questions>,
) -> Result<Start<'r>, Failure> {
    let chosen = match (&arguments.workflow_type, questions) {
        (Some(name), _) => Some(name.as_str()),
        (None, Some(questions)) if registry.workflow_types().next().is_some() => {
            let types = registry.workflow_types().map(|one| (one.name(), one.info().metadata.description));
            let none = (PLAIN.name, PLAIN.description);
            let name = questions.choice("type", &types.chain([none]).collect::<Vec<_>>())?;
            (name != PLAIN.name).then_some(name)
        }
        (None, _) => None,
    };
    let Some(name) = chosen else { return Ok(Start { workflow_type: None, template: &PLAIN }) };
    let Some(workflow_type) = registry.workflow_type(name) else {
        let known: Vec<&str> = registry.workflow_types().map(|one| one.name()).collect();
        return Err(unknown("workflow type", name, &known));
    };
    let template = template(workflow_type, arguments.template.as_deref(), questions)?;
    Ok(Start { workflow_type: Some(workflow_type), template })
}

fn template<'r>(
    workflow_type: &'r RegisteredWorkflowType,
    wanted: Option<&str>,
    questions: Option<&Questions>,
) -> Result<&'r WorkflowTemplate, Failure> {
    let all = &workflow_type.info().templates;
    let names: Vec<(&str, &str)> = all.iter().map(|one| (one.name, one.description)).collect();
    let name = match (wanted, all.as_slice(), questions) {
        (Some(name), ..) => name,
        (None, [], _) => return Ok(&PLAIN),
        (None, [one], _) => one.name,
        (None, _, Some(questions)) => questions.choice("template", &names)?,
        (None, ..) => {
            let known: Vec<String> = names.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let message = format!("choose a template with --template: {}", known.join(", "));
            return Err(Failure::Usage(message));
        }
    };
    let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    all.iter().find(|one| one.name == name).ok_or_else(|| unknown("template", name, &known))
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Failure {
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("there are {}", known.join(", ")),
    };
    Failure::Usage(format!("there is no {what} `{name}`; {hint}"))
}

/// Where the workflow is written: `release` means `release.yaml`.
fn file(named: Option<&Path>, template: &WorkflowTemplate) -> PathBuf {
    match named {
        Some(file) if file.extension().is_some_and(|end| end == "yaml" || end == "yml") => file.to_owned(),
        Some(file) => PathBuf::from(format!("{}.yaml", file.display())),
        None => PathBuf::from(format!("{}.yaml", template.name.to_lowercase().replace(' ', "-"))),
    }
}

impl Start<'_> {
    /// The template as a workflow of its own.
    fn text(&self, file: &Path) -> String {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let mut text = format!("vwmp: 1\nname: {}\n", emit::scalar(&name));
        if let Some(workflow_type) = self.workflow_type {
            text.push_str(&format!("type: {}\n", emit::scalar(workflow_type.name())));
            text.push_str(&format!("description: {}\n", emit::scalar(self.template.description)));
        }
        format!("{text}\n{}", self.template.workflow.trim_start())
    }
}

/// With the defaults that were given on the command line.
fn with_defaults(mut text: String, workflow: &Workflow, given: &[Assignment]) -> Result<String, Failure> {
    for Assignment { name, value } in given {
        let Some(parameter) = workflow.parameters().get(name) else {
            let known: Vec<&str> = workflow.parameters().keys().map(String::as_str).collect();
            return Err(unknown("parameter", name, &known));
        };
        if parameter.secret {
            let message =
                format!("`{name}` is secret and must not be written into a file; give it to each run");
            return Err(Failure::Usage(message));
        }
        let value = vwmp_core::workflow::read_parameter(value, &parameter.schema);
        text = edit::default(&text, name, &value).map_err(Failure::Usage)?;
    }
    Ok(text)
}

/// With the defaults that were answered at the terminal.
fn asked(
    mut text: String,
    workflow: &Workflow,
    given: &[Assignment],
    questions: &Questions,
) -> Result<String, Failure> {
    let is_open = |name: &str| given.iter().all(|one| one.name != name);
    for (name, parameter) in workflow.parameters().iter().filter(|(name, one)| is_open(name) && !one.secret) {
        if let Some(value) = questions.parameter(name, parameter, true)? {
            text = edit::default(&text, name, &value).map_err(Failure::Usage)?;
        }
    }
    Ok(text)
}

fn tell(program: &Program, name: &str, workflow: &Workflow) -> Result<(), Failure> {
    let open = workflow.parameters().iter().filter(|(_, one)| one.required && one.default.is_none());
    let open = open.fold(String::new(), |text, (name, _)| format!("{text} -p {name}=…"));
    let command = format!("{} plan {name}{open}", program.name());
    let steps = counted(workflow.steps().len(), "step");
    let text = format!("wrote {}: {steps}\n{}\n", paint(BOLD, name), paint(DIM, format!("next: {command}")));
    Ok(program.terminal.print(&text)?)
}
