//! One attempt in this process: render, check, work, and whatever goes wrong with it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use vwmp_interfaces::erased::PreparedStep;
use vwmp_interfaces::{BoxFuture, Done, Findings, StepError};

use super::event::{Failure, Found, Interruption, Outcome};
use super::ports::{Attempt, CacheAnswer, CacheRequest, Executor, StepCache, Task};
use crate::masking::{computed, texts_in};
use crate::registry::RegisteredStep;
use crate::schema::{dotted, scripts_as_text, unreadable};
use crate::template::{Namespace, Template, marked};

/// Carries attempts out in this process.
#[derive(Debug, Default)]
pub struct LocalExecutor;

impl Executor for LocalExecutor {
    fn execute(&self, attempt: Attempt) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            match caught(carry_out(&attempt)).await {
                Ok(outcome) => outcome,
                Err(panic) => Outcome::Panicked(Box::new(Failure::permanent(panic))),
            }
        })
    }
}

async fn carry_out(attempt: &Attempt) -> Outcome {
    let began = Instant::now();
    let cancelled = attempt.context.cancelled();
    let limit = attempt.step().policy.timeout;
    let answered = tokio::select! {
        biased;
        answer = ask_for_secrets(attempt) => answer,
        () = cancelled.cancelled() => {
            return Outcome::Cancelled(Box::new(Interruption { after: began.elapsed(), abandoned: false }));
        }
        () = expired(limit) => {
            let after = limit.unwrap_or_default();
            return Outcome::TimedOut(Box::new(Interruption { after, abandoned: false }));
        }
    };
    let prepared = match answered.and_then(|()| prepare(attempt)) {
        Ok(prepared) => prepared,
        Err(failure) => return Outcome::Failed(Box::new(failure)),
    };
    let mut work = pin!(work(attempt, &prepared));
    let timed_out = tokio::select! {
        biased;
        result = &mut work => return ended(attempt, &*prepared.step, result, began),
        () = cancelled.cancelled() => false,
        () = expired(limit.map(|limit| limit.saturating_sub(began.elapsed()))) => true,
    };
    cancelled.cancel();
    let after = limit.filter(|_| timed_out).unwrap_or_else(|| began.elapsed());
    let late = tokio::time::timeout(attempt.limits.grace, work).await;
    let interruption = Box::new(Interruption { after, abandoned: late.is_err() });
    match late {
        // The request to stop came too late: what is done is done, and must not be done again.
        Ok(Ok(done)) if !timed_out => finished(attempt, &*prepared.step, Ok(done)),
        _ if timed_out => Outcome::TimedOut(interruption),
        _ => Outcome::Cancelled(interruption),
    }
}

/// A step that is ready to work.
struct Ready {
    step: Box<dyn PreparedStep>,
    /// The config, where the step's result may be kept.
    config: Option<Value>,
}

/// What an attempt gave, and whether it is from an earlier run.
type Gave = (Value, bool);

async fn work(attempt: &Attempt, ready: &Ready) -> Result<Gave, StepError> {
    let (step, ctx) = (&ready.step, &attempt.context);
    match &attempt.task {
        Task::Execute => match (&attempt.cache, &ready.config) {
            (Some(cache), Some(config)) => cached(attempt, &**cache, &**step, config).await,
            _ => step.execute(ctx).await.map(|output| (output, false)),
        },
        Task::LookUp => {
            let found = match step.already_done(ctx).await? {
                Done::Yes(output) => Found::Done(Arc::new(output)),
                Done::No => Found::NotDone,
                Done::Unknown => Found::Unknown(None),
            };
            Ok((serde_json::to_value(found).unwrap_or_default(), false))
        }
        Task::Undo(output) => {
            let output = output.as_ref().map(|output| Value::clone(output));
            step.undo(output, ctx).await.map(|()| (Value::Null, false))
        }
    }
}

