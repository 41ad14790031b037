//! `shell.run`: a script or a program.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::{
    Effect, ErrorClass, Findings, Metadata, OrFail, Preview, Script, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use super::capture::{Captured, last_whole};
use super::check::{check, wrong_output, wrong_variable};
use super::interpreter::Interpreter;
use super::launch;
use super::outputs::{self, OutputRule};
use super::scratch::Scratch;
use super::script::{as_written, display, only_code, quote, shorten};
use super::text::Text;

/// As much of the standard output as every step hands on.
const STDOUT_KEPT: usize = 64 * 1024;

/// Runs a script, or a program with its arguments.
///
/// ```yaml
/// - id: build
///   handler: shell.run
///   config:
///     run: |
///       echo "building $<parameters.profile>"
///       echo "version=1.2.3" >> "$VWMP_OUTPUT"
///     env: { PROFILE: $<parameters.profile> }
/// ```
///
/// **Values never become code.** In `run`, each `$<…>` is replaced by a reference to a variable that
/// holds the value, quoted as its place needs. So it is one word, byte for byte, whatever it
/// contains: `echo $<parameters.text>` and `echo "$<parameters.text>"` do the same. Numbers, truth
/// values, lists and maps arrive as JSON. A value is refused, with a word on what to write instead,
/// where the shell would not replace it (single quotes, a here-document with a quoted end word,
/// behind a backslash) and where the shell would evaluate it (`$((…))`, array indexes, `let`,
/// `[[ … -eq … ]]`, `declare -i`, the name behind `read`, `unset` or `test -v`). What a script does with
/// a value afterwards is its author's business: `eval`, `trap`, `sh -c`, and arithmetic with a variable
/// that the value was assigned to, run code.
///
/// **Shells.** `sh` unless `shell` names another: `bash`, `dash`. `ksh`, `zsh` and other languages run scripts without
/// values in them, since they evaluate some: there `env` hands values on. A script stops at the
/// first command that fails (`-e`). `python3`, `node`, `ruby`, `perl` and other interpreters work too;
/// their scripts take values through `env` only. `command` needs no shell: each item is one argument,
/// and the script behind `[sh, -c]` takes no values either.
/// A script that is one plain command is started without a shell, which is quicker and else the same.
///
/// **Environment.** That of the run, `env`, and `VWMP_RUN_ID`, `VWMP_STEP_ID`, `VWMP_ATTEMPT`,
/// `VWMP_WORKSPACE` and `VWMP_OUTPUT`. The standard input is empty unless `stdin` is given.
///
/// **Outputs.** `exit_code`, `stdout` (its last 64 KiB, without line breaks at the end), `duration`
/// in seconds, the declared `outputs`, and what the script writes to the file named by `$VWMP_OUTPUT`:
/// lines `name=value`, or `name<<END`, lines of text, `END`.
///
/// **Its end.** When the step is cancelled or runs out of time, its process group is told to end
/// (TERM), and killed (KILL) after `grace` seconds. Processes that a script leaves in the background
/// end in the same way with it. Only a process that starts a session of its own can stay behind; its
/// output is not waited for.
///
/// **Repetition.** Nobody knows what an unknown program does twice, so a step whose end is unknown is
/// not repeated by itself. A `retry` of the workflow repeats one that failed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// The script. Either this or `command`.
    run: Option<Script>,
    /// The program and its arguments, which others on the machine can read: no secrets. Either this or `run`.
    #[schemars(extend("x-vwmp-argument" = true))]
    command: Option<Vec<Text>>,
    /// The program that runs the script, by name or path.
    #[schemars(extend("x-vwmp-argument" = true))]
    #[serde(default = "default_shell")]
    shell: String,
    /// More variables for the environment.
    #[serde(default)]
    pub(super) env: BTreeMap<String, Text>,
    /// The directory to run in, relative to the workspace, which it is by default.
    pub(super) workdir: Option<WorkspacePath>,
    /// What the program reads from its standard input.
    pub(super) stdin: Option<Text>,
    /// Outputs for later steps, by name.
    #[serde(default)]
    outputs: BTreeMap<String, OutputRule>,
    /// The exit codes that mean success.
    #[serde(default = "default_success_codes")]
    #[schemars(inner(range(min = 0, max = 255)))]
    success_codes: Vec<i32>,
    /// Seconds between being told to end and being killed. The engine waits for no step much longer than ten.
    #[serde(default = "default_grace")]
    #[schemars(range(min = 0, max = 10))]
    grace: f64,
}

