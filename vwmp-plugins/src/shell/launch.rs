//! From a step's config to the command that is started.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use vwmp_interfaces::{OrFail, Script, StepContext, StepError};

use super::interpreter::Interpreter;
use super::plain::{find_program, plain_words};
use super::process::Process;
use super::run::{Run, Work};
use super::scratch::Scratch;
use super::script::{Referenced, VALUE_PREFIX, only_code, quote, reference};

/// A larger value or script goes by file: the system takes 128 KiB for one text, name included.
const LARGEST_TEXT: usize = 100_000;

/// The largest environment that values are put into: the system takes 2 MiB with the arguments.
const LARGEST_ENVIRONMENT: usize = 1024 * 1024;

/// The system's own limit for one argument or variable, name included.
const SYSTEM_LIMIT: usize = 128 * 1024 - 2;

/// What a shell looks for programs in when it has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Starts what a step asks for.
pub(super) fn start(step: &Run, ctx: &StepContext, scratch: &mut Scratch) -> Result<Process, StepError> {
    let launch = Launch { step, ctx, directory: step.directory(ctx) };
    launch.refuse_outside()?;
    for (name, value) in &step.env {
        launch.refuse_unfit(&format!("env.{name}"), value.as_str(), name.len() + 1)?;
    }
    match step.work()? {
        Work::Script(script) => launch.script(script, scratch),
        Work::Command(words) => launch.words(words, scratch),
    }
}

struct Launch<'s> {
    step: &'s Run,
    ctx: &'s StepContext,
    directory: PathBuf,
}

