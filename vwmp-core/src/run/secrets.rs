//! The secrets of one run: asked for when a step needs them, once, and known to the masker from then on.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use serde_json::Value;
use tokio::sync::OnceCell;
use vwmp_interfaces::capability::SecretSource;
use vwmp_interfaces::step::default_retry_delay;
use vwmp_interfaces::{BoxFuture, ErrorClass, Secret, StepError, Wait};

use super::event::{Cause, EventKind, Failure, Found, Outcome};
use super::unit::Unit;
use crate::masking::{Masker, SHORTEST};
use crate::plan::{Plan, StepIndex};

/// What must not be shown of a run, and where it comes from.
pub(crate) struct Secrets {
    /// Whether anything is: every event and every attempt asks, and most runs have no secret.
    any: AtomicBool,
    known: RwLock<Known>,
    sources: OnceLock<Vec<Source>>,
    /// What the sources gave, or that none has it.
    given: Mutex<HashMap<String, Arc<OnceCell<Option<Value>>>>>,
    /// The outputs that are recorded masked, as they are.
    outputs: Mutex<HashMap<Unit, Arc<Value>>>,
    /// The items that are recorded masked, as they are, by step.
    items: Mutex<HashMap<StepIndex, Arc<Vec<Value>>>>,
}

struct Known {
    texts: BTreeSet<String>,
    masker: Masker,
}

/// A source that the run asks.
pub(super) struct Source {
    pub(super) instance: String,
    /// The source; or why it could not be opened.
    pub(super) open: Result<Arc<dyn SecretSource>, Failure>,
}

/// A source for handlers: what it gives is masked like everything else.
struct Watched {
    source: Arc<dyn SecretSource>,
    secrets: Arc<Secrets>,
}

impl Secrets {
    /// What is secret before the run.
    pub(super) fn new(plan: &Plan) -> Arc<Self> {
        let known = Known { texts: plan.secrets.iter().cloned().collect(), masker: plan.masker.clone() };
        Arc::new(Self {
            any: AtomicBool::new(!known.masker.is_empty()),
            known: RwLock::new(known),
            sources: OnceLock::new(),
            given: Mutex::default(),
            outputs: Mutex::default(),
            items: Mutex::default(),
        })
    }

    /// Sets the sources, in the order they are asked.
    pub(super) fn connect(&self, sources: Vec<Source>) {
        // A run opens its sources once.
        let _ = self.sources.set(sources);
    }

    /// A source whose secrets are masked.
    pub(super) fn watched(self: &Arc<Self>, source: Arc<dyn SecretSource>) -> Arc<dyn SecretSource> {
        Arc::new(Watched { source, secrets: Arc::clone(self) })
    }

