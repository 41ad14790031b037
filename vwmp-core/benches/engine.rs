//! What the engine costs a step: reading, checking and planning a file, and running steps that do
//! nothing. `cargo bench -p vwmp-core`; with `-- --test` every measurement runs once, in small.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use vwmp_core::Engine;
use vwmp_core::document::Document;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::source::Source;
use vwmp_core::workflow::{Inputs, NoFiles, Settings, Workflow};
use vwmp_interfaces::erased::TypedStep;
use vwmp_interfaces::{Effect, Script, StepContext, StepError, StepHandler, here};

/// Does nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Noop {}

impl StepHandler for Noop {
    const NAME: &'static str = "flow.noop";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, _: &StepContext) -> Result<(), StepError> {
        Ok(())
    }
}

/// Has the config of a shell step; for plans only.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shell {
    run: Script,
}

impl StepHandler for Shell {
    const NAME: &'static str = "shell.run";
    const EFFECT: Effect = Effect::Once;
    type Output = usize;

    async fn execute(&self, _: &StepContext) -> Result<usize, StepError> {
        Ok(self.run.pieces().len())
    }
}

/// How the steps of a workflow hang together.
#[derive(Clone, Copy)]
enum Shape {
    /// Layers of a hundred; each step needs three of the layer above, drawn at random.
    Layers,
    /// Each step needs the one above.
    Chain,
}

impl Shape {
    fn needs(self, step: usize, random: &mut u64) -> Vec<usize> {
        let mut needs = Vec::new();
        match self {
            Self::Chain => needs.extend(step.checked_sub(1)),
            Self::Layers => {
                while step >= 100 && needs.len() < 3 {
                    *random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let need = (step / 100 - 1) * 100 + ((*random >> 33) % 100) as usize;
                    if !needs.contains(&need) {
                        needs.push(need);
                    }
                }
            }
        }
        needs
    }
}

fn workflow(shape: Shape, steps: usize, rest: &str) -> String {
    let mut text = String::from("name: bench\nsteps:\n");
    let mut random = 1;
    for step in 0..steps {
        let _ = writeln!(text, "  - id: s{step}\n    {rest}");
        let needs: Vec<String> =
            shape.needs(step, &mut random).iter().map(|need| format!("s{need}")).collect();
        if !needs.is_empty() {
            let _ = writeln!(text, "    needs: [{}]", needs.join(", "));
        }
    }
    text
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.add_step(Arc::new(TypedStep::<Noop>::new()), here!()).expect("a new name");
    registry.add_step(Arc::new(TypedStep::<Shell>::new()), here!()).expect("a new name");
    registry
}

fn plan(text: String) -> (Plan, [Duration; 3]) {
    let registry = registry();
    let began = Instant::now();
    let document = Document::parse(Arc::new(Source::new("bench.yaml", text))).expect("it is YAML");
    let parsed = began.elapsed();
    let (workflow, _) = Workflow::check(Arc::new(document), &registry, &Settings::default(), &NoFiles)
        .expect("it is a workflow");
    let checked = began.elapsed();
    let plan = workflow.plan(Inputs::new(Path::new("/"))).expect("it has no parameters");
    (plan, [parsed, checked - parsed, began.elapsed() - checked])
}

fn runtime(max_parallel: usize) -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(max_parallel.min(16) + 1).enable_time().build().expect("threads can be started")
}

fn run(plan: Plan, max_parallel: usize) -> Duration {
    let steps = plan.steps().len();
    let runtime = runtime(max_parallel);
    let began = Instant::now();
    let report = runtime.block_on(async { Engine::builder(Registry::default()).start(plan).finish().await });
    let took = began.elapsed();
    assert_eq!(report.expect("the memory journal does not fail").tally().succeeded, steps);
    took
}

