//! `graph`: the steps and what they need, for other programs to draw.

use vwmp_core::plan::render;

use crate::arguments::{Graph, GraphFormat};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{Program, input};

pub(super) fn graph(mut program: Program, arguments: &Graph) -> Result<Exit, Failure> {
    let registry = program.registry_at(&arguments.place)?;
    let settings = input::settings(&arguments.place, &[], input::environment())?;
    let (workflow, _) = input::workflow(&arguments.file, &registry, &settings)?;
    let plan = workflow.sketch();
    program.terminal.print(&match arguments.format {
        GraphFormat::Mermaid => render::mermaid(&plan),
        GraphFormat::Dot => render::dot(&plan),
        GraphFormat::Json => format!("{:#}\n", render::json(&plan)),
    })?;
    Ok(Exit::Done)
}