/// The work, unless an earlier result stands for it. A cache that doesn't work costs time, and nothing else.
async fn cached(
    attempt: &Attempt,
    cache: &dyn StepCache,
    step: &dyn PreparedStep,
    config: &Value,
) -> Result<Gave, StepError> {
    let log = attempt.context.log();
    let answer = match request(attempt, config) {
        Ok(request) => cache.look(&request).await.map(|answer| (request, answer)),
        Err(failure) => Err(StepError::invalid(failure.message)),
    };
    let (request, key) = match answer {
        Ok((_, CacheAnswer::Hit { output, why })) => {
            log.info(format!("nothing to do: {why}"));
            return Ok((output, true));
        }
        Ok((request, CacheAnswer::Miss { key, why })) => {
            log.info(format!("not from the cache: {why}"));
            (request, key)
        }
        Err(error) => {
            log.warn(format!("the cache can't be used: {}", Failure::from(&error).line()));
            return step.execute(&attempt.context).await.map(|output| (output, false));
        }
    };
    let output = step.execute(&attempt.context).await?;
    // A secret is not kept for other runs.
    if attempt.view.run.secrets.masker().finds_in(&output) {
        log.warn("the result is not kept: there is a secret in the output");
    } else if let Err(error) = cache.keep(&request, &key, &output).await {
        log.warn(format!("the result can't be kept: {}", Failure::from(&error).line()));
    }
    Ok((output, false))
}

/// Everything that the result depends on.
fn request(attempt: &Attempt, config: &Value) -> Result<CacheRequest, Failure> {
    let step = attempt.step();
    let policy = step.cache().ok_or_else(|| Failure::invalid("the step has no cache"))?;
    let key = policy.key.render(&attempt.view);
    let origin = step.handler.origin();
    Ok(CacheRequest {
        step: format!("{}/{}", attempt.plan().workflow_name, attempt.unit.id(attempt.plan())),
        workspace: Arc::clone(&attempt.plan().workspace),
        handler: format!("{} {}", step.handler.name(), origin.version),
        config: config.clone(),
        inputs: policy.inputs.clone(),
        key: key.map_err(|error| Failure::invalid(format!("cache.key: {error}")))?,
        outputs: policy.outputs.clone(),
    })
}

/// Sees to it that the secrets which the config reads are there.
async fn ask_for_secrets(attempt: &Attempt) -> Result<(), Failure> {
    let step = attempt.step();
    if attempt.plan().secret_sources.is_empty() {
        return Ok(());
    }
    for (_, reference) in step.config.references() {
        if let (Namespace::Secrets, Some(name)) = (reference.namespace, reference.key()) {
            attempt.view.run.secrets.ask(name, reference.optional, attempt.view.attempt).await?;
        }
    }
    Ok(())
}

/// The config with all its values, read by the handler.
fn prepare(attempt: &Attempt) -> Result<Ready, Failure> {
    let step = attempt.step();
    let config =
        step.config.render(&attempt.view).map_err(|error| Failure::invalid(format!("config: {error}")))?;
    let rendered = !matches!(*step.config, Template::Literal(_));
    watch(attempt, &config);
    refuse_arguments(attempt, &config)?;
    if rendered {
        check_rendered(&step.handler, &config)?;
    }
    let kept = (step.cache().is_some() && attempt.task == Task::Execute).then(|| config.clone());
    let prepared = step.handler.prepare(config).map_err(|error| Failure::invalid(unreadable(&error)))?;
    if rendered {
        check_prepared(&*prepared)?;
    }
    Ok(Ready { step: prepared, config: kept })
}

/// What the handler takes as a secret is one, wherever it came from; so is what is computed from one.
fn watch(attempt: &Attempt, config: &Value) {
    let step = attempt.step();
    let mut texts = Vec::new();
    if step.handler.takes_secrets() {
        let parts = marked::values(config, &step.handler.info().config_schema, marked::SECRET);
        parts.into_iter().for_each(|(_, part)| texts_in(part, &mut texts));
    }
    let masker = attempt.view.run.secrets.masker();
    if !masker.is_empty() {
        computed(step.config.expressions(), &attempt.view, &masker, &mut texts);
    }
    attempt.view.run.secrets.note(texts);
}

/// The arguments of a process can be read by others on the machine.
fn refuse_arguments(attempt: &Attempt, config: &Value) -> Result<(), Failure> {
    let masker = attempt.view.run.secrets.masker();
    if masker.is_empty() {
        return Ok(());
    }
    let schema = &attempt.step().handler.info().config_schema;
    let arguments = marked::values(config, schema, marked::ARGUMENT);
    match arguments.into_iter().find(|(_, argument)| masker.finds_in(argument)) {
        Some((pointer, _)) => Err(Failure::invalid(format!(
            "config{}: a secret in it would stand in the arguments of a process, where others on the machine can read \
             it; hand it on by the environment, a file or the standard input",
            dotted(&pointer)
        ))),
        None => Ok(()),
    }
}

