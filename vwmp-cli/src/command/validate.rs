//! `validate`: checks workflows.

use std::path::Path;

use serde::Serialize;
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::registry::Registry;
use vwmp_core::workflow::Settings;

use crate::arguments::{FindingsFormat, Validate};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{counted, diagnostic};
use crate::{Program, input};

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
    let registry = program.registry()?;
    let settings = input::settings(&arguments.place, &[], input::environment())?;
    let verdicts: Vec<Verdict> =
        arguments.files.iter().map(|file| check(file, &registry, &settings)).collect::<Result<_, _>>()?;
    match arguments.format {
        FindingsFormat::Json => program.terminal.print(&format!("{:#}\n", serde_json::json!(verdicts)))?,
        FindingsFormat::Sarif => {}
        FindingsFormat::Text => verdicts.iter().try_for_each(|verdict| show(&program, verdict))?,
    }
    Ok(if verdicts.iter().all(|verdict| verdict.valid) { Exit::Done } else { Exit::Invalid })
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
    }
    let what = match verdict.steps {
        Some(steps) => format!("valid: {}", counted(steps, "step")),
        None => format!("invalid: {}", diagnostic::count(&verdict.diagnostics)),
    };
    terminal.print(&format!("{} is {what}\n", verdict.file))?;
    Ok(())
}
