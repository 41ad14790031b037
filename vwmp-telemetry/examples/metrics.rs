//! A program that runs workflows and serves their figures: `cargo run -p vwmp-telemetry --example metrics`.
//!
//! docs/observability.md says what the figures are. A real program has an HTTP server already and gives
//! `Metrics::render` a path in it; here a few lines stand for that.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use vwmp_core::Engine;
use vwmp_core::document::Document;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::source::Source;
use vwmp_core::workflow::{Inputs, NoFiles, Settings, Workflow};
use vwmp_interfaces::erased::TypedStep;
use vwmp_interfaces::{Effect, StepContext, StepError, StepHandler, here};
use vwmp_telemetry::{Metrics, Observer as _};

const WORKFLOW: &str = "
name: nightly
steps:
  - { id: fetch, handler: demo.work, retry: { max_attempts: 3, delay: 10ms } }
  - { id: report, handler: demo.work, needs: [fetch] }
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let metrics = Metrics::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, metrics.clone()));

    let mut registry = Registry::default();
    registry.add_step(Arc::new(TypedStep::<Work>::new()), here!())?;
    let plan = plan(&registry)?;
    let engine = Engine::builder(registry).build();
    for _ in 0..3 {
        watched_run(&engine, &plan, &metrics).await?;
    }

    say(&scrape(address).await?);
    Ok(())
}

async fn watched_run(engine: &Engine, plan: &Arc<Plan>, metrics: &Metrics) -> Result<(), Box<dyn Error>> {
    let mut run = engine.start(Arc::clone(plan));
    let mut observer = metrics.of_run(Arc::clone(plan));
    let mut events = run.events().ok_or("the events were taken already")?;
    while let Some(batch) = events.next().await {
        batch.iter().for_each(|event| observer.observe(event));
    }
    run.finish().await?;
    Ok(())
}

fn plan(registry: &Registry) -> Result<Arc<Plan>, Box<dyn Error>> {
    let document = Arc::new(Document::parse(Arc::new(Source::new("nightly.yaml", WORKFLOW)))?);
    let (workflow, _) = Workflow::check(document, registry, &Settings::default(), &NoFiles)?;
    Ok(Arc::new(workflow.plan(Inputs::new(Path::new(".")))?))
}

/// The endpoint that Prometheus reads.
async fn serve(listener: TcpListener, metrics: Metrics) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = Vec::new();
        let text = metrics.render();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            Metrics::CONTENT_TYPE,
            text.len()
        );
        let answered = async {
            while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await? > 0 {}
            stream.write_all((head + &text).as_bytes()).await
        };
        // Who went away needs no answer.
        let _ = answered.await;
    }
}

async fn scrape(address: std::net::SocketAddr) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[expect(clippy::print_stdout, reason = "the example is a program for a terminal")]
fn say(text: &str) {
    println!("{text}");
}

/// Fails the first time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Work {}

impl StepHandler for Work {
    const NAME: &'static str = "demo.work";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, ctx: &StepContext) -> Result<(), StepError> {
        match (ctx.step_id(), ctx.attempt()) {
            ("fetch", 1) => Err(StepError::transient("the source isn't there yet")),
            _ => Ok(()),
        }
    }
}