    /// Masks texts from now on.
    pub(super) fn note(&self, texts: impl IntoIterator<Item = String>) {
        let new: Vec<String> = texts.into_iter().filter(|text| text.len() >= SHORTEST).collect();
        if new.is_empty() || new.iter().all(|text| self.read().texts.contains(text)) {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.texts.extend(new);
        known.masker = Masker::new(&known.texts);
        self.any.store(true, Ordering::Release);
    }

    /// Masks what is known to be secret by now.
    pub(super) fn masker(&self) -> Masker {
        if self.any.load(Ordering::Acquire) { self.read().masker.clone() } else { Masker::default() }
    }

    /// All that is known to be secret by now.
    pub(super) fn texts(&self) -> Vec<String> {
        self.read().texts.iter().cloned().collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asking for secrets.
impl Secrets {
    /// Sees to it that [`Secrets::get`] has the answer for a name. `attempt` says how long to wait before the next one.
    ///
    /// # Errors
    /// When a source that was asked fails, when none has it and it is not `optional`, and when it can't be masked.
    pub(super) async fn ask(&self, name: &str, optional: bool, attempt: u32) -> Result<(), Failure> {
        let cell = Arc::clone(lock(&self.given).entry(name.to_owned()).or_default());
        let given = cell.get_or_try_init(|| self.look_for(name, attempt)).await?;
        if given.is_none() && !optional { Err(self.missing(name)) } else { Ok(()) }
    }

    /// A secret that was asked for; nothing when no source has it.
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        lock(&self.given).get(name)?.get()?.clone()
    }

    async fn look_for(&self, name: &str, attempt: u32) -> Result<Option<Value>, Failure> {
        for Source { instance, open } in self.sources() {
            let unanswered = |failure: Failure| {
                let message = format!("{instance} can't say whether it has the secret `{name}`");
                let causes = std::iter::once(failure.message).chain(failure.causes).collect();
                let retry_delay =
                    (failure.class == ErrorClass::Transient).then(|| default_retry_delay(attempt));
                Failure { message, causes, retry_delay, ..failure }
            };
            let source = open.as_ref().map_err(|failure| unanswered(failure.clone()))?;
            let given = source.secret(name).await.map_err(|error| unanswered(Failure::from(&error)))?;
            if let Some(secret) = given {
                return self.take(name, instance, &secret).map(Some);
            }
        }
        Ok(None)
    }

    fn take(&self, name: &str, instance: &str, secret: &Secret) -> Result<Value, Failure> {
        let length = secret.reveal().trim().len();
        if length < SHORTEST {
            let what = if length == 0 { "is empty".to_owned() } else { format!("has {length} bytes only") };
            return Err(Failure::invalid(format!(
                "the secret `{name}` of {instance} {what}, and one of fewer than {SHORTEST} can't be masked: it would \
                 hide ordinary words; use a longer one"
            )));
        }
        self.note([secret.reveal().to_owned()]);
        Ok(Value::from(secret.reveal()))
    }

    fn missing(&self, name: &str) -> Failure {
        let looked: Vec<String> = self
            .sources()
            .iter()
            .map(|source| match &source.open {
                Ok(open) => format!("{} looked for {}", source.instance, open.place(name)),
                Err(_) => format!("{} could not be opened", source.instance),
            })
            .collect();
        Failure::invalid(format!("there is no secret `{name}`: {}", looked.join("; ")))
    }

    fn sources(&self) -> &[Source] {
        self.sources.get().map(Vec::as_slice).unwrap_or_default()
    }
}

/// Keeping secrets out of events.
impl Secrets {
    /// Masks what is about to become an event. Later steps get an output as it was.
    pub(super) fn mask(&self, kind: &mut EventKind) {
        let masker = self.masker();
        if masker.is_empty() {
            return;
        }
        match kind {
            EventKind::AttemptFinished {
                step,
                outcome: Outcome::Succeeded(output) | Outcome::Cached(output),
                masked,
                ..
            } if masker.finds_in(output) => {
                let mut shown = (**output).clone();
                masker.value(&mut shown);
                lock(&self.outputs).insert(*step, std::mem::replace(output, Arc::new(shown)));
                *masked = true;
            }
            EventKind::AttemptFinished { outcome: Outcome::Failed(failure), .. }
            | EventKind::AttemptFinished { outcome: Outcome::Panicked(failure), .. }
            | EventKind::UndoFinished {
                outcome: Outcome::Failed(failure) | Outcome::Panicked(failure),
                ..
            }
            | EventKind::RunAborted { failure } => failure.mask(&masker),
            EventKind::AttemptFinished { outcome: Outcome::Waiting(wait), .. } => mask_wait(wait, &masker),
            EventKind::StepExpanded { step, items, masked }
                if items.iter().any(|item| masker.finds_in(item)) =>
            {
                let mut shown = Vec::clone(items);
                shown.iter_mut().for_each(|item| _ = masker.value(item));
                lock(&self.items).insert(*step, std::mem::replace(items, Arc::new(shown)));
                *masked = true;
            }
            EventKind::LookupFinished { step, found: Found::Done(output), masked }
                if masker.finds_in(output) =>
            {
                let mut shown = (**output).clone();
                masker.value(&mut shown);
                lock(&self.outputs).insert(*step, std::mem::replace(output, Arc::new(shown)));
                *masked = true;
            }
            EventKind::Answered { comment: text, .. }
            | EventKind::CancelRequested { reason: text, .. }
            | EventKind::RollbackStarted { reason: text, .. }
            | EventKind::LookupFinished { found: Found::Unknown(Some(text)), .. }
            | EventKind::StepUndone { reason: Some(text), .. } => *text = masker.masked(text).into(),
            EventKind::StepFinished { cause: Some(cause), .. } => match &mut **cause {
                Cause::Failure(failure) => failure.mask(&masker),
                Cause::Condition { when } => _ = masker.text(when),
                Cause::Stopping { reason } => *reason = masker.masked(reason).into(),
                Cause::Need { .. } | Cause::FailFast { .. } | Cause::NotChosen => {}
            },
            _ => {}
        }
    }

    /// What an item is about, where it is recorded masked: as it was.
    pub(super) fn item(&self, unit: Unit) -> Option<Value> {
        lock(&self.items).get(&unit.step)?.get(unit.item()? as usize).cloned()
    }

    /// The output of a step that is recorded masked, as it was.
    pub(super) fn output(&self, unit: Unit) -> Option<Arc<Value>> {
        lock(&self.outputs).get(&unit).cloned()
    }

    /// Keeps the output of a step that is recorded masked, as it is.
    pub(super) fn keep_output(&self, unit: Unit, output: Arc<Value>) {
        lock(&self.outputs).insert(unit, output);
    }
}

fn mask_wait(wait: &mut Wait, masker: &Masker) {
    if let Wait::Approval(request) = wait {
        masker.text(&mut request.message);
    }
}

impl Failure {
    fn mask(&mut self, masker: &Masker) {
        masker.text(&mut self.message);
        self.causes.iter_mut().for_each(|cause| _ = masker.text(cause));
    }
}

impl SecretSource for Watched {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, StepError>> {
        Box::pin(async move {
            let given = self.source.secret(name).await?;
            self.secrets.note(given.iter().map(|secret| secret.reveal().to_owned()));
            Ok(given)
        })
    }

    fn place(&self, name: &str) -> String {
        self.source.place(name)
    }
}

/// A part of the run that panicked must not make secrets unknown.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}
