//! What the engine lends to one attempt of one step.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::BoxFuture;
use crate::adapter::Adapters;
use crate::error::{OrFail, StepError};
use crate::log::{LogSink, Progress, StepLog};
use crate::preview::Change;
use crate::secret::Secret;
use crate::time::Clock;
use crate::wait::Waited;

/// What the engine lends to one attempt of one step. A new service is a new method here, and no
/// handler has to change.
pub struct StepContext {
    run: Arc<RunScope>,
    attempt: AttemptScope,
}

/// What all attempts of a run share. Made by whoever runs handlers: the engine, or a test.
pub struct RunScope {
    /// The run.
    pub run_id: Arc<str>,
    /// Where the workflow was read from.
    pub workflow_id: Arc<str>,
    /// The workflow's name.
    pub workflow_name: Arc<str>,
    /// The parameters, with their defaults.
    pub parameters: Arc<Value>,
    /// The workflow's config, all layers merged.
    pub config: Arc<Value>,
    /// The directory that relative paths start from; absolute.
    pub workspace: Arc<Path>,
    /// The environment for programs.
    pub environment: Arc<BTreeMap<String, String>>,
    /// The open adapters.
    pub adapters: Adapters,
    /// The outputs of the steps that have ended.
    pub outputs: Arc<dyn Outputs>,
    /// Where lines for people go.
    pub log: Arc<dyn LogSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where steps keep what they need to take their work back.
    pub keepsakes: Arc<dyn Keepsakes>,
    /// Runs workflows that steps call; nothing where nobody can.
    pub caller: Option<Arc<dyn Caller>>,
}

/// What belongs to one attempt alone.
pub struct AttemptScope {
    /// The step's id.
    pub step_id: Arc<str>,
    /// The step's name for people; its id where it has none.
    pub step_name: Arc<str>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The adapter instances that the step chose.
    pub adapters: Arc<[String]>,
    /// Fires when the run no longer wants this attempt.
    pub cancelled: CancellationToken,
    /// In a preview: what the steps before this one would change.
    pub planned: Option<Arc<Vec<Change>>>,
    /// How the wait ended that the last attempt asked for.
    pub waited: Option<Waited>,
}

/// The outputs of the steps that have ended.
pub trait Outputs: Send + Sync {
    /// The output of a step; nothing when it hasn't ended or has none.
    fn output(&self, step_id: &str) -> Option<Arc<Value>>;
}

/// Where steps keep what they need to take their work back. What is kept outlives the process, as far as the run
/// does.
pub trait Keepsakes: Send + Sync {
    /// Keeps bytes of a step under a name; what is there already stays.
    fn keep<'a>(
        &'a self,
        step: &'a str,
        name: &'a str,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), StepError>>;
    /// What was kept under a name.
    fn kept<'a>(&'a self, step: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StepError>>;
}

/// Runs workflows that steps call, each as a run of its own.
pub trait Caller: Send + Sync {
    /// Runs a workflow to its end and gives its outputs. The same call of the same step is the same run: when an
    /// earlier attempt began it, it is continued.
    fn call<'a>(&'a self, call: Call, ctx: &'a StepContext) -> BoxFuture<'a, Result<Value, StepError>>;
    /// Takes back what the workflow did that the step called; nothing where it called none.
    fn undo<'a>(&'a self, call: Call, ctx: &'a StepContext) -> BoxFuture<'a, Result<(), StepError>>;
}

/// A call of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The file, from where the calling workflow is.
    pub workflow: String,
    /// The parameters.
    pub parameters: Map<String, Value>,
    /// What must not be shown, as far as the calling run knows. The engine sees to it that it is here.
    pub secrets: Vec<Secret>,
}

impl Call {
    /// A call of the workflow in a file.
    pub fn new(workflow: impl Into<String>, parameters: Map<String, Value>) -> Self {
        Self { workflow: workflow.into(), parameters, secrets: Vec::new() }
    }
}

impl StepContext {
    /// A context for one attempt.
    pub fn new(run: Arc<RunScope>, attempt: AttemptScope) -> Self {
        Self { run, attempt }
    }

    /// Where the workflow was read from, such as `workflows/release.yaml`.
    pub fn workflow_id(&self) -> &str {
        &self.run.workflow_id
    }

    /// The workflow's name.
    pub fn workflow_name(&self) -> &str {
        &self.run.workflow_name
    }

    /// The run.
    pub fn run_id(&self) -> &str {
        &self.run.run_id
    }

    /// The step's id.
    pub fn step_id(&self) -> &str {
        &self.attempt.step_id
    }

    /// The step's name for people.
    pub fn step_name(&self) -> &str {
        &self.attempt.step_name
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt.attempt
    }

    /// The same for every attempt of this step in this run, and for no other step: for systems
    /// that accept such a key to recognise repeated requests.
    pub fn idempotency_key(&self) -> String {
        format!("{}:{}", self.run.run_id, self.attempt.step_id)
    }

    /// The workflow's parameters.
    pub fn parameters(&self) -> &Value {
        &self.run.parameters
    }

