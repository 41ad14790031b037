//! How a run went.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::ser::SerializeStruct as _;
use serde_json::{Map, Value};
use vwmp_interfaces::log::LogLine;
use vwmp_interfaces::{ErrorClass, Timestamp};

use super::event::{Cause, Event, Outcome, RunStatus, StepStatus, Undone};
use super::ports::LogStore;
use super::resume::{OtherPlan, fold};
use super::secrets::Secrets;
use super::state::{Rollback, RunState};
use super::step_state::{Phase, Tally};
use super::view::{RunValues, View};
use crate::masking::Masker;
use crate::plan::{Plan, StepIndex};
use crate::template::Template;

/// How a run went: the plan, and the fold of the run's events.
pub struct Report {
    plan: Arc<Plan>,
    state: RunState,
    log: Arc<dyn LogStore>,
    warnings: Vec<String>,
    view: View,
    /// The outputs that were recorded before it was known that there is a secret in them.
    masked: HashMap<StepIndex, Value>,
}

/// How a step went.
#[derive(Debug, Clone, Serialize)]
pub struct StepReport<'r> {
    /// Its id.
    pub id: &'r str,
    /// Its name for people.
    pub name: &'r str,
    /// Its handler.
    pub handler: &'r str,
    /// Where it stands: in JSON its status once it has ended, and `pending`, `waiting`, `running` or `unknown` before.
    #[serde(rename = "status", serialize_with = "as_name")]
    pub phase: Phase,
    /// How it ended; lost, where it has not.
    #[serde(skip)]
    pub status: StepStatus,
    /// How many attempts there were.
    pub attempts: u32,
    /// When the first attempt began.
    pub started: Option<Timestamp>,
    /// From the start of the first attempt to the end of the last, in seconds.
    #[serde(serialize_with = "as_seconds")]
    pub duration: Duration,
    /// What it gave, secrets masked.
    pub output: Option<&'r Value>,
    /// Whether an earlier result stood for it: nothing that it depends on had changed, or it comes from an earlier run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
    /// Whether its work is taken back, where that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// How many items it has, where it fans out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<usize>,
    /// Why it didn't succeed, or didn't run.
    pub error: Option<ErrorReport>,
}

/// Why a step didn't succeed, or didn't run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReport {
    /// What another attempt may bring; nothing for a step that didn't run.
    pub class: Option<ErrorClass>,
    /// What happened.
    pub message: String,
    /// The messages of the causes, nearest first.
    pub causes: Vec<String>,
}

impl Report {
    /// How a run went that was recorded, or how far it is.
    ///
    /// # Errors
    /// When the events are not those of a run of this plan.
    pub fn of(plan: Arc<Plan>, events: &[Event], log: Arc<dyn LogStore>) -> Result<Self, OtherPlan> {
        let state = fold(&plan, events)?;
        let view = View::new(RunValues {
            plan: Arc::clone(&plan),
            run_id: state.run_id().into(),
            started: state.started().unwrap_or_default(),
            board: Arc::clone(&state.board),
            secrets: Secrets::new(&plan),
        });
        Ok(Self::new(plan, state, log, Vec::new(), view))
    }

    pub(super) fn new(
        plan: Arc<Plan>,
        state: RunState,
        log: Arc<dyn LogStore>,
        warnings: Vec<String>,
        view: View,
    ) -> Self {
        let masked = masked_outputs(&plan, &state, &view.run.secrets.masker());
        Self { plan, state, log, warnings, view, masked }
    }

    /// The run's id.
    pub fn run_id(&self) -> &str {
        self.state.run_id()
    }

    /// The plan that was run.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// How the run ended.
    pub fn status(&self) -> RunStatus {
        self.state.ended().map_or(RunStatus::Interrupted, |(status, _)| status)
    }

    /// When it started.
    pub fn started(&self) -> Timestamp {
        self.state.started().unwrap_or_default()
    }

    /// How long it took.
    pub fn duration(&self) -> Duration {
        self.state.ended().map(|(_, at)| at.since(self.started())).unwrap_or_default()
    }

    /// How many steps ended in which way.
    pub fn tally(&self) -> Tally {
        self.state.tally()
    }

    /// Why the run was cancelled or could not go on.
    pub fn reason(&self) -> Option<&str> {
        let aborted = self.state.abort_failure().map(|failure| failure.message.as_str());
        self.state.cancel_reason().or(aborted)
    }

    /// Where the run stood in the end.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Steps and items about which somebody has to say whether their work is done: the run can't go on without.
    pub fn questions(&self) -> Vec<String> {
        self.state.questions().iter().map(|unit| unit.id(&self.plan)).collect()
    }

    /// What was taken back, or could not be: the step or item, whether, and why not.
    pub fn undone(&self) -> Vec<(String, Undone, Option<&str>)> {
        let results = self.state.rollback().map(Rollback::results).unwrap_or_default();
        results
            .iter()
            .map(|(unit, undone, reason)| (unit.id(&self.plan), *undone, reason.as_deref()))
            .collect()
    }

