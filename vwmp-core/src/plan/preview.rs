//! What a run would do, as far as it can be told. Adapters may read; nothing is changed.

mod fan;
mod foresight;
mod session;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use vwmp_interfaces::context::AttemptScope;
use vwmp_interfaces::erased::PreparedStep;
use vwmp_interfaces::{CancellationToken, Change, Clock, Preview, StepContext};

pub use self::fan::{ItemPreview, ItemPreviews, MOST_ASKED};
use self::foresight::{Foreseen, Foresight};
use self::session::Session;
use super::{Plan, PlannedStep, StepIndex};
use crate::config::Origin;
use crate::document::Path;
use crate::document::path::Segment as PathSegment;
use crate::masking::Masker;
use crate::run::{caught, check_prepared, check_rendered};
use crate::schema::unreadable;
use crate::template::{Condition, Expression, Namespace, NeedsStatus, Reference, Segment, Template};

/// What one step would do if all before it goes well. Secrets are masked.
#[derive(Debug, Clone)]
pub struct StepPreview {
    /// The step.
    pub step: StepIndex,
    /// Whether it would run.
    pub verdict: Verdict,
    /// Its config as far as it is known; what is not stands there as written.
    pub config: Value,
    /// The expressions in the config that can't be known before the run.
    pub unknown: Vec<String>,
    /// The expressions in the config and in `when` that are known.
    pub values: Vec<KnownValue>,
    /// One line about what it would do; empty when its handler can't say.
    pub summary: String,
    /// What it would change.
    pub changes: Vec<Change>,
    /// What its items would do, where it fans out; its changes are theirs.
    pub items: Option<ItemPreviews>,
    /// Why no more can be told.
    pub error: Option<String>,
}

/// Whether a step would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It would.
    Runs,
    /// It would not, for this reason.
    Skipped(String),
    /// It can't be told, for this reason.
    Unknown(String),
}

/// An expression with its value, and where that came from.
#[derive(Debug, Clone)]
pub struct KnownValue {
    /// The expression, without `$<` and `>`.
    pub expression: String,
    /// Its value.
    pub value: Value,
    /// Where what it reads came from.
    pub origins: Vec<ValueOrigin>,
}

/// Where a value came from.
#[derive(Debug, Clone)]
pub enum ValueOrigin {
    /// A parameter.
    Parameter(String),
    /// A layer of the config.
    Config(Origin),
    /// What a step is expected to give.
    Output(String),
    /// A variable of the environment.
    Environment(String),
    /// The config of an adapter.
    Adapter(String),
    /// The run itself.
    Run,
}

/// How long a handler may think about one step.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks each step, in the order of the plan, what it would do after those before it. What goes wrong with one is told
/// there, and the others are asked all the same.
pub async fn preview(
    plan: Arc<Plan>,
    clock: Arc<dyn Clock>,
    cancelled: CancellationToken,
) -> Vec<StepPreview> {
    let foresight = Arc::new(Foresight::new(Arc::clone(&plan)));
    let session = Session::open(Arc::clone(&foresight), clock, cancelled.clone()).await;
    let mut planned = Arc::new(Vec::new());
    let mut previews = Vec::with_capacity(plan.steps.len());
    for (index, step) in plan.indexed() {
        let asked = Asked { plan: &plan, foresight: &foresight, index, step };
        let (mut preview, foreseen) = asked.preview(&session, &planned).await;
        foresight.end(index, foreseen);
        if preview.verdict == Verdict::Runs {
            // Nobody else holds it by now, so this adds to it in place.
            Arc::make_mut(&mut planned).extend(preview.changes.iter().cloned());
        }
        preview.mask(&plan.masker);
        previews.push(preview);
        if cancelled.is_cancelled() {
            break;
        }
    }
    session.close().await;
    previews
}

/// A step that is asked.
struct Asked<'p> {
    plan: &'p Plan,
    foresight: &'p Foresight,
    index: StepIndex,
    step: &'p PlannedStep,
}

