//! `ci_cd.deploy`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use vwmp_interfaces::capability::{Http, HttpRequest};
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Preview, Script, Secret, StepContext, StepError,
    StepHandler, WorkspacePath, register,
};

use crate::http::settings::{in_words, seconds};
use crate::shell::check::check;
use crate::shell::run::{Call, Run, default_shell};
use crate::shell::text::Text;

/// The name under which an attempt keeps that it is about to start the command.
const BEGUN: &str = "begun";

/// Deploys something with a command, and waits until it is healthy.
///
/// `run`, `command`, `shell`, `env` and `workdir` are those of `shell.run`, with the same care for values. After the
/// command the address of `health` is asked again and again, until it answers as it should, several times in a row if
/// wanted. The step fails where that takes too long, and says what the last answer was.
///
/// A deployment is never repeated unless the workflow says so, and can't be taken back: a run that fails after it is
/// continued, not rolled back.
///
/// ```yaml
/// - id: deploy
///   handler: ci_cd.deploy
///   config:
///     command: [./deploy.sh, $<parameters.environment>]
///     health:
///       url: https://$<parameters.environment>.example.com/health
///       within: 300
///       in_a_row: 3
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deploy {
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
    /// How to see that it went well.
    health: Option<HealthGate>,
}

/// An address that must answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HealthGate {
    /// The address.
    #[schemars(length(min = 1))]
    url: String,
    /// Header fields.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Header fields that are never shown.
    #[serde(default)]
    secret_headers: BTreeMap<String, Secret>,
    /// The status of a healthy answer.
    #[serde(default = "ok")]
    #[schemars(range(min = 100, max = 599))]
    status: u16,
    /// What a healthy answer contains, such as the new version.
    #[serde(default)]
    contains: Option<String>,
    /// How many healthy answers in a row are wanted.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    in_a_row: u32,
    /// Seconds that it may take.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 0.001, max = 86400.0))]
    within: f64,
    /// Seconds between two questions.
    #[serde(default = "five")]
    #[schemars(range(min = 0.001, max = 3600.0))]
    every: f64,
}

/// How it went.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deployed {
    /// How long the command took, in seconds.
    duration: f64,
    /// How long it took to become healthy, in seconds.
    healthy_after: f64,
    /// How often the address was asked.
    asked: u32,
}

fn ok() -> u16 {
    200
}

fn one() -> u32 {
    1
}

fn five_minutes() -> f64 {
    300.0
}

fn five() -> f64 {
    5.0
}

impl StepHandler for Deploy {
    const NAME: &'static str = "ci_cd.deploy";
    const EFFECT: Effect = Effect::Once;
    const POINT_OF_NO_RETURN: bool = true;
    type Output = Deployed;

    fn metadata() -> Metadata {
        Metadata { title: "Deploy", category: "CI/CD", icon: "🚚" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Http>()]
    }

    fn validate_written(config: &Value, findings: &mut Findings) {
        check(config, findings);
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Deployed, StepError> {
        ctx.keep(BEGUN, b"").await?;
        let ran = self.call().execute(ctx).await?;
        let Some(gate) = &self.health else {
            return Ok(Deployed { duration: ran.duration, healthy_after: 0.0, asked: 0 });
        };
        let began = Instant::now();
        let asked = ctx.unless_cancelled(gate.wait(ctx, began)).await?;
        let healthy_after = began.elapsed().as_secs_f64();
        ctx.log().info(format!("healthy after {}", in_words(began.elapsed())));
        Ok(Deployed { duration: ran.duration, healthy_after, asked })
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Deployed>, StepError> {
        Ok(if ctx.kept(BEGUN).await?.is_some() { Done::Unknown } else { Done::No })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Deployed>, StepError> {
        let call = self.call();
        let preview = Preview::new(format!("deploys with {}", call.title())).action(call.described(ctx)?);
        let Some(gate) = &self.health else { return Ok(preview) };
        let address = ctx.require::<dyn Http>()?.address(&gate.request())?;
        Ok(preview
            .action(format!("wait until {address} is healthy, {} at most", in_words(seconds(gate.within)))))
    }
}

register!(step Deploy);

impl Deploy {
    fn call(&self) -> Run {
        let Self { run, command, shell, env, workdir, .. } = self;
        Run::of(&Call { run, command, shell, env, workdir, any_code: false })
    }
}

impl HealthGate {
    fn request(&self) -> HttpRequest {
        HttpRequest {
            url: self.url.clone(),
            headers: self.headers.clone(),
            secret_headers: self.secret_headers.clone(),
            ..HttpRequest::default()
        }
    }

    /// Asks until the answers are healthy; returns how often.
    async fn wait(&self, ctx: &StepContext, began: Instant) -> Result<u32, StepError> {
        let http = ctx.require::<dyn Http>()?;
        let (within, mut in_a_row, mut told) = (seconds(self.within), 0, String::new());
        for asked in 1.. {
            let left = within.saturating_sub(began.elapsed());
            let problem = self.ask(&*http, left).await?;
            in_a_row = if problem.is_none() { in_a_row + 1 } else { 0 };
            if in_a_row == self.in_a_row {
                return Ok(asked);
            }
            let problem = problem.unwrap_or_else(|| format!("healthy {in_a_row} times in a row"));
            if began.elapsed() + seconds(self.every) >= within {
                return Err(StepError::permanent(format!(
                    "what was deployed isn't healthy after {}, the last of {asked} answers: {problem}",
                    in_words(within)
                )));
            }
            if problem != told {
                ctx.log().info(format!("not healthy yet: {problem}"));
                told = problem;
            }
            sleep(seconds(self.every)).await;
        }
        Err(StepError::permanent("the health gate was asked too often"))
    }

    /// What is wrong with the answer, if anything is.
    async fn ask(&self, http: &dyn Http, left: Duration) -> Result<Option<String>, StepError> {
        let request = HttpRequest { timeout: Some(left.max(Duration::from_millis(1))), ..self.request() };
        let response = match http.send(&request).await {
            Ok(response) => response,
            Err(error) if error.is_transient() => return Ok(Some(error.message().to_owned())),
            Err(error) => return Err(error),
        };
        let head = &response.head;
        if head.status != self.status {
            return Ok(Some(format!("{} answered {}, expected {}", head.request, head.status, self.status)));
        }
        let missing = self.contains.as_ref().filter(|wanted| !response.text().contains(wanted.as_str()));
        Ok(missing.map(|wanted| format!("{} answered without `{wanted}`", head.request)))
    }
}