/// Literal configs were checked before the run; the others can only be checked now.
pub(crate) fn check_rendered(handler: &RegisteredStep, config: &Value) -> Result<(), Failure> {
    let errors = handler.config_errors(&scripts_as_text(config));
    if errors.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = errors.iter().map(|error| format!("config{error}")).collect();
    Err(Failure::invalid(lines.join("; ")))
}

/// What the handler itself finds wrong in its config, once all values are known.
pub(crate) fn check_prepared(prepared: &dyn PreparedStep) -> Result<(), Failure> {
    let mut findings = Findings::default();
    prepared.validate(&mut findings);
    let errors: Vec<String> = findings
        .into_iter()
        .filter(|finding| !finding.warning)
        .map(|finding| {
            let part = finding.place.config().unwrap_or_default();
            format!("config{}: {}", dotted(part), finding.message)
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Failure::invalid(errors.join("; "))) }
}

/// A handler that stops because it was asked to says so with an error.
fn ended(
    attempt: &Attempt,
    prepared: &dyn PreparedStep,
    result: Result<Gave, StepError>,
    began: Instant,
) -> Outcome {
    if result.is_err() && attempt.context.cancelled().is_cancelled() {
        return Outcome::Cancelled(Box::new(Interruption { after: began.elapsed(), abandoned: false }));
    }
    finished(attempt, prepared, result)
}

fn finished(attempt: &Attempt, prepared: &dyn PreparedStep, result: Result<Gave, StepError>) -> Outcome {
    let checked = match result {
        Ok((found, _)) if attempt.task != Task::Execute => return Outcome::Succeeded(Arc::new(found)),
        Ok((output, true)) => return Outcome::Cached(shared(output)),
        Ok((output, false)) => check_output(attempt, output),
        Err(error) => {
            if let Some(wait) = error.waits_for() {
                return Outcome::Waiting(Box::new(wait.clone()));
            }
            let retry_delay =
                prepared.can_retry(&error).then(|| prepared.retry_delay(attempt.context.attempt()));
            Err(Failure { retry_delay, ..Failure::from(&error) })
        }
    };
    match checked {
        Ok(output) => Outcome::Succeeded(shared(output)),
        Err(failure) => Outcome::Failed(Box::new(failure)),
    }
}

/// Most steps give nothing; a million of them share it.
fn shared(output: Value) -> Arc<Value> {
    static NOTHING: LazyLock<Arc<Value>> = LazyLock::new(|| Arc::new(Value::Null));
    if output.is_null() { Arc::clone(&NOTHING) } else { Arc::new(output) }
}

fn check_output(attempt: &Attempt, output: Value) -> Result<Value, Failure> {
    let handler = &attempt.step().handler;
    let size = weight(&output);
    if size > attempt.limits.output_bytes {
        return Err(Failure::permanent(format!(
            "the output of {} is too large: about {size} bytes, at most {} are kept; write it to a file and \
             give its path",
            handler.name(),
            attempt.limits.output_bytes
        )));
    }
    if is_deeper_than(&output, DEEPEST) {
        return Err(Failure::permanent(format!(
            "the output of {} is nested more than {DEEPEST} levels deep; write it to a file and give its path",
            handler.name()
        )));
    }
    if handler.output_is_typed() {
        return Ok(output);
    }
    match handler.output_errors(&output).as_slice() {
        [] => Ok(output),
        errors => {
            let lines: Vec<String> = errors.iter().map(|error| format!("output{error}")).collect();
            Err(Failure::permanent(format!(
                "{} gave an output that does not fit its own schema: {}",
                handler.name(),
                lines.join("; ")
            )))
        }
    }
}

/// How deep outputs may be nested: what is written down has to be read again.
const DEEPEST: usize = 100;

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let mut below = |one: &Value| levels == 0 || is_deeper_than(one, levels - 1);
    match value {
        Value::Array(items) => items.iter().any(&mut below),
        Value::Object(entries) => entries.values().any(below),
        _ => false,
    }
}

/// The size of a value, in bytes of JSON, roughly.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 2,
        Value::Object(object) => object.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum(),
    }
}

async fn expired(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// The value of a future, or the message of its panic.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(message_of(&*panic))),
    })
    .await
}

/// What was asked for, or the message of its panic.
pub(crate) fn guarded<T>(ask: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|panic| message_of(&*panic))
}

pub(super) fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}