impl Launch<'_> {
    fn words(&self, words: &[super::text::Text], scratch: &Scratch) -> Result<Process, StepError> {
        for (index, word) in words.iter().enumerate() {
            self.refuse_unfit(&format!("command[{index}]"), word.as_str(), 0)?;
        }
        let Some((program, arguments)) = words.split_first() else {
            return Err(StepError::invalid("`command` is empty: write a program and its arguments"));
        };
        let mut command = self.named(program.as_str())?;
        command.args(arguments.iter().map(super::text::Text::as_str));
        self.provide(&mut command, scratch);
        Process::start(command, self.stdin()).map_err(|error| self.not_started(program.as_str(), error))
    }

    fn script(&self, script: &Script, scratch: &mut Scratch) -> Result<Process, StepError> {
        let shell = self.step.shell();
        let (code, values) = match Interpreter::of(shell) {
            Interpreter::Posix => {
                if let Some(process) = self.without_shell(script, scratch) {
                    return Ok(process);
                }
                let Referenced { code, values } =
                    reference(script).map_err(|error| StepError::invalid(error.to_string()))?;
                self.place(code, values, scratch)?
            }
            _ => match only_code(script) {
                Some(code) => (code.into_owned(), Vec::new()),
                None => return Err(self.value_in_other_language()),
            },
        };
        if code.contains('\0') {
            return Err(StepError::invalid("the script contains a NUL byte, which no program can be given"));
        }
        let mut command = self.shell_command(&code, scratch)?;
        self.provide(&mut command, scratch);
        command.envs(values);
        Process::start(command, self.stdin()).map_err(|error| self.not_started(shell, error))
    }

    /// Starts the one program of a script that needs no shell. Whatever speaks against it is left
    /// to the shell, which reports it in its own way.
    fn without_shell(&self, script: &Script, scratch: &Scratch) -> Option<Process> {
        let functions = self.ctx.environment().range("BASH_FUNC_".to_owned()..).next();
        if self.step.shell() != "sh" || functions.is_some_and(|(name, _)| name.starts_with("BASH_FUNC_")) {
            return None;
        }
        let code = only_code(script)?;
        let words = plain_words(&code)?;
        let program = find_program(words[0], self.path(), &self.directory)?;
        let mut command = Command::new(program);
        command.arg0(words[0]).args(&words[1..]);
        self.provide(&mut command, scratch);
        Process::start(command, self.stdin()).ok()
    }

    /// Decides which values are variables of the environment and which lie in files that the
    /// script reads first.
    fn place(
        &self,
        code: String,
        values: Vec<(String, String)>,
        scratch: &mut Scratch,
    ) -> Result<(String, Vec<(String, String)>), StepError> {
        if values.is_empty() {
            return Ok((code, values));
        }
        let base = self.ctx.environment().iter().map(|(name, value)| name.len() + value.len() + 10);
        let own = self.step.env.iter().map(|(name, value)| name.len() + value.as_str().len() + 10);
        let mut size: usize = base.chain(own).sum();
        let (mut prelude, mut variables) = (String::new(), Vec::new());
        for (name, value) in values {
            if value.contains('\0') {
                return Err(StepError::invalid(
                    "a value in the script contains a NUL byte, which no program can be given; hand it on in a file",
                ));
            }
            if value.len() <= LARGEST_TEXT && size + value.len() <= LARGEST_ENVIRONMENT {
                size += value.len() + name.len() + 10;
                variables.push((name, value));
                continue;
            }
            let file =
                scratch.write(&name, &value).or_transient("can't write a large value to a private file")?;
            let file = file.to_string_lossy();
            // `$(…)` takes the line breaks at the end away, hence the x. On one line, so that the
            // shell's messages name the author's lines.
            let _ = write!(prelude, "{name}=$(cat {} && printf x); {name}=${{{name}%x}}; ", quote(&file));
        }
        Ok((prelude + &code, variables))
    }

    fn shell_command(&self, code: &str, scratch: &mut Scratch) -> Result<Command, StepError> {
        let shell = self.step.shell();
        let mut command = if shell == "sh" { Command::new("/bin/sh") } else { self.named(shell)? };
        let option = match Interpreter::of(shell) {
            Interpreter::Posix => {
                command.arg0(shell).arg("-e");
                Some("-c")
            }
            Interpreter::Option(option) => Some(option),
            Interpreter::File => None,
        };
        match option {
            Some(option) if code.len() <= LARGEST_TEXT => command.arg(option).arg(code),
            _ => command
                .arg(scratch.write("script", code).or_transient("can't write the script to a private file")?),
        };
        Ok(command)
    }

    /// A command by the name or path of its program.
    fn named(&self, program: &str) -> Result<Command, StepError> {
        if program.contains('/') {
            return Ok(Command::new(program));
        }
        let file = find_program(program, self.path(), &self.directory).ok_or_else(|| {
            StepError::invalid(format!("the program `{program}` was not found in PATH"))
                .caused_by(format!("PATH is {}", self.path()))
        })?;
        let mut command = Command::new(file);
        command.arg0(program);
        Ok(command)
    }

    /// Gives a command its directory and its environment.
    fn provide(&self, command: &mut Command, scratch: &Scratch) {
        let ctx = self.ctx;
        let inherited = ctx.environment().iter().filter(|(name, _)| !name.starts_with(VALUE_PREFIX));
        command.env_clear().envs(inherited).current_dir(&self.directory);
        command.env("VWMP_RUN_ID", ctx.run_id()).env("VWMP_STEP_ID", ctx.step_id());
        command.env("VWMP_ATTEMPT", ctx.attempt().to_string());
        command.env("VWMP_WORKSPACE", ctx.workspace()).env("VWMP_OUTPUT", scratch.output_file());
        command.envs(self.step.env.iter().map(|(name, value)| (name, value.as_str())));
    }

    fn stdin(&self) -> Option<&str> {
        self.step.stdin.as_ref().map(super::text::Text::as_str)
    }

    fn path(&self) -> &str {
        let own = self.step.env.get("PATH").map(super::text::Text::as_str);
        own.or_else(|| self.ctx.environment().get("PATH").map(String::as_str)).unwrap_or(DEFAULT_PATH)
    }

    fn refuse_unfit(&self, place: &str, text: &str, name: usize) -> Result<(), StepError> {
        if text.contains('\0') {
            return Err(StepError::invalid(format!(
                "{place} contains a NUL byte, which no program can be given; hand it on by `stdin` or in a file"
            )));
        }
        if text.len() + name > SYSTEM_LIMIT {
            return Err(StepError::invalid(format!(
                "{place} is {} bytes long, and the system takes {} at most; hand it on by `stdin` or in a file",
                text.len(),
                SYSTEM_LIMIT - name
            )));
        }
        Ok(())
    }

    /// A link in the workspace must not take the step out of it. What doesn't exist is told at the start.
    fn refuse_outside(&self) -> Result<(), StepError> {
        let Some(workdir) = &self.step.workdir else { return Ok(()) };
        let (Ok(real), Ok(workspace)) = (self.directory.canonicalize(), self.ctx.workspace().canonicalize())
        else {
            return Ok(());
        };
        if real.starts_with(workspace) {
            return Ok(());
        }
        Err(StepError::denied(format!(
            "the directory `{workdir}` of the step leads out of the workspace through a symbolic link, to {}",
            real.display()
        )))
    }

    fn value_in_other_language(&self) -> StepError {
        StepError::invalid(format!(
            "a value in a script for `{}` would become code; give it by `env: {{ NAME: … }}` and read that \
             variable in the script",
            self.step.shell()
        ))
    }

    fn not_started(&self, program: &str, error: io::Error) -> StepError {
        let message: Cow<'_, str> = match error.kind() {
            _ if !self.directory.is_dir() => match &self.step.workdir {
                Some(workdir) => format!("the directory `{workdir}` of the step doesn't exist").into(),
                None => format!("the workspace {} doesn't exist", self.directory.display()).into(),
            },
            io::ErrorKind::NotFound if is_file(&self.directory, program) => {
                format!("`{program}` can't be started: the program that its first line names doesn't exist")
                    .into()
            }
            io::ErrorKind::NotFound => format!("the program `{program}` doesn't exist").into(),
            io::ErrorKind::PermissionDenied => format!("the program `{program}` may not be executed").into(),
            io::ErrorKind::ArgumentListTooLong => format!(
                "`{program}` can't be started: its arguments and environment are too large together; \
                         hand large values on by `stdin` or in a file"
            )
            .into(),
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
                return StepError::transient(format!("`{program}` can't be started at the moment"))
                    .caused_by(error);
            }
            _ => format!("`{program}` can't be started").into(),
        };
        StepError::invalid(message).caused_by(error)
    }
}

fn is_file(directory: &Path, program: &str) -> bool {
    directory.join(program).is_file()
}
