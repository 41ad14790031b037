//! The adapter `command_secrets`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::process::Command;
use vwmp_interfaces::capability::SecretSource;
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, IntegrationAdapter, Metadata, OrFail, Secret,
    StepError, register,
};

use super::name;
use crate::inherited::inherited;

/// Secrets that a program tells, such as a password manager's. Serves `SecretSource`.
///
/// The program is started with the name of the secret as its last argument, without a shell, in the workspace. What it
/// prints is the secret, without the line break at the end.
///
/// ```yaml
/// integration_adapters:
///   command_secrets:
///     config: { command: [pass, show], missing_codes: [1] }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandSecretsConfig {
    /// The program and its arguments; the name of the secret comes behind them.
    #[schemars(length(min = 1))]
    command: Vec<String>,
    /// The exit codes that say that there is no such secret. All others but 0 are failures.
    #[serde(default)]
    missing_codes: Vec<i32>,
    /// Seconds that the program may take.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 3600))]
    timeout: u64,
}

/// A program that tells secrets.
pub struct CommandSecrets {
    config: CommandSecretsConfig,
    workspace: Arc<Path>,
    environment: Arc<BTreeMap<String, String>>,
}

impl IntegrationAdapter for CommandSecrets {
    const NAME: &'static str = "command_secrets";
    type Config = CommandSecretsConfig;

    async fn connect(config: CommandSecretsConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        Ok(Self { config, workspace: Arc::clone(&ctx.workspace), environment: Arc::clone(&ctx.environment) })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn SecretSource>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn SecretSource>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "Secrets from a Command", category: "Secrets", icon: "⚿" }
    }
}

register!(adapter CommandSecrets);

impl SecretSource for CommandSecrets {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, StepError>> {
        Box::pin(async move {
            name::check(name)?;
            let output = self.run(name).await?;
            match output.status.code() {
                Some(0) => match std::str::from_utf8(&output.stdout) {
                    Ok(text) => Ok(Some(Secret::new(name::without_line_break(text)))),
                    Err(_) => {
                        Err(StepError::permanent(format!("`{}` printed no UTF-8 text", self.line(name))))
                    }
                },
                Some(code) if self.config.missing_codes.contains(&code) => Ok(None),
                // What it says may quote what it found, so its last line alone is told, and never its output.
                _ => {
                    let error =
                        StepError::transient(format!("`{}` ended with {}", self.line(name), output.status));
                    let complaint = String::from_utf8_lossy(&output.stderr);
                    Err(match complaint.trim().lines().last() {
                        Some(last) => error.caused_by(last),
                        None => error,
                    })
                }
            }
        })
    }

    fn place(&self, name: &str) -> String {
        format!("what `{}` prints", self.line(name))
    }
}

impl CommandSecrets {
    async fn run(&self, name: &str) -> Result<Output, StepError> {
        let (program, arguments) =
            self.config.command.split_first().ok_or_else(|| StepError::invalid("`command` is empty"))?;
        let mut command = Command::new(program);
        command.args(arguments).arg(name).env_clear().envs(inherited(&self.environment));
        command.current_dir(&self.workspace).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().or_permanent(format!("can't start `{program}`"))?;
        let _group = Group(child.id());
        let limit = Duration::from_secs(self.config.timeout);
        match tokio::time::timeout(limit, child.wait_with_output()).await {
            Ok(output) => output.or_transient(format!("lost track of `{program}`")),
            Err(_) => Err(StepError::transient(format!(
                "`{}` gave no answer in {} s",
                self.line(name),
                self.config.timeout
            ))),
        }
    }

    fn line(&self, name: &str) -> String {
        format!("{} {name}", self.config.command.join(" "))
    }
}

/// The processes of a command: none outlives the question.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // A group that is gone already needs no signal.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn default_timeout() -> u64 {
    30
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vwmp_testkit::TestRun;

    use super::*;

    async fn asked(config: Value, name: &str) -> Result<Option<Secret>, StepError> {
        let run = TestRun::new();
        let config = serde_json::from_value(config).unwrap();
        let source = CommandSecrets::connect(config, &run.adapter_context("command_secrets")).await.unwrap();
        source.secret(name).await
    }

    fn script(script: &str) -> Value {
        json!({ "command": ["sh", "-c", script, "sh"], "missing_codes": [3], "timeout": 1 })
    }

    #[tokio::test]
    async fn what_is_printed_is_the_secret() {
        let secret = asked(script("echo \"of $1\""), "token").await.unwrap();
        assert_eq!(secret, Some(Secret::new("of token")));
        assert_eq!(asked(script("exit 3"), "token").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_failure_tells_nothing_that_was_printed() {
        let error = asked(script("echo hunter2; echo 'locked' >&2; exit 2"), "token").await.unwrap_err();
        let said = "`sh -c echo hunter2; echo 'locked' >&2; exit 2 sh token` ended with exit status: 2";
        assert_eq!((error.message(), error.causes()), (said, vec!["locked".to_owned()]));
        let late = asked(script("sleep 60"), "token").await.unwrap_err();
        assert_eq!(late.to_string(), "`sh -c sleep 60 sh token` gave no answer in 1 s");
        let none = asked(json!({ "command": ["no-such-program"] }), "token").await.unwrap_err();
        assert_eq!(none.to_string(), "can't start `no-such-program`");
    }
}