/// What a script leaves behind.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) exit_code: i32,
    /// The end of the standard output.
    stdout: String,
    /// How long it ran, in seconds.
    pub(crate) duration: f64,
    /// The outputs of its own.
    #[serde(flatten)]
    outputs: BTreeMap<String, Value>,
}

/// A command that another handler runs in the way of this one.
pub(crate) struct Call<'c> {
    pub(crate) run: &'c Option<Script>,
    pub(crate) command: &'c Option<Vec<Text>>,
    pub(crate) shell: &'c str,
    pub(crate) env: &'c BTreeMap<String, Text>,
    pub(crate) workdir: &'c Option<WorkspacePath>,
    /// Whether it may exit with any code.
    pub(crate) any_code: bool,
}

/// What a step asks for.
pub(super) enum Work<'s> {
    Script(&'s Script),
    Command(&'s [Text]),
}

pub(crate) fn default_shell() -> String {
    "sh".to_owned()
}

fn default_success_codes() -> Vec<i32> {
    vec![0]
}

fn default_grace() -> f64 {
    5.0
}

impl StepHandler for Run {
    const NAME: &'static str = "shell.run";
    const EFFECT: Effect = Effect::Once;
    type Output = Ran;

    async fn execute(&self, ctx: &StepContext) -> Result<Ran, StepError> {
        if ctx.cancelled().is_cancelled() {
            return Err(self.stopped());
        }
        let began = ctx.clock().now();
        let mut scratch = Scratch::new().or_transient("can't make a private directory")?;
        let keep = if self.outputs.is_empty() { STDOUT_KEPT } else { outputs::LARGEST };
        let log = ctx.log();
        let mut captured = Captured::new(&log, keep);
        let process = launch::start(self, ctx, &mut scratch)?;
        let status = process
            .run(self.grace(), ctx.cancelled(), &mut captured)
            .await
            .or_transient(format!("lost track of {}", self.title()))?
            .ok_or_else(|| self.stopped())?;
        let exit_code = self.exit_code(status, &captured)?;
        let (stdout, missing) = captured.stdout();
        let outputs = self.collect_outputs(&stdout, missing, &scratch)?;
        let duration = ctx.clock().now().since(began).as_secs_f64();
        Ok(Ran { exit_code, stdout: bounded(&stdout, missing), duration, outputs })
    }

    fn metadata() -> Metadata {
        Metadata { title: "Run a Script", category: "Shell", icon: "❯" }
    }

    fn validate_written(config: &Value, findings: &mut Findings) {
        check(config, findings);
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Ran>, StepError> {
        Ok(Preview::new(format!("run {}", self.title())).action(self.described(ctx)?))
    }

    fn can_retry(&self, error: &StepError) -> bool {
        !matches!(error.class(), ErrorClass::Invalid | ErrorClass::Denied)
    }
}

register!(step Run);

impl Run {
    /// The step that a call stands for.
    pub(crate) fn of(call: &Call<'_>) -> Self {
        Self {
            run: call.run.clone(),
            command: call.command.clone(),
            shell: call.shell.to_owned(),
            env: call.env.clone(),
            workdir: call.workdir.clone(),
            stdin: None,
            outputs: BTreeMap::new(),
            success_codes: if call.any_code { (0..=255).collect() } else { default_success_codes() },
            grace: default_grace(),
        }
    }

    /// What to run.
    pub(super) fn work(&self) -> Result<Work<'_>, StepError> {
        match (&self.run, &self.command) {
            (Some(script), None) => Ok(Work::Script(script)),
            (None, Some(words)) => Ok(Work::Command(words)),
            (Some(_), Some(_)) => Err(StepError::invalid("both `run` and `command` are given; remove one")),
            (None, None) => Err(StepError::invalid("neither `run` nor `command` is given; add one")),
        }
    }

    /// The program that runs the script.
    pub(super) fn shell(&self) -> &str {
        &self.shell
    }

    /// Where to run it.
    pub(super) fn directory(&self, ctx: &StepContext) -> PathBuf {
        self.workdir.as_ref().map_or_else(|| ctx.workspace().to_owned(), |path| ctx.workspace().join(path))
    }

    fn grace(&self) -> Duration {
        Duration::try_from_secs_f64(self.grace).unwrap_or_default()
    }

    /// The first line, for messages, in backticks.
    pub(crate) fn title(&self) -> String {
        let text = match self.work() {
            Ok(Work::Script(script)) => as_written(script),
            Ok(Work::Command(words)) => command_line(words),
            Err(_) => String::new(),
        };
        let text = text.trim();
        let line = text.lines().next().unwrap_or_default().trim_end();
        match line.char_indices().nth(60) {
            Some((end, _)) => format!("`{}…`", &line[..end]),
            None if line.len() < text.len() => format!("`{line} …`"),
            None => format!("`{line}`"),
        }
    }

    pub(crate) fn described(&self, ctx: &StepContext) -> Result<String, StepError> {
        let mut text = match self.work()? {
            Work::Command(words) => format!("run {}", command_line(words)),
            Work::Script(script) => {
                let code = if Interpreter::of(&self.shell) == Interpreter::Posix {
                    display(script).map_err(|error| StepError::invalid(error.to_string()))?
                } else {
                    self.without_values(script)?.into_owned()
                };
                match code.trim_end() {
                    line if !line.contains('\n') => format!("run with {}: {line}", self.shell),
                    lines => format!("run with {}, {} lines:\n{lines}", self.shell, lines.lines().count()),
                }
            }
        };
        if let Some(workdir) = &self.workdir {
            let _ = write!(text, "\nin {workdir}");
            if !self.directory(ctx).is_dir() {
                text.push_str(", which doesn't exist now");
            }
        }
        Ok(text)
    }

    /// The script for a program that would take values for code. Where a value said which program that is, nobody could tell before.
    pub(super) fn without_values<'s>(&self, script: &'s Script) -> Result<Cow<'s, str>, StepError> {
        only_code(script).ok_or_else(|| {
            StepError::invalid(format!(
                "a value in a script for `{}` would become code; give it by `env: {{ NAME: … }}` and read that \
                 variable in the script",
                self.shell
            ))
        })
    }

    fn exit_code(&self, status: ExitStatus, captured: &Captured<'_>) -> Result<i32, StepError> {
        let what = match (status.code(), status.signal()) {
            (Some(code), _) if self.success_codes.contains(&code) => return Ok(code),
            (Some(code), _) => format!("exited with code {code}"),
            (None, Some(signal)) => format!("was ended by {}", signal_name(signal)),
            (None, None) => "ended in an unknown way".to_owned(),
        };
        let error = StepError::permanent(format!("{} {what}", self.title()));
        Err(match captured.last_words() {
            Some(words) => error.caused_by(words),
            None => error,
        })
    }

    fn collect_outputs(
        &self,
        stdout: &str,
        missing: usize,
        scratch: &Scratch,
    ) -> Result<BTreeMap<String, Value>, StepError> {
        let mut outputs = outputs::declared(&self.outputs, stdout, missing)?;
        for (name, value) in outputs::written(&scratch.output_file())? {
            if self.outputs.contains_key(&name) {
                return Err(StepError::permanent(format!(
                    "output `{name}` is declared in `outputs` and also written to $VWMP_OUTPUT; remove one"
                )));
            }
            outputs.insert(name, value);
        }
        Ok(outputs)
    }

    /// Names that an expression gave were not seen before.
    pub(super) fn refuse_names(&self) -> Result<(), StepError> {
        let variable = self.env.keys().find_map(|name| wrong_variable(name)).map(|(message, _)| message);
        let output = || self.outputs.keys().find_map(|name| wrong_output(name)).map(|(message, _)| message);
        variable.or_else(output).map_or(Ok(()), |message| Err(StepError::invalid(message)))
    }

    fn stopped(&self) -> StepError {
        StepError::permanent(format!("{} was stopped before its end", self.title()))
    }
}

fn command_line(words: &[Text]) -> String {
    words.iter().map(|word| quote(&shorten(word.as_str())).into_owned()).collect::<Vec<_>>().join(" ")
}

/// What every step hands on of its standard output: `missing` bytes before it are gone.
fn bounded(stdout: &str, missing: usize) -> String {
    let (mark, whole) = last_whole(stdout, STDOUT_KEPT, missing > 0);
    let (kept, missing) = (whole.trim_end_matches('\n'), missing + stdout.len() - whole.len());
    if missing == 0 { kept.to_owned() } else { format!("[… {missing} bytes left out …]\n{mark}{kept}") }
}

fn signal_name(number: i32) -> String {
    let known = [
        (1, "HUP"),
        (2, "INT"),
        (3, "QUIT"),
        (4, "ILL"),
        (6, "ABRT"),
        (8, "FPE"),
        (9, "KILL"),
        (11, "SEGV"),
        (13, "PIPE"),
        (14, "ALRM"),
        (15, "TERM"),
        (24, "XCPU"),
    ];
    match known.iter().find(|(one, _)| *one == number) {
        Some((_, name)) => format!("signal {name}"),
        None => format!("signal {number}"),
    }
}
