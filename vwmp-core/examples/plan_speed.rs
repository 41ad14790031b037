//! How long it takes to read, check and plan a file: `cargo run --release --example plan_speed -- FILE`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_core::document::Document;
use vwmp_core::registry::Registry;
use vwmp_core::source::Source;
use vwmp_core::workflow::{Inputs, NoFiles, Settings, Workflow};
use vwmp_interfaces::erased::TypedStep;
use vwmp_interfaces::{Effect, Script, StepContext, StepError, StepHandler, here};

/// Stands in for the handler that runs programs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Run {
    run: Script,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

impl StepHandler for Run {
    const NAME: &'static str = "shell.run";
    const EFFECT: Effect = Effect::Once;
    type Output = usize;

    async fn execute(&self, _: &StepContext) -> Result<usize, StepError> {
        Ok(self.run.pieces().len() + self.env.len())
    }
}

#[expect(clippy::print_stdout, reason = "it is what the example is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("give a file")?;
    let source =
        Arc::new(Source::from_bytes(path.clone(), std::fs::read(&path)?).map_err(|e| e.to_string())?);
    let mut registry = Registry::default();
    registry.add_step(Arc::new(TypedStep::<Run>::new()), here!())?;
    let start = Instant::now();
    let document = Arc::new(Document::parse(source)?);
    let parsed = start.elapsed();
    let (workflow, _) = Workflow::check(document, &registry, &Settings::default(), &NoFiles)?;
    let checked = start.elapsed();
    let plan = workflow.plan(Inputs::new(Path::new("/")))?;
    let planned = start.elapsed();
    println!(
        "{} steps: parse {:?}, check {:?}, plan {:?}, in all {planned:?}",
        plan.steps().len(),
        parsed,
        checked - parsed,
        planned - checked
    );
    Ok(())
}
