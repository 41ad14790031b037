//! `vwmp.run_validators`.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use vwmp_interfaces::{
    Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, register,
};

mod finding;
mod program;

pub use finding::{Finding, Severity};

/// Findings of one validator that are kept; more are only counted.
const MOST: usize = 1000;

/// Lines that are shown of a validator that fails without a finding.
const LAST_LINES: usize = 10;

/// Runs validators side by side, and collects what they find, with file and line.
///
/// A validator is any program that prints lines of the form `file:line:col: severity: message` (column
/// and `error[code]` are optional), or JSON objects, one a line, with the keys `file`, `line`, `column`,
/// `severity`, `message` and `code`. All validators are run to their end. The step fails where one finds
/// an error, ends with another exit code than 0 without having found one, or can't be started; with
/// `fail: false` it succeeds all the same, and its output tells.
///
/// ```yaml
/// - id: validate
///   handler: vwmp.run_validators
///   timeout: 10m
///   config:
///     validators:
///       - { name: clippy, command: [cargo, clippy, --message-format, short] }
///       - { name: todo, command: [grep, -rnH, TODO, src], severity: warning, success: [0, 1] }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunValidators {
    /// What to run.
    #[schemars(length(min = 1))]
    validators: Vec<Validator>,
    /// How many run at the same time.
    #[serde(default = "at_once")]
    #[schemars(range(min = 1, max = 64))]
    max_parallel: usize,
    /// Whether warnings count as errors.
    #[serde(default)]
    deny_warnings: bool,
    /// Whether the step fails where there are errors.
    #[serde(default = "yes")]
    fail: bool,
}

/// A program that looks for mistakes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Validator {
    /// Its name for people.
    name: String,
    /// The program and its arguments; it runs in the workspace, without a shell.
    #[schemars(length(min = 1))]
    command: Vec<String>,
    /// How bad lines are that say it not themselves, such as those of `grep -nH`; they are no findings
    /// where this isn't given.
    #[serde(default)]
    severity: Option<Severity>,
    /// Exit codes that are fine.
    #[serde(default = "zero")]
    success: Vec<i32>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Validated {
    /// Whether there is no error.
    passed: bool,
    /// How many errors there are.
    errors: usize,
    /// How many warnings there are.
    warnings: usize,
    /// The validators, in the order given.
    validators: Vec<Verdict>,
    /// Everything found, by validator, in the order of their output.
    findings: Vec<Finding>,
}

/// How a validator ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verdict {
    /// Its name.
    name: String,
    /// Whether it ended well and found no error.
    passed: bool,
    /// Its exit code; null where a signal ended it or it wasn't started.
    exit_code: Option<i32>,
    /// How many findings it has.
    findings: usize,
    /// Why it failed where that isn't a finding.
    problem: Option<String>,
}

impl StepHandler for RunValidators {
    const NAME: &'static str = "vwmp.run_validators";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Validated;

    fn metadata() -> Metadata {
        Metadata { title: "Run Validators", category: "Project", icon: "✓" }
    }

