//! `plan`: what a run would do.

use std::sync::Arc;

use vwmp_core::plan::Plan;
use vwmp_core::plan::preview::{self, StepPreview};
use vwmp_core::run::{EngineError, SystemClock};
use vwmp_interfaces::CancellationToken;

use super::run;
use crate::arguments::{self, Format};
use crate::drive;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{self, diagnostic};
use crate::terminal::{YELLOW, paint};
use crate::{Program, input};

pub(super) fn plan(mut program: Program, arguments: &arguments::Plan) -> Result<Exit, Failure> {
    let registry = program.registry_at(&arguments.workflow.place)?;
    let planned = input::plan(&arguments.workflow, &registry, input::environment(), program.terminal)?;
    let terminal = program.terminal;
    if let Some(instead) = run::instead(&program, &registry, &arguments.workflow.place, &planned) {
        terminal.tell(&format!("{}: {instead}\n", paint(YELLOW, "warning")));
    }
    let (plan, warnings) = (planned.plan, planned.warnings);
    if !warnings.is_empty() {
        terminal.tell(&diagnostic::render(&warnings, terminal.err_width()));
    }
    let plan = Arc::new(plan);
    let runtime = drive::runtime(1)?;
    let previews = runtime.block_on(foresee(Arc::clone(&plan)))?;
    runtime.shutdown_background();
    terminal.print(&match arguments.format {
        Format::Text => render::preview::text(&plan, &previews, terminal.out_width()),
        Format::Json => format!("{:#}\n", render::preview::json(&plan, &previews)),
    })?;
    Ok(Exit::Done)
}

/// Asks every step, on a worker, where panics are not printed.
async fn foresee(plan: Arc<Plan>) -> Result<Vec<StepPreview>, EngineError> {
    let asking = preview::preview(plan, Arc::new(SystemClock), CancellationToken::new());
    tokio::spawn(asking).await.map_err(|error| EngineError::Bug(error.to_string()))
}
