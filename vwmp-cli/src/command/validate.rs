//! `validate`: checks workflows.

use std::path::{Path, PathBuf};

use serde::Serialize;
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::registry::Registry;
use vwmp_core::workflow::Settings;

use crate::arguments::{FindingsFormat, Validate};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::sarif::sarif;
use crate::render::{counted, diagnostic};
use crate::{Program, ci, input};

/// What was found in one file.
#[derive(Serialize)]
struct Verdict {
    file: String,
    valid: bool,
    /// How many steps there are; nothing when the workflow can't be used.
    steps: Option<usize>,
    diagnostics: Diagnostics,
}

pub(super) fn validate(mut program: Program, arguments: &Validate) -> Result<Exit, Failure> {
    let is_sarif = arguments.format == FindingsFormat::Sarif;
    let settings = input::settings(&arguments.place, &[], input::environment());
    let (registry, settings) =
        match program.registry_at(&arguments.place).and_then(|registry| Ok((registry, settings?))) {
            // A reader of SARIF gets SARIF, also where the config file is what is wrong.
            Err(Failure::Invalid(found)) if is_sarif => {
                let file = PathBuf::from("vwmp_config.yaml");
                let file = arguments.place.config.as_ref().unwrap_or(&file).display().to_string();
                print_sarif(&program, [(file.as_str(), &found)])?;
                return Ok(Exit::Invalid);
            }
            read => read?,
        };
    let verdicts: Vec<Verdict> =
        arguments.files.iter().map(|file| check(file, &registry, &settings)).collect::<Result<_, _>>()?;
    match arguments.format {
        FindingsFormat::Json => program.terminal.print(&format!("{:#}\n", serde_json::json!(verdicts)))?,
        FindingsFormat::Sarif => {
            print_sarif(&program, verdicts.iter().map(|one| (one.file.as_str(), &one.diagnostics)))?;
        }
        FindingsFormat::Text => verdicts.iter().try_for_each(|verdict| show(&program, verdict))?,
    }
    Ok(if verdicts.iter().all(|verdict| verdict.valid) { Exit::Done } else { Exit::Invalid })
}

fn print_sarif<'d>(
    program: &Program,
    all: impl IntoIterator<Item = (&'d str, &'d Diagnostics)>,
) -> Result<(), Failure> {
    let sarif = sarif(program.name(), program.version(), all);
    Ok(program.terminal.print(&format!("{sarif:#}\n"))?)
}

fn check(file: &Path, registry: &Registry, settings: &Settings) -> Result<Verdict, Failure> {
    let (steps, diagnostics) = match input::workflow(file, registry, settings) {
        Ok((workflow, warnings)) => (Some(workflow.steps().len()), warnings),
        Err(Failure::Invalid(diagnostics)) => (None, diagnostics),
        Err(other) => return Err(other),
    };
    Ok(Verdict { file: file.display().to_string(), valid: steps.is_some(), steps, diagnostics })
}

fn show(program: &Program, verdict: &Verdict) -> Result<(), Failure> {
    let terminal = program.terminal;
    if !verdict.diagnostics.is_empty() {
        terminal.tell(&diagnostic::render(&verdict.diagnostics, terminal.err_width()));
        if ci::service(&input::environment()) == Some(ci::Service::GitHub) {
            terminal.tell(&ci::findings(&verdict.diagnostics));
        }
    }
    let what = match verdict.steps {
        Some(steps) => format!("valid: {}", counted(steps, "step")),
        None => format!("invalid: {}", diagnostic::count(&verdict.diagnostics)),
    };
    terminal.print(&format!("{} is {what}\n", verdict.file))?;
    Ok(())
}
