//! A run without an engine: a temporary workspace and the contexts that a handler is lent in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;
use vwmp_interfaces::adapter::Adapters;
use vwmp_interfaces::context::{AttemptScope, Call, Caller, Outputs, RunScope};
use vwmp_interfaces::erased::{DynAdapter, OpenAdapter, TypedAdapter};
use vwmp_interfaces::log::{LogLine, LogSink, Progress, Stream};
use vwmp_interfaces::{
    AdapterContext, CancellationToken, Capabilities, Change, Clock, IntegrationAdapter, StepContext,
    StepError, Timestamp, Waited,
};

use crate::caller::Answers;
use crate::keepsakes::KeptInMemory;

/// 2026-01-02T03:04:05Z: the time of a [`TestRun`] that isn't told another.
pub const DEFAULT_TIME: Timestamp = Timestamp::from_micros(1_767_323_045_000_000);

/// A run without an engine, in a temporary workspace that goes when the value does.
///
/// Programs see no environment but `PATH` and what [`TestRun::environment`] adds.
///
/// ```
/// let run = vwmp_testkit::TestRun::new().parameters(serde_json::json!({ "who": "world" }));
/// run.write("VERSION", "1.2.3\n");
/// let ctx = run.context("bump");
/// ctx.log().info("reads VERSION");
/// assert_eq!(run.read("VERSION"), "1.2.3\n");
/// assert_eq!(run.log(), ["info: reads VERSION"]);
/// ```
pub struct TestRun {
    workspace: TempDir,
    parameters: Value,
    config: Value,
    environment: BTreeMap<String, String>,
    adapters: Vec<(String, Offer)>,
    chosen: Vec<String>,
    attempt: u32,
    planned: Vec<Change>,
    waited: Option<Waited>,
    answers: Option<Arc<Answers>>,
    keepsakes: Arc<KeptInMemory>,
    cancelled: CancellationToken,
    clock: Arc<FixedClock>,
    outputs: Arc<SetOutputs>,
    log: Arc<RecordedLog>,
}

/// Offers an adapter's services; called for each context.
type Offer = Box<dyn Fn(&mut Capabilities) + Send + Sync>;

struct FixedClock(Mutex<Timestamp>);

#[derive(Default)]
struct SetOutputs(Mutex<BTreeMap<String, Arc<Value>>>);

#[derive(Default)]
struct RecordedLog {
    lines: Mutex<Vec<LogLine>>,
    progress: Mutex<Vec<Progress>>,
}