    /// What the run gives to whoever called it: its `outputs`, rendered, secrets included.
    ///
    /// # Errors
    /// The first one that has no value.
    pub fn outputs(&self) -> Result<Map<String, Value>, String> {
        let render = |(name, template): &(String, Template)| match template.render(&self.view) {
            Ok(value) => Ok((name.clone(), value)),
            Err(error) => Err(format!("outputs.{name}: {error}")),
        };
        self.plan.outputs.iter().map(render).collect()
    }

    /// What went wrong after the last step, when things were closed.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// How each step went, in the plan's order.
    pub fn steps(&self) -> impl Iterator<Item = StepReport<'_>> {
        self.plan.indexed().map(|(step, _)| self.at(step))
    }

    /// How one step went.
    pub fn step(&self, id: &str) -> Option<StepReport<'_>> {
        self.plan.find(id).map(|step| self.at(step))
    }

    /// The lines that a step wrote, all its attempts, in order.
    pub fn log(&self, id: &str) -> Vec<LogLine> {
        self.log.lines(id)
    }

    fn at(&self, step: StepIndex) -> StepReport<'_> {
        let planned = &self.plan[step];
        let state = self.state.step(step);
        StepReport {
            id: planned.id(),
            name: planned.name(),
            handler: planned.handler().name(),
            phase: state.phase(),
            status: state.status().unwrap_or(StepStatus::Lost),
            attempts: state.attempts(),
            // Who never ran did not start, although it ended.
            started: state.started().filter(|_| state.attempts() > 0 || self.state.items(step).is_some()),
            duration: state.duration(),
            output: self.masked.get(&step).or_else(|| self.state.output(step).map(|output| &**output)),
            reused: state.is_cached() || state.reused_from().is_some(),
            undone: self.undone_of(step),
            items: self.state.items(step).map(<[_]>::len),
            error: self.error(step),
        }
    }

    /// Whether the work of a step is taken back: of all its items, where it has some.
    fn undone_of(&self, step: StepIndex) -> Option<Undone> {
        let results = self.state.rollback()?.results().iter();
        results
            .filter(|(unit, _, _)| unit.step == step)
            .map(|(_, undone, _)| *undone)
            .max_by_key(|one| *one as u8)
    }

    fn error(&self, step: StepIndex) -> Option<ErrorReport> {
        let state = self.state.step(step);
        let message = self.state.error_of(&self.plan, step)?;
        let failure = match (state.cause(), state.trouble()) {
            (Some(Cause::Failure(failure)), _) => Some(failure),
            (None, Some(Outcome::Failed(failure) | Outcome::Panicked(failure))) => Some(&**failure),
            _ => None,
        };
        let class = failure.map(|failure| failure.class);
        let class = class.or_else(|| state.trouble().and_then(Outcome::class));
        Some(ErrorReport {
            class,
            message,
            causes: failure.map(|one| one.causes.clone()).unwrap_or_default(),
        })
    }
}

fn masked_outputs(plan: &Plan, state: &RunState, masker: &Masker) -> HashMap<StepIndex, Value> {
    if masker.is_empty() {
        return HashMap::new();
    }
    let outputs = plan.indexed().filter_map(|(step, _)| Some((step, state.output(step)?)));
    let telling = outputs.filter(|(_, output)| masker.finds_in(output));
    let masked = telling.map(|(step, output)| {
        let mut masked = Value::clone(output);
        masker.value(&mut masked);
        (step, masked)
    });
    masked.collect()
}

fn as_name<S: serde::Serializer>(phase: &Phase, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(phase.name())
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// Whether a step's work is taken back, in JSON.
#[derive(Serialize)]
struct Taken<'r> {
    step: String,
    undone: Undone,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
}

impl<'r> From<(String, Undone, Option<&'r str>)> for Taken<'r> {
    fn from((step, undone, reason): (String, Undone, Option<&'r str>)) -> Self {
        Self { step, undone, reason }
    }
}

impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Report", 12)?;
        out.serialize_field("run_id", self.run_id())?;
        out.serialize_field("workflow", self.plan.workflow_name())?;
        out.serialize_field("source", self.plan.workflow_id())?;
        out.serialize_field("status", &self.status())?;
        out.serialize_field("reason", &self.reason())?;
        out.serialize_field("started", &self.started())?;
        out.serialize_field("duration", &self.duration().as_secs_f64())?;
        out.serialize_field("tally", &self.tally())?;
        out.serialize_field("warnings", &self.warnings)?;
        out.serialize_field("questions", &self.questions())?;
        out.serialize_field("undone", &self.undone().into_iter().map(Taken::from).collect::<Vec<_>>())?;
        out.serialize_field("steps", &self.steps().collect::<Vec<_>>())?;
        out.end()
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Report({}, {})", self.run_id(), self.status().name())
    }
}