    fn validate(&self, findings: &mut Findings) {
        for (index, validator) in self.validators.iter().enumerate() {
            let place = |key: &str| Place::Config(format!("/validators/{index}/{key}"));
            if validator.name.trim().is_empty() {
                findings.error("vwmp::validator", place("name"), "the name is empty");
            }
            if validator.command.first().is_none_or(String::is_empty) {
                findings.error("vwmp::validator", place("command"), "the command has no program");
            }
            if self.validators[..index].iter().any(|other| other.name == validator.name) {
                let message = format!("two validators have the name `{}`", validator.name);
                findings.error("vwmp::validator", place("name"), message);
            }
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Validated, StepError> {
        let at_once = Semaphore::new(self.max_parallel);
        let running = self.validators.iter().map(|validator| self.run(validator, ctx, &at_once));
        let ended = side_by_side(running.collect()).await;
        if ctx.cancelled().is_cancelled() {
            return Err(StepError::transient("the step was cancelled"));
        }
        let validated = self.judged(ended);
        for finding in &validated.findings {
            match finding.severity {
                Severity::Error | Severity::Warning => ctx.log().warn(finding.to_string()),
                Severity::Note => ctx.log().info(finding.to_string()),
            }
        }
        if validated.passed || !self.fail { Ok(validated) } else { Err(failure(&validated)) }
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Validated>, StepError> {
        let names: Vec<&str> = self.validators.iter().map(|validator| validator.name.as_str()).collect();
        let preview = Preview::new(format!("runs the validators {}", names.join(", ")));
        let actions =
            self.validators.iter().map(|one| format!("run {}: {}", one.name, one.command.join(" ")));
        let preview = actions.fold(preview, Preview::action);
        Ok(if self.fail { preview.known("passed", true) } else { preview })
    }
}

register!(step RunValidators);

impl RunValidators {
    async fn run(
        &self,
        validator: &Validator,
        ctx: &StepContext,
        at_once: &Semaphore,
    ) -> (Verdict, Vec<Finding>) {
        // The semaphore is never closed.
        let _turn = at_once.acquire().await;
        let root = std::fs::canonicalize(ctx.workspace()).unwrap_or_else(|_| ctx.workspace().to_owned());
        let (mut findings, mut count, mut errors) = (Vec::new(), 0, 0);
        let mut last: VecDeque<String> = VecDeque::new();
        let ended = program::run(&validator.command, ctx, |line| {
            match finding::read(&line, &validator.name, validator.severity, &root) {
                Some(found) => {
                    count += 1;
                    errors += usize::from(self.is_error(&found));
                    if findings.len() < MOST {
                        findings.push(found);
                    }
                }
                None if !line.trim().is_empty() => {
                    last.push_back(line);
                    if last.len() > LAST_LINES {
                        last.pop_front();
                    }
                }
                None => {}
            }
        });
        let ended = ended.await;
        let code = ended.as_ref().ok().and_then(std::process::ExitStatus::code);
        let problem = match &ended {
            Err(problem) => Some(format!("`{}` {problem}", validator.name)),
            Ok(_) if code.is_some_and(|code| validator.success.contains(&code)) || errors > 0 => None,
            Ok(status) => {
                let said = last.into_iter().map(|line| format!("\n  {line}")).collect::<String>();
                Some(format!("`{}` ended with {status} and found no error{said}", validator.name))
            }
        };
        let verdict = Verdict {
            name: validator.name.clone(),
            passed: problem.is_none() && errors == 0,
            exit_code: code,
            findings: count,
            problem,
        };
        (verdict, findings)
    }

    fn is_error(&self, finding: &Finding) -> bool {
        let least = if self.deny_warnings { Severity::Warning } else { Severity::Error };
        finding.severity >= least
    }

    fn judged(&self, ended: Vec<(Verdict, Vec<Finding>)>) -> Validated {
        let (validators, findings): (Vec<Verdict>, Vec<Vec<Finding>>) = ended.into_iter().unzip();
        let findings: Vec<Finding> = findings.into_iter().flatten().collect();
        let errors = findings.iter().filter(|finding| self.is_error(finding)).count();
        let warnings = findings.iter().filter(|one| one.severity == Severity::Warning).count();
        Validated {
            passed: validators.iter().all(|validator| validator.passed),
            errors,
            warnings: if self.deny_warnings { 0 } else { warnings },
            validators,
            findings,
        }
    }
}

/// Drives futures to their ends, all in this task; gives what they give in their order.
async fn side_by_side<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut ready = true;
        for (future, result) in running.iter_mut().filter(|(_, result)| result.is_none()) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(value) => *result = Some(value),
                std::task::Poll::Pending => ready = false,
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}

fn failure(validated: &Validated) -> StepError {
    const SHOWN: usize = 20;
    let failed =
        validated.validators.iter().filter(|validator| !validator.passed).map(|one| one.name.as_str());
    let failed: Vec<&str> = failed.collect();
    let noun = if validated.errors == 1 { "error" } else { "errors" };
    let count =
        if validated.errors == 0 { String::new() } else { format!(" with {} {noun}", validated.errors) };
    let error = StepError::permanent(format!("validation failed{count}: {}", failed.join(", ")));
    let problems = validated.validators.iter().filter_map(|validator| validator.problem.clone());
    let errors =
        validated.findings.iter().filter(|one| one.severity == Severity::Error).map(ToString::to_string);
    let details: Vec<String> = problems.chain(errors).take(SHOWN).collect();
    if details.is_empty() { error } else { error.caused_by(details.join("\n")) }
}

fn at_once() -> usize {
    4
}

fn yes() -> bool {
    true
}

fn zero() -> Vec<i32> {
    vec![0]
}

#[cfg(test)]
#[path = "run_validators/tests.rs"]
mod tests;
