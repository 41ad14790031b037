//! What keeping runs on disk costs: a step that does nothing with the journal on, reading a long run back and
//! continuing it, listing many runs. `cargo bench -p vwmp-store`; with `-- --test` everything runs once, in small.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_core::Engine;
use vwmp_core::document::Document;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::{Resume, RunStatus, Start};
use vwmp_core::source::Source;
use vwmp_core::workflow::{Again, Inputs, NoFiles, Record, Settings, Workflow};
use vwmp_interfaces::erased::TypedStep;
use vwmp_interfaces::{Effect, StepContext, StepError, StepHandler, Timestamp, here};
use vwmp_store::{Filter, NewRun, Store};

/// Does nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Noop {}

impl StepHandler for Noop {
    const NAME: &'static str = "flow.noop";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = ();

    async fn execute(&self, _: &StepContext) -> Result<(), StepError> {
        Ok(())
    }
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add_step(Arc::new(TypedStep::<Noop>::new()), here!()).expect("a new name");
    registry
}

/// Steps in layers of a hundred, each with three needs in the layer above.
fn planned(steps: usize) -> (Record, Plan) {
    let mut text = String::from("name: bench\nmax_parallel: 4\nsteps:\n");
    for step in 0..steps {
        let _ = writeln!(text, "  - id: s{step}\n    handler: flow.noop");
        if step >= 100 {
            let above = (step / 100 - 1) * 100;
            let needs = [7, 31, 62].map(|by| format!("s{}", above + (step * by + by) % 100));
            let _ = writeln!(text, "    needs: [{}]", needs.join(", "));
        }
    }
    let document = Document::parse(Arc::new(Source::new("bench.yaml", text))).expect("it is YAML");
    let checked = Workflow::check(Arc::new(document), &registry(), &Settings::default(), &NoFiles);
    let (workflow, _) = checked.expect("it is a workflow");
    let inputs = Inputs::new(Path::new("/"));
    let plan = workflow.plan(inputs.clone()).expect("it has no parameters");
    (Record::of(&workflow, &inputs, &plan), plan)
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(5).enable_time().build().expect("threads can be started")
}

/// Runs a plan in a store; without one where there is none.
fn run(plan: Plan, store: Option<(&Store, &Record)>) -> Duration {
    let steps = plan.steps().len();
    let mut engine = Engine::builder(Registry::default());
    let owned = store
        .map(|(store, record)| store.create(&new_run("bench", steps, &record.write())).expect("a new run"));
    let began = Instant::now();
    let owned = owned.map(Arc::new);
    if let Some(owned) = &owned {
        let (journal, log) = (Arc::clone(owned), Arc::clone(owned));
        engine = engine.journal(move |_| journal.journal(&[])).log_store(move |_| log.log());
    }
    let start = Start::new("bench");
    let report = runtime().block_on(async { engine.build().start_with(plan, start).finish().await });
    assert_eq!(report.expect("the journal does not fail").tally().succeeded, steps);
    began.elapsed()
}

fn new_run<'r>(id: &'r str, steps: usize, record: &'r [u8]) -> NewRun<'r> {
    NewRun {
        id,
        workflow: "bench",
        source: "bench.yaml",
        workflow_type: None,
        key: None,
        parent: None,
        steps,
        started: Timestamp::from_micros(1),
        record,
    }
}

fn median(mut takes: Vec<Duration>) -> Duration {
    takes.sort_unstable();
    takes[takes.len() / 2]
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--test");
    let (steps, takes, runs) = if smoke { (1_000, 1, 100) } else { (100_000, 5, 10_000) };
    let folder = tempfile::tempdir().expect("a temporary folder");
    journal(folder.path(), steps, takes);
    resume(&folder.path().join("0"), steps);
    list(&folder.path().join("many"), runs);
}

/// What a step costs with and without a store.
fn journal(folder: &Path, steps: usize, takes: usize) {
    let per_step = |took: Duration| took.as_secs_f64() * 1e6 / steps as f64;
    let (mut with, mut without, mut size) = (Vec::new(), Vec::new(), 0);
    for take in 0..takes {
        let store = Store::open(&folder.join(take.to_string())).expect("a new store");
        let (record, plan) = planned(steps);
        with.push(run(plan, Some((&store, &record))));
        without.push(run(planned(steps).1, None));
        size = std::fs::metadata(store.folder().join("store.db")).map_or(0, |meta| meta.len());
    }
    let events = steps * 3 + 2;
    println!("{steps} steps that do nothing, four at a time (median of {takes}):");
    println!("  with a store:   {:.2} µs a step", per_step(median(with)));
    println!("  in memory:      {:.2} µs a step", per_step(median(without)));
    println!(
        "  the store takes {} bytes an event; peak memory {} MB",
        size / events as u64,
        peak_megabytes()
    );
}

/// How long it takes until a long run goes on.
fn resume(folder: &Path, steps: usize) {
    let store = Store::open(folder).expect("the store is there");
    let began = Instant::now();
    let record = Record::read(&store.record("bench").expect("it is there")).expect("it can be read");
    let plan = record.plan(&registry(), Again::default()).expect("it is the same plan");
    let planned_after = began.elapsed();
    let (mut events, _) = store.events("bench", 0).expect("they are there");
    let read_after = began.elapsed();
    events.truncate(events.len() / 2);
    let run = runtime().block_on(async {
        let engine = Engine::builder(Registry::default()).build();
        let run = engine.resume(plan, &events, Resume::default()).expect("it is a run of this plan");
        let started = began.elapsed();
        (started, run.finish().await.expect("the journal does not fail"))
    });
    assert_eq!(run.1.status(), RunStatus::Succeeded);
    println!(
        "continuing a run of {steps} steps after half of its events starts after {:.3} s (plan {:.3}, events {:.3}, state {:.3})",
        run.0.as_secs_f64(),
        planned_after.as_secs_f64(),
        (read_after - planned_after).as_secs_f64(),
        (run.0 - read_after).as_secs_f64()
    );
}

/// How long many runs take to be listed.
fn list(folder: &Path, runs: usize) {
    let store = Store::open(folder).expect("a new store");
    let (record, plan) = planned(1);
    let plan = Arc::new(plan);
    for number in 0..runs {
        let id = format!("run-{number}");
        let owned = Arc::new(store.create(&new_run(&id, 1, &record.write())).expect("a new run"));
        let engine = Engine::builder(Registry::default()).journal(move |_| owned.journal(&[])).build();
        let start = Start::new(id.as_str());
        let plan = Arc::clone(&plan);
        runtime_of_one().block_on(async { engine.start_with(plan, start).finish().await }).expect("it runs");
    }
    let began = Instant::now();
    let listed =
        store.runs(&Filter { limit: Some(50), ..Filter::default() }).expect("they can be listed").len();
    let some = began.elapsed();
    let all = store.runs(&Filter::default()).expect("they can be listed").len();
    println!(
        "of {runs} runs, the latest {listed} are listed after {:.2} ms, all {all} after {:.2} ms",
        some.as_secs_f64() * 1e3,
        (began.elapsed() - some).as_secs_f64() * 1e3
    );
}

fn runtime_of_one() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be made")
}
