//! `handlers`, `types` and `adapters`: what workflows can use.

use std::collections::BTreeMap;

use vwmp_core::diagnostic::Diagnostic;
use vwmp_core::registry::{RegisteredAdapter, RegisteredStep, RegisteredWorkflowType, Registry};
use vwmp_interfaces::workflow_type::FailurePolicy;
use vwmp_interfaces::{Capability, Effect};

use crate::Program;
use crate::arguments::{Catalog, CatalogFormat, PlaceArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::catalog::{self, Entry};

const HANDLERS: Kind =
    Kind { name: "handler", heading: "Handlers", fact: "effect", unknown: "vwmp::unknown-handler" };
const TYPES: Kind =
    Kind { name: "workflow type", heading: "Workflow types", fact: "version", unknown: "vwmp::unknown-type" };
const ADAPTERS: Kind =
    Kind { name: "adapter", heading: "Adapters", fact: "serves", unknown: "vwmp::unknown-adapter" };

/// How a kind of plugin is listed.
struct Kind {
    name: &'static str,
    heading: &'static str,
    /// The fact that is listed.
    fact: &'static str,
    /// The code of a name that is not known.
    unknown: &'static str,
}

pub(super) fn handlers(mut program: Program, arguments: &Catalog) -> Result<Exit, Failure> {
    let entries = all_handlers(&*program.registry_at(&PlaceArguments::default())?);
    show(&program, arguments, &entries, &HANDLERS)
}

pub(super) fn types(mut program: Program, arguments: &Catalog) -> Result<Exit, Failure> {
    let entries = all_types(&*program.registry()?);
    show(&program, arguments, &entries, &TYPES)
}

pub(super) fn adapters(mut program: Program, arguments: &Catalog) -> Result<Exit, Failure> {
    let entries = all_adapters(&*program.registry()?);
    show(&program, arguments, &entries, &ADAPTERS)
}

fn show(program: &Program, arguments: &Catalog, all: &[Entry], kind: &Kind) -> Result<Exit, Failure> {
    let width = program.terminal.out_width();
    let text = match (&arguments.name, arguments.format) {
        (Some(name), format) => {
            let Some(entry) = all.iter().find(|entry| entry.name == *name) else {
                return Err(unknown(name, all, kind).into());
            };
            match format {
                CatalogFormat::Text => catalog::page(entry, width),
                CatalogFormat::Json => json(entry),
                CatalogFormat::Markdown => catalog::markdown(entry),
            }
        }
        (None, CatalogFormat::Text) => catalog::list(all, kind.name, kind.fact, width),
        (None, CatalogFormat::Json) => json(&all),
        (None, CatalogFormat::Markdown) => markdown(all, kind),
    };
    program.terminal.print(&text)?;
    Ok(Exit::Done)
}

/// The manual pages of everything, as Markdown, below an introduction with the heading of the handlers.
pub(crate) fn manual(intro: &str, registry: &Registry) -> String {
    let handlers = all_handlers(registry);
    let adapters = markdown(&all_adapters(registry), &ADAPTERS);
    let types = markdown(&all_types(registry), &TYPES);
    format!("{intro}\n{}\n{}\n{adapters}\n{types}", contents(&handlers), pages(&handlers))
}

/// Links to the pages of handlers, a line for each group.
fn contents(handlers: &[Entry]) -> String {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Entry { name, .. } in handlers {
        let link = format!("[{name}](#{})", name.replace('.', ""));
        groups.entry(name.split('.').next().unwrap_or(name)).or_default().push(link);
    }
    groups.into_values().map(|links| format!("- {}\n", links.join(" · "))).collect()
}

fn markdown(all: &[Entry], kind: &Kind) -> String {
    format!("# {}\n\n{}", kind.heading, pages(all))
}

fn pages(all: &[Entry]) -> String {
    all.iter().map(catalog::markdown).collect::<Vec<_>>().join("\n")
}

fn all_handlers(registry: &Registry) -> Vec<Entry> {
    registry.steps().map(|step| handler(step)).collect()
}

fn all_types(registry: &Registry) -> Vec<Entry> {
    registry.workflow_types().map(|plugin| workflow_type(plugin)).collect()
}

fn all_adapters(registry: &Registry) -> Vec<Entry> {
    registry.adapters().map(|one| adapter(one)).collect()
}

fn unknown(name: &str, all: &[Entry], kind: &Kind) -> Diagnostic {
    let known = all.iter().map(|entry| entry.name.as_str());
    let problem = Diagnostic::error(kind.unknown, format!("there is no {} `{name}`", kind.name));
    let problem = problem.nearest(name, known.clone());
    match problem.help.is_empty() {
        true if all.is_empty() => problem.help("none is linked into this program"),
        true => problem.help(format!("there are {}", known.collect::<Vec<_>>().join(", "))),
        false => problem,
    }
}

fn json(value: &impl serde::Serialize) -> String {
    format!("{:#}\n", serde_json::json!(value))
}

fn handler(step: &RegisteredStep) -> Entry {
    let info = step.info();
    let effect = match step.effect() {
        Effect::ReadOnly => "read only",
        Effect::Idempotent => "idempotent",
        Effect::Once => "once",
    };
    let mut facts = vec![("effect", effect.to_owned())];
    if info.can_undo {
        facts.push(("undo", "its work can be taken back".to_owned()));
    }
    if !step.requires().is_empty() {
        facts.push(("needs adapters for", capabilities(&step.requires())));
    }
    let title = info.metadata.title;
    Entry {
        title: if title.is_empty() { step.name().to_owned() } else { title.to_owned() },
        category: category(info.metadata.category, step.name()),
        name: step.name().to_owned(),
        description: info.description.clone(),
        facts,
        config: info.config_schema.clone(),
        output: Some(info.output_schema.clone()),
        origin: step.origin().clone(),
    }
}

fn adapter(one: &RegisteredAdapter) -> Entry {
    let info = one.info();
    let title = info.metadata.title;
    Entry {
        title: if title.is_empty() { one.name().to_owned() } else { title.to_owned() },
        category: category(info.metadata.category, one.name()),
        name: one.name().to_owned(),
        description: info.description.clone(),
        facts: vec![("serves", capabilities(&one.serves()))],
        config: info.config_schema.clone(),
        output: None,
        origin: one.origin().clone(),
    }
}

fn workflow_type(plugin: &RegisteredWorkflowType) -> Entry {
    let info = plugin.info();
    let metadata = info.metadata;
    let on_failure = match info.on_failure {
        FailurePolicy::Continue => "continue",
        FailurePolicy::Rollback => "rollback",
        FailurePolicy::Stop => "stop",
    };
    let mut facts = vec![
        ("version", metadata.version.to_owned()),
        ("author", metadata.author.to_owned()),
        ("on failure", on_failure.to_owned()),
        ("usual handlers", info.default_step_types.join(", ")),
    ];
    let templates = info.templates.iter().map(|one| format!("{}: {}", one.name, one.description));
    facts.push(("templates", templates.collect::<Vec<_>>().join("\n")));
    facts.retain(|(_, value)| !value.is_empty());
    Entry {
        title: if metadata.title.is_empty() { plugin.name().to_owned() } else { metadata.title.to_owned() },
        category: plugin.name().to_owned(),
        name: plugin.name().to_owned(),
        description: metadata.description.to_owned(),
        facts,
        config: info.config_schema.clone(),
        output: None,
        origin: plugin.origin().clone(),
    }
}

fn capabilities(all: &[Capability]) -> String {
    all.iter().map(Capability::name).collect::<Vec<_>>().join(", ")
}

fn category(said: &str, name: &str) -> String {
    if said.is_empty() { name.split('.').next().unwrap_or(name).to_owned() } else { said.to_owned() }
}
