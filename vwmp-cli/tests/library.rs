//! The command line in a team's own binary, with handlers that misbehave.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_cli::Cli;
use vwmp_interfaces::erased::TypedStep;
use vwmp_interfaces::{Effect, StepContext, StepError, StepHandler, here};

use crate::Place;

/// Panics.
#[derive(Deserialize, JsonSchema)]
struct Panic {}

impl StepHandler for Panic {
    const NAME: &'static str = "acme.panic";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, _: &StepContext) -> Result<(), StepError> {
        panic!("this handler has a bug")
    }
}

/// Blocks its thread and listens to nobody.
#[derive(Deserialize, JsonSchema)]
struct Block {}

impl StepHandler for Block {
    const NAME: &'static str = "acme.block";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, _: &StepContext) -> Result<(), StepError> {
        std::thread::sleep(Duration::from_secs(60));
        Ok(())
    }
}

fn acme(arguments: &[&str]) -> ExitCode {
    let cli = Cli::default().name("acme").version("7").steps(|registry| {
        registry.add_step(Arc::new(TypedStep::<Panic>::new()), here!())?;
        registry.add_step(Arc::new(TypedStep::<Block>::new()), here!())
    });
    cli.run_with(std::iter::once("acme").chain(arguments.iter().copied()).map(OsString::from))
}

fn file(place: &Place) -> String {
    place.path().join("w.yaml").display().to_string()
}

#[test]
fn a_panic_fails_its_step_alone() {
    let text = "name: w\nsteps:\n  - { handler: acme.panic }\n";
    let place = Place::new().with("w.yaml", text);
    assert_eq!(acme(&["run", "--no-store", "-q", &file(&place)]), ExitCode::from(1));
    let tolerated = "name: w\nsteps:\n  - { handler: acme.panic, required: false }\n";
    let place = place.with("w.yaml", tolerated);
    assert_eq!(acme(&["run", "--no-store", "-q", &file(&place)]), ExitCode::SUCCESS);
}

#[test]
fn a_handler_that_blocks_does_not_hold_up_the_end() {
    let text = "name: w\nsteps:\n  - { handler: acme.block, timeout: 100ms }\n";
    let place = Place::new().with("w.yaml", text);
    let began = Instant::now();
    assert_eq!(acme(&["run", "--no-store", "-q", "--max-parallel", "1", &file(&place)]), ExitCode::from(1));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn what_is_not_there_is_refused() {
    let place = Place::new().with("w.yaml", "name: w\nsteps:\n  - { handler: acme.pnic }\n");
    assert_eq!(acme(&["validate", &file(&place)]), ExitCode::from(2));
    assert_eq!(acme(&["validate"]), ExitCode::from(3));
    let twice = Cli::default().steps(|registry| {
        registry.add_step(Arc::new(TypedStep::<Panic>::new()), here!())?;
        registry.add_step(Arc::new(TypedStep::<Panic>::new()), here!())
    });
    assert_eq!(twice.run_with(["vwmp", "handlers"].map(OsString::from)), ExitCode::from(4));
}
