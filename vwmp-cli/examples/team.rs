//! A team's own binary: the stock command line with steps of the team's, for runs that outlive their process.

use std::path::PathBuf;
use std::time::Duration;

use vwmp_interfaces::context::Call;
use vwmp_interfaces::{
    ApprovalRequest, Done, Effect, OrFail as _, StepContext, StepError, StepHandler, Undo, Wait, Waited,
    register,
};
use vwmp_plugins as _;

/// Writes a note. Can be repeated and taken back.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    /// The file.
    file: PathBuf,
    /// Whether taking it back is refused.
    #[serde(default)]
    stays: bool,
}

impl StepHandler for Note {
    const NAME: &'static str = "team.note";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = String;

    async fn execute(&self, ctx: &StepContext) -> Result<String, StepError> {
        std::fs::write(ctx.workspace().join(&self.file), "note\n").or_permanent("can't write the note")?;
        ctx.log().info("noted");
        Ok("noted".to_owned())
    }
}

impl Undo for Note {
    async fn undo(&self, _: Option<&String>, ctx: &StepContext) -> Result<(), StepError> {
        if self.stays {
            return Err(StepError::permanent("somebody changed the note since"));
        }
        // Taken back twice, it is gone as well.
        let _ = std::fs::remove_file(ctx.workspace().join(&self.file));
        Ok(())
    }
}

/// Adds a line that everybody sees at once, waits until a file is there, then ends as that file says.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Publish {
    /// Where the line goes.
    file: PathBuf,
    /// The file that is waited for; `fail` in it lets the step fail.
    until: Option<PathBuf>,
}

impl StepHandler for Publish {
    const NAME: &'static str = "team.publish";
    const EFFECT: Effect = Effect::Once;
    const POINT_OF_NO_RETURN: bool = true;
    type Output = String;

    async fn execute(&self, ctx: &StepContext) -> Result<String, StepError> {
        let path = ctx.workspace().join(&self.file);
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(&path, before + "published\n").or_permanent("can't publish")?;
        ctx.log().info("published");
        if let Some(until) = &self.until {
            wait_for(until, ctx).await?;
        }
        Ok("published".to_owned())
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<String>, StepError> {
        let there = ctx.workspace().join(&self.file).exists();
        Ok(if there { Done::Yes("published".to_owned()) } else { Done::No })
    }
}

/// Waits until a file is there; `fail` in it lets the step fail.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct WaitFor {
    /// The file.
    file: PathBuf,
}

impl StepHandler for WaitFor {
    const NAME: &'static str = "team.wait_for";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = ();

    async fn execute(&self, ctx: &StepContext) -> Result<(), StepError> {
        ctx.log().info("waiting");
        wait_for(&self.file, ctx).await
    }
}

async fn wait_for(file: &PathBuf, ctx: &StepContext) -> Result<(), StepError> {
    loop {
        match std::fs::read_to_string(ctx.workspace().join(file)) {
            Ok(text) if text.trim() == "fail" => return Err(StepError::permanent("told to fail")),
            Ok(_) => return Ok(()),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        if ctx.cancelled().is_cancelled() {
            return Err(StepError::permanent("cancelled"));
        }
    }
}

/// Asks people.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The question.
    message: String,
}

impl StepHandler for Ask {
    const NAME: &'static str = "team.ask";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = String;

    async fn execute(&self, ctx: &StepContext) -> Result<String, StepError> {
        match ctx.waited() {
            Some(Waited::Answered { approved: true, by, .. }) => Ok(by.clone()),
            Some(Waited::Answered { by, comment, .. }) => {
                Err(StepError::permanent(format!("{by} said no: {comment}")))
            }
            _ => {
                let request = ApprovalRequest { message: self.message.clone(), timeout: None };
                Err(StepError::wait(Wait::Approval(request)))
            }
        }
    }
}

/// Runs a workflow as a step.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Run {
    /// Its file.
    workflow: String,
}

impl Run {
    fn call(&self) -> Call {
        Call::new(&self.workflow, serde_json::Map::new())
    }
}

impl StepHandler for Run {
    const NAME: &'static str = "team.run";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = serde_json::Value;

    async fn execute(&self, ctx: &StepContext) -> Result<serde_json::Value, StepError> {
        ctx.caller()?.call(self.call(), ctx).await
    }
}

impl Undo for Run {
    async fn undo(&self, _: Option<&serde_json::Value>, ctx: &StepContext) -> Result<(), StepError> {
        ctx.caller()?.undo(self.call(), ctx).await
    }
}

register!(step Run: undo);
register!(step Note: undo);
register!(step Publish);
register!(step WaitFor);
register!(step Ask);

fn main() -> std::process::ExitCode {
    vwmp_cli::Cli::default().name("team").run()
}