impl TestRun {
    /// A run in an empty workspace, at [`DEFAULT_TIME`], without parameters, config or adapters.
    ///
    /// # Panics
    /// When no temporary directory can be made.
    pub fn new() -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        Self {
            workspace: tempfile::tempdir().expect("a temporary directory for the workspace"),
            parameters: json!({}),
            config: json!({}),
            environment: BTreeMap::from([("PATH".to_owned(), path)]),
            adapters: Vec::new(),
            chosen: Vec::new(),
            attempt: 1,
            planned: Vec::new(),
            waited: None,
            answers: None,
            keepsakes: Arc::default(),
            cancelled: CancellationToken::new(),
            clock: Arc::new(FixedClock(Mutex::new(DEFAULT_TIME))),
            outputs: Arc::default(),
            log: Arc::default(),
        }
    }

    /// Sets the workflow's parameters, an object.
    #[must_use]
    pub fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets the workflow's config, an object.
    #[must_use]
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// Sets a variable of the environment for programs.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Serves a capability, usually with a fake: `run.serving::<dyn Files>("files", Arc::new(fake))`.
    #[must_use]
    pub fn serving<T: ?Sized + Send + Sync + 'static>(
        mut self,
        instance: impl Into<String>,
        service: Arc<T>,
    ) -> Self {
        let offer: Offer = Box::new(move |capabilities| capabilities.insert::<T>(Arc::clone(&service)));
        self.adapters.push((instance.into(), offer));
        self
    }

    /// Connects an adapter under its own name, with a config as a user would write it.
    ///
    /// # Errors
    /// When the config doesn't fit, or the adapter can't connect.
    pub async fn connected<A: IntegrationAdapter>(self, config: Value) -> Result<Self, StepError> {
        self.connected_as::<A>(A::NAME, config).await
    }

    /// Connects an adapter as an instance, such as `git@docs`.
    ///
    /// # Errors
    /// When the config doesn't fit, or the adapter can't connect.
    pub async fn connected_as<A: IntegrationAdapter>(
        mut self,
        instance: impl Into<String>,
        config: Value,
    ) -> Result<Self, StepError> {
        let instance = instance.into();
        let ctx = self.adapter_context(&instance);
        let open: Arc<dyn OpenAdapter> = TypedAdapter::<A>::new().connect(config, &ctx).await?;
        let offer: Offer = Box::new(move |capabilities| Arc::clone(&open).offer(capabilities));
        self.adapters.push((instance, offer));
        Ok(self)
    }

    /// Makes the step choose adapter instances, as `adapters: […]` does.
    #[must_use]
    pub fn choosing<S: Into<String>>(mut self, instances: impl IntoIterator<Item = S>) -> Self {
        self.chosen = instances.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the number of the attempt, from 1.
    #[must_use]
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Adds what earlier steps would change, for a preview.
    #[must_use]
    pub fn planned(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.planned.extend(changes);
        self
    }

    /// Forgets what earlier steps would change: an execution is lent nothing of the kind.
    #[must_use]
    pub fn unplanned(mut self) -> Self {
        self.planned.clear();
        self
    }

    /// Says how the wait ended that the last attempt asked for.
    #[must_use]
    pub fn waited(mut self, waited: Waited) -> Self {
        self.waited = Some(waited);
        self
    }

    /// Lets steps call workflows: each call ends well, with these outputs.
    #[must_use]
    pub fn answering_calls(mut self, outputs: Value) -> Self {
        self.answers = Some(Arc::new(Answers::new(outputs)));
        self
    }

    /// Sets the time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        *lock(&self.clock.0) = now;
        self
    }

    /// Moves the time on, for contexts that were lent already too.
    pub fn advance(&self, by: std::time::Duration) {
        let mut now = lock(&self.clock.0);
        *now = now.after(by);
    }

    /// Sets the output of an earlier step, for contexts that were lent already too.
    pub fn set_output(&self, step_id: impl Into<String>, output: Value) -> &Self {
        lock(&self.outputs.0).insert(step_id.into(), Arc::new(output));
        self
    }

    /// The context that a step is lent.
    pub fn context(&self, step_id: &str) -> StepContext {
        let attempt = AttemptScope {
            step_id: step_id.into(),
            step_name: step_id.into(),
            attempt: self.attempt,
            adapters: self.chosen.clone().into(),
            cancelled: self.cancelled.clone(),
            planned: Some(Arc::new(self.planned.clone())),
            waited: self.waited.clone(),
        };
        StepContext::new(Arc::new(self.scope()), attempt)
    }

    /// The context that an adapter is lent while it connects.
    pub fn adapter_context(&self, instance: &str) -> AdapterContext {
        AdapterContext {
            instance: instance.to_owned(),
            workspace: self.workspace().into(),
            environment: Arc::new(self.environment.clone()),
            cancelled: self.cancelled.clone(),
            clock: self.clock.clone(),
        }
    }

    fn scope(&self) -> RunScope {
        let mut adapters = Adapters::default();
        for (instance, offer) in &self.adapters {
            let mut capabilities = Capabilities::default();
            offer(&mut capabilities);
            adapters.insert(instance, capabilities);
        }
        RunScope {
            run_id: "test-run".into(),
            workflow_id: "workflows/test.yaml".into(),
            workflow_name: "test".into(),
            parameters: Arc::new(self.parameters.clone()),
            config: Arc::new(self.config.clone()),
            workspace: self.workspace().into(),
            environment: Arc::new(self.environment.clone()),
            adapters,
            outputs: self.outputs.clone(),
            log: self.log.clone(),
            clock: self.clock.clone(),
            keepsakes: self.keepsakes.clone(),
            caller: self.answers.clone().map(|answers| answers as Arc<dyn Caller>),
        }
    }

    /// Ends an attempt with an error right after it has kept so many more things, as if its process had died there.
    /// Once.
    pub fn end_after_keeping(&self, more: usize) {
        self.keepsakes.end_after(more);
    }

    /// Forgets what steps have kept, as a new run in the same workspace begins with nothing.
    pub fn forget(&self) {
        self.keepsakes.forget();
    }

    /// The names under which a step has kept something, sorted.
    pub fn kept(&self, step_id: &str) -> Vec<String> {
        self.keepsakes.names(step_id)
    }

    /// The calls of workflows so far.
    pub fn calls(&self) -> Vec<Call> {
        self.answers.as_ref().map(|answers| answers.calls()).unwrap_or_default()
    }

    /// The calls that were taken back so far.
    pub fn undone_calls(&self) -> Vec<Call> {
        self.answers.as_ref().map(|answers| answers.undone()).unwrap_or_default()
    }

    /// Fires the cancellation of every context that was lent or will be.
    pub fn cancel(&self) {
        self.cancelled.cancel();
    }

    /// The token that [`TestRun::cancel`] fires.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// The lines written so far, each with its stream before it: `stdout: hello`.
    pub fn log(&self) -> Vec<String> {
        lock(&self.log.lines).iter().map(|line| format!("{}: {}", name(line.stream), line.text)).collect()
    }

    /// The lines written so far.
    pub fn lines(&self) -> Vec<LogLine> {
        lock(&self.log.lines).clone()
    }

    /// The progress told so far.
    pub fn progress(&self) -> Vec<Progress> {
        lock(&self.log.progress).clone()
    }
}

/// The files of the workspace. Each panics, with the path, where the file system refuses.
impl TestRun {
    /// The workspace; absolute.
    pub fn workspace(&self) -> &Path {
        self.workspace.path()
    }

    /// Writes a file and the directories it is in.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let full = self.workspace().join(path);
        let made = full.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&full, content)).unwrap_or_else(|error| refused(path, &error));
        self
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.workspace().join(path)).unwrap_or_else(|error| refused(path, &error))
    }

    /// Whether there is such a file or directory.
    pub fn exists(&self, path: &str) -> bool {
        self.workspace().join(path).exists()
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) -> &Self {
        std::fs::remove_file(self.workspace().join(path)).unwrap_or_else(|error| refused(path, &error));
        self
    }
}

impl Default for TestRun {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}

impl Outputs for SetOutputs {
    fn output(&self, step_id: &str) -> Option<Arc<Value>> {
        lock(&self.0).get(step_id).cloned()
    }
}

impl LogSink for RecordedLog {
    fn line(&self, line: LogLine) {
        lock(&self.lines).push(line);
    }

    fn progress(&self, _step: &str, _attempt: u32, progress: Progress) {
        lock(&self.progress).push(progress);
    }
}

/// A handler that panics must not hide what it wrote before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name(stream: Stream) -> &'static str {
    match stream {
        Stream::Info => "info",
        Stream::Warning => "warning",
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    }
}

fn refused(path: &str, error: &std::io::Error) -> ! {
    panic!("{path} in the test's workspace: {error}")
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
