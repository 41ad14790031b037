//! `ci_cd.build`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::{
    Effect, ErrorClass, Findings, Metadata, OrFail, Preview, Script, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use crate::checksum::sha256_of;
use crate::filesystem::inside::real_path;
use crate::matching::matching;
use crate::shell::check::check;
use crate::shell::run::{Call, Run, default_shell};
use crate::shell::text::Text;

/// Builds something with a command, and sees to it that what should be there then is there.
///
/// `run`, `command`, `shell`, `env` and `workdir` are those of `shell.run`, with the same care for values. Each of the
/// `artifacts` must be there at the end; their sizes and checksums are outputs. A build may be repeated, and is, where it
/// ran out of time.
///
/// ```yaml
/// - id: build
///   handler: ci_cd.build
///   config:
///     command: [cargo, build, --release]
///     artifacts: ["target/release/*.so", target/release/app]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
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
    /// The files that the build makes, relative to the workspace. `*` in a file's name stands for anything.
    #[serde(default)]
    artifacts: Vec<WorkspacePath>,
}

/// What was built.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Built {
    /// How long it took, in seconds.
    duration: f64,
    /// The files.
    artifacts: Vec<Artifact>,
}

/// A file that was built.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Artifact {
    /// Where it is, relative to the workspace.
    path: String,
    /// Its size, in bytes.
    bytes: u64,
    /// Its SHA-256, in hexadecimal.
    sha256: String,
}

impl StepHandler for Build {
    const NAME: &'static str = "ci_cd.build";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Built;

    fn metadata() -> Metadata {
        Metadata { title: "Build", category: "CI/CD", icon: "🔨" }
    }

    fn validate_written(config: &Value, findings: &mut Findings) {
        check(config, findings);
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Built, StepError> {
        let ran = self.call().execute(ctx).await?;
        let artifacts = self.collect(ctx)?;
        for artifact in &artifacts {
            ctx.log().info(format!("built {}, {} bytes", artifact.path, artifact.bytes));
        }
        Ok(Built { duration: ran.duration, artifacts })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Built>, StepError> {
        let call = self.call();
        Ok(Preview::new(format!("builds with {}", call.title())).action(call.described(ctx)?))
    }

    fn can_retry(&self, error: &StepError) -> bool {
        !matches!(error.class(), ErrorClass::Invalid | ErrorClass::Denied)
    }
}

register!(step Build);

impl Build {
    fn call(&self) -> Run {
        let Self { run, command, shell, env, workdir, .. } = self;
        Run::of(&Call { run, command, shell, env, workdir, any_code: false })
    }

    fn collect(&self, ctx: &StepContext) -> Result<Vec<Artifact>, StepError> {
        let root = ctx.workspace().canonicalize().or_permanent("can't open the workspace")?;
        let mut artifacts = Vec::new();
        for written in &self.artifacts {
            let paths = matching(&root, written)?;
            if paths.is_empty() {
                let message = format!("{} ended well, but made no `{written}`", self.call().title());
                return Err(StepError::permanent(message));
            }
            for path in paths {
                let unreadable = format!("can't read `{path}`");
                let real = real_path(&root, &path)?;
                let bytes = real.metadata().or_permanent(unreadable.clone())?.len();
                let sha256 = sha256_of(&real).or_permanent(unreadable)?.unwrap_or_default();
                artifacts.push(Artifact { path: path.to_string(), bytes, sha256 });
            }
        }
        Ok(artifacts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::{TestRun, execute, preview};

    use super::*;

    #[tokio::test]
    async fn what_was_built_is_there() {
        let run = TestRun::new();
        let config = json!({ "run": "mkdir -p out && printf abc > out/app", "artifacts": ["out/*"] });
        let shown = preview::<Build>(config.clone(), &run.context("build")).await.unwrap();
        assert_eq!(shown.summary, "builds with `mkdir -p out && printf abc > out/app`");
        let output = execute::<Build>(config, &run.context("build")).await.unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(output["artifacts"], json!([{ "path": "out/app", "bytes": 3, "sha256": sha256 }]));
        for (config, message) in [
            (json!({ "run": "true", "artifacts": ["none/*"] }), "`true` ended well, but made no `none/*`"),
            (json!({ "run": "exit 3" }), "`exit 3` exited with code 3"),
            (json!({}), "config of ci_cd.build: neither `run` nor `command` is given"),
        ] {
            let error = execute::<Build>(config, &run.context("build")).await.unwrap_err();
            assert_eq!(error.message(), message);
        }
    }
}