/// What the runtime alone costs: empty tasks, so many at a time, each started when one before it has ended.
fn empty_tasks(tasks: usize, at_a_time: usize) -> Duration {
    let began = Instant::now();
    let starting = async move {
        let mut under_way = JoinSet::new();
        for _ in 0..tasks {
            if under_way.len() == at_a_time {
                under_way.join_next().await;
            }
            under_way.spawn(async {});
        }
        under_way.join_all().await;
    };
    runtime(at_a_time).block_on(async { tokio::spawn(starting).await }).expect("it does not panic");
    began.elapsed()
}

/// The median of several takes.
fn median(mut takes: Vec<Duration>) -> Duration {
    takes.sort_unstable();
    takes[takes.len() / 2]
}

fn per_step(took: Duration, steps: usize) -> f64 {
    took.as_secs_f64() * 1e6 / steps as f64
}

fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

/// Plans and runs steps in a process that does nothing else; says how much memory that took.
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn alone(steps: usize) {
    let plan = plan(workflow(Shape::Layers, steps, "handler: flow.noop")).0;
    let planned = peak_megabytes().unwrap_or_default();
    run(plan, 2);
    let ran = peak_megabytes().unwrap_or_default();
    println!("  {steps:>9} steps in layers: peak {planned} MB when planned from YAML, {ran} MB at the end");
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn main() {
    if let Some(steps) = std::env::var("BENCH_ALONE").ok().and_then(|steps| steps.parse().ok()) {
        return alone(steps);
    }
    let smoke = std::env::args().any(|argument| argument == "--test");
    let takes = if smoke { 1 } else { 5 };
    let scale = |steps: usize| if smoke { steps.min(1_000) } else { steps };

    println!("read, check and plan shell steps in layers (median of {takes}):");
    for steps in [1_000, 10_000, 100_000].map(scale) {
        let text = workflow(Shape::Layers, steps, "handler: shell.run\n    config: {run: \"true\"}");
        let times: Vec<[Duration; 3]> = (0..takes).map(|_| plan(text.clone()).1).collect();
        let stage = |stage: usize| median(times.iter().map(|times| times[stage]).collect());
        let all = median(times.iter().map(|times| times.iter().sum()).collect());
        println!(
            "  {steps:>9} steps: {:.3} s (parse {:.3}, check {:.3}, plan {:.3}), {:.2} µs a step",
            all.as_secs_f64(),
            stage(0).as_secs_f64(),
            stage(1).as_secs_f64(),
            stage(2).as_secs_f64(),
            per_step(all, steps)
        );
    }
    println!("  peak memory {} MB", peak_megabytes().unwrap_or_default());

    println!("run steps that do nothing, two at a time (median of {takes}):");
    for (name, shape, steps) in [
        ("layers", Shape::Layers, 1_000),
        ("layers", Shape::Layers, 10_000),
        ("layers", Shape::Layers, 100_000),
        ("layers", Shape::Layers, 1_000_000),
        ("chain", Shape::Chain, 100_000),
    ] {
        let steps = scale(steps);
        let text = workflow(shape, steps, "handler: flow.noop");
        let with_two = |text: String| plan(text.replacen("steps:", "max_parallel: 2\nsteps:", 1)).0;
        let took = median((0..takes).map(|_| run(with_two(text.clone()), 2)).collect());
        println!("  {steps:>9} steps in {name}: {:.2} µs a step", per_step(took, steps));
    }
    for at_a_time in [2, 1] {
        let tasks = scale(100_000);
        let took = median((0..takes).map(|_| empty_tasks(tasks, at_a_time)).collect());
        println!(
            "  for comparison, empty tasks, {at_a_time} at a time: {:.2} µs a task",
            per_step(took, tasks)
        );
    }
    println!("memory of one process that plans and runs them:");
    for steps in [100_000, 1_000_000].map(scale) {
        let program = std::env::current_exe().expect("the benchmark knows its own path");
        let status = std::process::Command::new(program).env("BENCH_ALONE", steps.to_string()).status();
        assert!(status.is_ok_and(|status| status.success()));
    }
}
