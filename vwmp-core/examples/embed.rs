//! A program that embeds the engine, twice: `cargo run -p vwmp-core --example embed`.
//!
//! docs/embedding.md walks through it.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use vwmp_core::document::Document;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::{
    Engine, Event, EventKind, Journal, JournalError, PausedClock, Report, Run, RunStatus, Survive,
};
use vwmp_core::source::Source;
use vwmp_core::workflow::{Given, Inputs, NoFiles, Settings, Workflow};
use vwmp_interfaces::erased::TypedStep;
use vwmp_interfaces::log::{LogLine, LogSink};
use vwmp_interfaces::{BoxFuture, Effect, StepContext, StepError, StepHandler, Timestamp, here};

const WORKFLOW: &str = "
name: welcome
parameters:
  who: { type: string, required: true }
steps:
  - id: hello
    handler: greeting.say
    config: { to: $<parameters.who> }
  - id: pause
    handler: greeting.pause
    needs: [hello]
    config: { seconds: 0.05 }
  - id: repeat
    handler: greeting.say
    needs: [pause]
    config: { to: \"$<step-outputs.hello.text>\" }
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let plan = plan(WORKFLOW, "world")?;

    let plain = Engine::builder(registry()?).listen(Arc::new(Printed("plain"))).build();
    let report = follow("plain", plain.start(Arc::clone(&plan)), &plan, None).await?;
    show(&report);
    assert_eq!(report.status(), RunStatus::Succeeded);

    // A second engine in the same process, which shares nothing with the first.
    let tape = Tape::default();
    let (journal, began) = (tape.clone(), Timestamp::from_micros(946_684_800_000_000));
    let own = Engine::builder(registry()?)
        .journal(move |_run| Box::new(journal.clone()))
        .clock(PausedClock::starting(began))
        .listen(Arc::new(Printed("own")))
        .build();
    let report = follow("own", own.start(Arc::clone(&plan)), &plan, Some("pause")).await?;
    show(&report);
    assert_eq!(report.status(), RunStatus::Cancelled);
    say(&format!("the tape begins with {}", tape.lines().first().map_or("nothing", String::as_str)));
    Ok(())
}

/// What workflows can use: here two handlers; `Registry::linked()` has what `register!` brought in.
fn registry() -> Result<Registry, Box<dyn Error>> {
    let mut registry = Registry::default();
    registry.add_step(Arc::new(TypedStep::<Say>::new()), here!())?;
    registry.add_step(Arc::new(TypedStep::<Pause>::new()), here!())?;
    Ok(registry)
}

/// Text → document → workflow → plan. Each stage reports everything that is wrong at once.
fn plan(text: &str, who: &str) -> Result<Arc<Plan>, Box<dyn Error>> {
    let source = Arc::new(Source::new("welcome.yaml", text));
    let document = Arc::new(Document::parse(source)?);
    let (workflow, warnings) = Workflow::check(document, &registry()?, &Settings::default(), &NoFiles)?;
    for warning in &warnings {
        say(&warning.to_string());
    }
    let parameters = Given::from([("who".to_owned(), (json!(who), "the program".to_owned()))]);
    let inputs = Inputs { parameters, ..Inputs::new(std::env::temp_dir()) };
    Ok(Arc::new(workflow.plan(inputs)?))
}

/// Prints the events of a run as they are recorded, and cancels it when `stop_at` starts.
async fn follow(
    name: &str,
    mut run: Run,
    plan: &Plan,
    stop_at: Option<&str>,
) -> Result<Report, Box<dyn Error>> {
    let control = run.control();
    let mut events = run.events().ok_or("the events were taken already")?;
    while let Some(batch) = events.next().await {
        for event in batch.iter() {
            match &event.kind {
                EventKind::AttemptStarted { step, attempt } => {
                    let id = step.id(plan);
                    say(&format!("{name}: {id} started, attempt {attempt}"));
                    if stop_at == Some(id.as_str()) {
                        control.cancel("somebody pressed stop");
                    }
                }
                EventKind::StepFinished { step, status, .. } => {
                    say(&format!("{name}: {} {}", step.id(plan), status.name()));
                }
                _ => {}
            }
        }
    }
    Ok(run.finish().await?)
}

fn show(report: &Report) {
    say(&format!("{} {}", report.plan().workflow_name(), report.status().name()));
    for step in report.steps() {
        let why = step.error.map(|error| format!(": {}", error.message)).unwrap_or_default();
        say(&format!("  {} {}{why}", step.id, step.status.name()));
    }
}

#[expect(clippy::print_stdout, reason = "the example is a program for a terminal")]
fn say(line: &str) {
    println!("{line}");
}

/// Greets somebody.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Say {
    /// Whom to greet.
    to: String,
}

#[derive(Serialize, JsonSchema)]
struct Said {
    text: String,
}

impl StepHandler for Say {
    const NAME: &'static str = "greeting.say";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Said;

    async fn execute(&self, ctx: &StepContext) -> Result<Said, StepError> {
        let text = format!("hello, {}", self.to);
        ctx.log().info(&text);
        Ok(Said { text })
    }
}

/// Waits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pause {
    /// How long.
    seconds: f32,
}

impl StepHandler for Pause {
    const NAME: &'static str = "greeting.pause";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, ctx: &StepContext) -> Result<(), StepError> {
        let nap = async {
            tokio::time::sleep(Duration::from_secs_f32(self.seconds)).await;
            Ok(())
        };
        ctx.unless_cancelled(nap).await
    }
}

/// A listener that prints what steps write, as they write it.
struct Printed(&'static str);

impl LogSink for Printed {
    fn line(&self, line: LogLine) {
        say(&format!("{}: {} | {}", self.0, line.step, line.text));
    }
}

/// A journal of our own: each event as a line of JSON.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<String>>>);

impl Tape {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, events: &[Event]) -> Result<(), JournalError> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let line = serde_json::to_string(event).map_err(|error| JournalError {
                message: "an event is no JSON".to_owned(),
                source: Some(error.into()),
            })?;
            lines.push(line);
        }
        Ok(())
    }
}

impl Journal for Tape {
    fn append<'a>(&'a mut self, events: &'a [Event], _: Survive) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move { self.write(events) })
    }
}