    /// The workflow's config, all layers merged.
    pub fn workflow_config(&self) -> &Value {
        &self.run.config
    }

    /// The output of an earlier step; nothing when it didn't run or hasn't ended.
    pub fn output(&self, step_id: &str) -> Option<Arc<Value>> {
        self.run.outputs.output(step_id)
    }

    /// The directory that relative paths start from; absolute.
    pub fn workspace(&self) -> &Path {
        &self.run.workspace
    }

    /// The environment that programs are started with.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.run.environment
    }

    /// The same, shared by all attempts of the run: for handlers that make something of it once.
    pub fn shared_environment(&self) -> &Arc<BTreeMap<String, String>> {
        &self.run.environment
    }

    /// The service behind a capability trait: `ctx.require::<dyn VersionControl>()?`.
    ///
    /// # Errors
    /// When no open adapter serves it, or several do and the step chose none.
    pub fn require<T: ?Sized + Send + Sync + 'static>(&self) -> Result<Arc<T>, StepError> {
        self.run.adapters.require::<T>(&self.attempt.adapters)
    }

    /// Lines for people to read. Secrets are masked.
    pub fn log(&self) -> StepLog {
        StepLog::new(Arc::clone(&self.attempt.step_id), self.attempt.attempt, Arc::clone(&self.run.log))
    }

    /// Says how far the step is.
    pub fn progress(&self, done: u64, total: Option<u64>, message: impl Into<String>) {
        self.log().progress(Progress { done, total, message: message.into() });
    }

    /// Fires when the run no longer wants this attempt.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.attempt.cancelled
    }

    /// Waits for `work`, unless the run no longer wants this attempt: then `work` is dropped.
    ///
    /// # Errors
    /// What `work` fails with; a transient error when it was dropped.
    pub async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let done = self.attempt.cancelled.run_until_cancelled(work).await;
        done.unwrap_or_else(|| Err(StepError::transient("the step was cancelled")))
    }

    /// Keeps bytes for taking the work back, under a name of the handler's choice; call it *before* acting. What an
    /// earlier attempt kept under the name stays: it is from before the work.
    ///
    /// # Errors
    /// When it can't be kept; then there must be no work either.
    pub async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), StepError> {
        self.run.keepsakes.keep(&self.attempt.step_id, name, bytes).await
    }

    /// What an attempt of this step kept under a name.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn kept(&self, name: &str) -> Result<Option<Vec<u8>>, StepError> {
        self.run.keepsakes.kept(&self.attempt.step_id, name).await
    }

    /// Adds to a list that the attempts of this step keep, such as what each is about to change; call it *before*
    /// acting. An entry that is the same as the last one isn't added again.
    ///
    /// # Errors
    /// When it can't be kept; then there must be no work either.
    pub async fn note(&self, list: &str, entry: &impl Serialize) -> Result<(), StepError> {
        let entry = serde_json::to_vec(entry).or_permanent(format!("`{list}` can't be kept"))?;
        let noted = self.noted(list).await?;
        if noted.last() == Some(&entry) {
            return Ok(());
        }
        self.keep(&format!("{list}.{}", noted.len() + 1), &entry).await
    }

    /// What the attempts of this step added to a list, in order.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn notes<T: DeserializeOwned>(&self, list: &str) -> Result<Vec<T>, StepError> {
        let read = |entry: Vec<u8>| serde_json::from_slice(&entry);
        let entries = self.noted(list).await?.into_iter().map(read);
        entries.collect::<Result<_, _>>().or_permanent(format!("what was kept as `{list}` can't be read"))
    }

    async fn noted(&self, list: &str) -> Result<Vec<Vec<u8>>, StepError> {
        let mut entries = Vec::new();
        while let Some(entry) = self.kept(&format!("{list}.{}", entries.len() + 1)).await? {
            entries.push(entry);
        }
        Ok(entries)
    }

    /// How the wait ended that the last attempt asked for with [`StepError::wait`].
    pub fn waited(&self) -> Option<&Waited> {
        self.attempt.waited.as_ref()
    }

    /// Runs workflows.
    ///
    /// # Errors
    /// When the program that runs this step can't.
    pub fn caller(&self) -> Result<Arc<dyn Caller>, StepError> {
        let none = || StepError::permanent("this program can't run workflows that steps call");
        self.run.caller.clone().ok_or_else(none)
    }

    /// The time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.run.clock
    }

    /// In a preview: what the steps before this one would change.
    pub fn planned(&self) -> &[Change] {
        self.attempt.planned.as_ref().map_or(&[], |planned| planned)
    }

    /// In a preview: the content that a file would have by now, where an earlier step would
    /// change it. The inner `None` is a file that would be gone.
    pub fn planned_file(&self, path: &str) -> Option<Option<&str>> {
        self.planned().iter().rev().find_map(|change| match change {
            Change::File { path: changed, after, .. } if changed == path => Some(after.as_deref()),
            _ => None,
        })
    }
}