impl Asked<'_> {
    /// The preview, and how the step would end.
    async fn preview(&self, session: &Session, planned: &Arc<Vec<Change>>) -> (StepPreview, Foreseen) {
        let mut preview = StepPreview {
            step: self.index,
            verdict: self.verdict(),
            config: Value::Null,
            unknown: Vec::new(),
            values: self.values(),
            summary: String::new(),
            changes: Vec::new(),
            items: None,
            error: None,
        };
        match self.step.config.render_partial(self.foresight) {
            Ok(partial) => (preview.config, preview.unknown) = (partial.value, partial.unknown),
            Err(error) => preview.error = Some(format!("config: {error}")),
        }
        let skipped = matches!(preview.verdict, Verdict::Skipped(_));
        let config = std::mem::take(&mut preview.config);
        preview.config = readable(&config);
        if let (Some(fan), None) = (self.step.fan_out(), &preview.error) {
            let foreseen = self.fan_out(fan, &mut preview, session, planned).await;
            return (preview, foreseen);
        }
        if skipped || preview.error.is_some() || !preview.unknown.is_empty() {
            let foreseen = foreseen(&preview.verdict, None);
            return (preview, foreseen);
        }
        match self.ask(Arc::clone(&self.step.id), config, session, planned).await {
            Ok(told) => {
                let foreseen = foreseen(&preview.verdict, Some((told.output, told.known)));
                preview.summary = told.summary;
                preview.changes = told.changes;
                (preview, foreseen)
            }
            Err(error) => {
                preview.error = Some(error);
                let foreseen = foreseen(&preview.verdict, None);
                (preview, foreseen)
            }
        }
    }

    /// Asks the handler; as which step or item, `id` says.
    async fn ask(
        &self,
        id: Arc<str>,
        config: Value,
        session: &Session,
        planned: &Arc<Vec<Change>>,
    ) -> Result<Preview<Value>, String> {
        let prepared = self.prepare(config)?;
        let attempt = AttemptScope {
            step_id: id,
            step_name: Arc::clone(self.step.name.as_ref().unwrap_or(&self.step.id)),
            attempt: 1,
            adapters: Arc::clone(&self.step.policy.adapters),
            cancelled: session.cancelled.child_token(),
            planned: Some(Arc::clone(planned)),
            waited: None,
        };
        let context = StepContext::new(Arc::clone(&session.scope), attempt);
        let asking = tokio::time::timeout(PATIENCE, caught(prepared.preview(&context)));
        match asking.await {
            Ok(Ok(Ok(told))) => Ok(told),
            Ok(Ok(Err(error))) => {
                let causes = error.causes().into_iter().map(|cause| format!(": {cause}"));
                Err(format!("{error}{}", causes.collect::<String>()))
            }
            Ok(Err(panic)) => Err(format!("the handler panicked: {panic}")),
            Err(_) => Err(format!("the handler gave no answer in {} s", PATIENCE.as_secs())),
        }
    }

    /// The handler with its config, as an attempt would have it.
    fn prepare(&self, config: Value) -> Result<Box<dyn PreparedStep>, String> {
        let handler = &self.step.handler;
        if !matches!(*self.step.config, Template::Literal(_)) {
            check_rendered(handler, &config).map_err(|failure| failure.message)?;
        }
        let prepared = handler.prepare(config).map_err(|error| unreadable(&error))?;
        check_prepared(&*prepared).map_err(|failure| failure.message)?;
        Ok(prepared)
    }

    /// Whether the step runs when all before it goes well.
    fn verdict(&self) -> Verdict {
        let Some(when) = self.step.when() else { return Verdict::Runs };
        if let Some(unknown) = self.foresight.unknown_in(when.references()) {
            return Verdict::Unknown(format!("its condition `{}` reads `{unknown}`", when.text()));
        }
        let status = NeedsStatus { succeeded: true, failed: false };
        match when.evaluate(&self.foresight.for_conditions(), status) {
            Ok(true) => Verdict::Runs,
            Ok(false) => Verdict::Skipped(format!("its condition does not hold: `{}`", when.text())),
            Err(error) => Verdict::Unknown(format!("its condition can't be evaluated: {error}")),
        }
    }

    fn values(&self) -> Vec<KnownValue> {
        let when = self.step.when().map(Condition::expression);
        let expressions = self.step.config.expressions().into_iter().chain(when);
        let mut values: Vec<KnownValue> = Vec::new();
        for expression in expressions {
            let seen = values.iter().any(|known| known.expression == expression.text());
            if !seen && self.foresight.unknown_in(expression.references()).is_none() {
                values.extend(self.known(expression));
            }
        }
        values
    }

    /// The value of an expression; conditions that ask for the status of needs have none of their own.
    fn known(&self, expression: &Expression) -> Option<KnownValue> {
        let value = Template::Expression(expression.clone()).render(&self.foresight.for_conditions()).ok()?;
        let mut origins: Vec<ValueOrigin> = Vec::new();
        for origin in expression.references().iter().filter_map(|reference| self.origin(reference)) {
            if !origins.iter().any(|known| known.to_string() == origin.to_string()) {
                origins.push(origin);
            }
        }
        Some(KnownValue { expression: expression.text().to_owned(), value, origins })
    }

    fn origin(&self, reference: &Reference) -> Option<ValueOrigin> {
        let key = reference.key().unwrap_or_default().to_owned();
        Some(match reference.namespace {
            Namespace::Parameters => ValueOrigin::Parameter(key),
            Namespace::StepOutputs | Namespace::Steps => ValueOrigin::Output(key),
            Namespace::Env => ValueOrigin::Environment(key),
            Namespace::Adapter => ValueOrigin::Adapter(key),
            Namespace::Run => ValueOrigin::Run,
            Namespace::Config => {
                let (_, origin) = self.plan.resolved.find(&path(&reference.path))?;
                ValueOrigin::Config(origin.clone())
            }
            Namespace::Secrets | Namespace::Item | Namespace::Matrix => return None,
        })
    }
}

