//! `ci_cd.test`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::{
    Effect, ErrorClass, Findings, Metadata, OrFail, Preview, Script, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use super::junit::{Failure, Results};
use crate::matching::matching;
use crate::shell::check::check;
use crate::shell::run::{Call, Run, default_shell};
use crate::shell::text::Text;

/// Names in a message.
const NAMES_SHOWN: usize = 5;

/// Failures that are handed on.
const FAILURES_KEPT: usize = 100;

/// Runs tests with a command, and reads their results.
///
/// `run`, `command`, `shell`, `env` and `workdir` are those of `shell.run`, with the same care for values. `reports` are
/// files in JUnit's XML, as nextest, pytest, Jest, Maven and most others write it; they must have been written by this
/// run. Without them only the exit code counts.
///
/// The step fails where a test failed, and names those; with `allow_failures` that is left to later steps, which read the
/// outputs `tests`, `passed`, `failed`, `errors`, `skipped`, `seconds`, `failures` and `exit_code`.
///
/// ```yaml
/// - id: test
///   handler: ci_cd.test
///   config:
///     command: [cargo, nextest, run, --profile, ci]
///     reports: [target/nextest/ci/junit.xml]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Test {
    /// The script. Either this or `command`.
    run: Option<Script>,
    /// The program and its arguments. Either this or `run`.
    #[schemars(extend("x-vwmp-argument" = true))]
    command: Option<Vec<Text>>,
    /// The program that runs the script, by name or path.
    #[schemars(extend("x-vwmp-argument" = true))]
    #[serde(default = "default_shell")]
    shell: String,
    /// More variables for the environment.
    #[serde(default)]
    env: BTreeMap<String, Text>,
    /// The directory to run in, relative to the workspace, which it is by default.
    workdir: Option<WorkspacePath>,
    /// The files with the results, relative to the workspace. `*` in a file's name stands for anything.
    #[serde(default)]
    reports: Vec<WorkspacePath>,
    /// Whether the step goes well although tests failed.
    #[serde(default)]
    allow_failures: bool,
}

/// What the tests said.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tested {
    /// The exit code of the command.
    exit_code: i32,
    /// The results.
    #[serde(flatten)]
    results: Results,
}

impl StepHandler for Test {
    const NAME: &'static str = "ci_cd.test";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Tested;

    fn metadata() -> Metadata {
        Metadata { title: "Test", category: "CI/CD", icon: "🧪" }
    }

    fn validate_written(config: &Value, findings: &mut Findings) {
        check(config, findings);
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Tested, StepError> {
        let before = self.found(ctx)?;
        let call = self.call();
        let ran = call.execute(ctx).await?;
        let results = self.results(ctx, &before, ran.exit_code)?;
        if !self.reports.is_empty() {
            let Results { tests, passed, skipped, .. } = results;
            ctx.log().info(format!("{passed} of {tests} tests passed, {skipped} skipped"));
        }
        let tested = Tested { exit_code: ran.exit_code, results };
        if !self.allow_failures {
            tested.judge(&call.title())?;
        }
        Ok(tested.shortened())
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Tested>, StepError> {
        let call = self.call();
        Ok(Preview::new(format!("tests with {}", call.title())).action(call.described(ctx)?))
    }

    fn can_retry(&self, error: &StepError) -> bool {
        !matches!(error.class(), ErrorClass::Invalid | ErrorClass::Denied)
    }
}

register!(step Test);

impl Test {
    fn call(&self) -> Run {
        let Self { run, command, shell, env, workdir, .. } = self;
        Run::of(&Call { run, command, shell, env, workdir, any_code: true })
    }

    /// The reports that are there, and when they were written.
    fn found(&self, ctx: &StepContext) -> Result<BTreeMap<PathBuf, SystemTime>, StepError> {
        let mut found = BTreeMap::new();
        for written in &self.reports {
            for path in matching(ctx.workspace(), written)? {
                let path = ctx.workspace().join(&path);
                let time = path.metadata().and_then(|about| about.modified());
                found.insert(path.clone(), time.or_permanent(format!("can't read {}", path.display()))?);
            }
        }
        Ok(found)
    }

    fn results(
        &self,
        ctx: &StepContext,
        before: &BTreeMap<PathBuf, SystemTime>,
        exit_code: i32,
    ) -> Result<Results, StepError> {
        let mut results = Results::default();
        let after = self.found(ctx)?;
        let fresh: Vec<_> = after.iter().filter(|(path, time)| before.get(*path) != Some(*time)).collect();
        if !self.reports.is_empty() && fresh.is_empty() {
            let names: Vec<&str> = self.reports.iter().map(WorkspacePath::as_str).collect();
            let message = format!(
                "{} exited with code {exit_code} and wrote no report `{}`",
                self.call().title(),
                names.join("`, `")
            );
            return Err(StepError::permanent(message));
        }
        for (path, _) in fresh {
            let shown = path.strip_prefix(ctx.workspace()).unwrap_or(path).display();
            let text = fs::read_to_string(path).or_permanent(format!("can't read `{shown}`"))?;
            results.add(&text).map_err(|problem| {
                StepError::permanent(format!("`{shown}` isn't a report of JUnit's kind: {problem}"))
            })?;
        }
        Ok(results)
    }
}

impl Tested {
    fn judge(&self, title: &str) -> Result<(), StepError> {
        let failures = &self.results.failures;
        let Some(first) = failures.first() else {
            return match self.exit_code {
                0 => Ok(()),
                code => Err(StepError::permanent(format!("{title} exited with code {code}"))),
            };
        };
        let mut names: Vec<String> = failures.iter().take(NAMES_SHOWN).map(Failure::full_name).collect();
        if failures.len() > NAMES_SHOWN {
            names.push(format!("and {} more", failures.len() - NAMES_SHOWN));
        }
        let message =
            format!("{} of {} tests failed: {}", failures.len(), self.results.tests, names.join(", "));
        let error = StepError::permanent(message);
        Err(if first.message.is_empty() { error } else { error.caused_by(first.message.clone()) })
    }

    fn shortened(mut self) -> Self {
        self.results.failures.truncate(FAILURES_KEPT);
        self
    }
}

impl Failure {
    fn full_name(&self) -> String {
        if self.suite.is_empty() { self.name.clone() } else { format!("{} {}", self.suite, self.name) }
    }
}

#[cfg(test)]
#[path = "test_tests.rs"]
mod tests;