/// What later steps can build on: the whole output of a step, or the parts of it that are known.
fn foreseen(verdict: &Verdict, told: Option<(Option<Value>, Map<String, Value>)>) -> Foreseen {
    match (verdict, told) {
        (Verdict::Skipped(_), _) => Foreseen::Skipped,
        (Verdict::Unknown(_), _) => Foreseen::Unknown,
        (Verdict::Runs, Some((None, known))) if !known.is_empty() => Foreseen::Partly(known.into()),
        (Verdict::Runs, told) => Foreseen::Runs(told.and_then(|(output, _)| output).map(Arc::new)),
    }
}

/// A config in which scripts stand as they are written: their values never become a part of them.
fn readable(config: &Value) -> Value {
    match config {
        Value::Object(entries) => match entries.get("$script").and_then(Value::as_array) {
            Some(pieces) => {
                let piece = |piece: &Value| match piece["expression"].as_str() {
                    Some(expression) => format!("$<{expression}>"),
                    None => piece.as_str().unwrap_or_default().to_owned(),
                };
                pieces.iter().map(piece).collect::<String>().into()
            }
            None => entries.iter().map(|(key, value)| (key.clone(), readable(value))).collect(),
        },
        Value::Array(items) => items.iter().map(readable).collect(),
        other => other.clone(),
    }
}

fn path(segments: &[Segment]) -> Path {
    let segment = |segment: &Segment| match segment {
        Segment::Key(key) => PathSegment::Key(key.to_string()),
        Segment::Index(index) => PathSegment::Index(*index),
    };
    segments.iter().map(segment).collect()
}

impl StepPreview {
    fn mask(&mut self, masker: &Masker) {
        masker.value(&mut self.config);
        self.values.iter_mut().for_each(|known| _ = masker.value(&mut known.value));
        masker.text(&mut self.summary);
        self.items.iter_mut().for_each(|items| items.mask(masker));
        self.changes.iter_mut().for_each(|change| masker.change(change));
        self.error.iter_mut().for_each(|error| _ = masker.text(error));
        if let Verdict::Skipped(reason) | Verdict::Unknown(reason) = &mut self.verdict {
            masker.text(reason);
        }
    }
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => write!(f, "parameter {name}"),
            Self::Config(origin) => origin.fmt(f),
            Self::Output(step) => write!(f, "output of step {step}"),
            Self::Environment(variable) => write!(f, "environment: {variable}"),
            Self::Adapter(name) => write!(f, "config of adapter {name}"),
            Self::Run => f.write_str("the run"),
        }
    }
}
