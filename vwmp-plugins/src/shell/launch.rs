//! From a step's config to the command that is started.

use std::borrow::Cow;
use std::ffi::{CString, OsStr, OsString};
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use vwmp_interfaces::{OrFail, Script, StepContext, StepError};

use super::environment::Environment;
use super::interpreter::Interpreter;
use super::plain::{find_program, plain_words};
use super::process::Process;
use super::run::{Run, Work};
use super::scratch::Scratch;
use super::script::{Referenced, only_code, quote, reference};
use super::start::Start;
use super::text::Text;

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
    step.refuse_names()?;
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
    fn words(&self, words: &[Text], scratch: &Scratch) -> Result<Process, StepError> {
        for (index, word) in words.iter().enumerate() {
            self.refuse_unfit(&format!("command[{index}]"), word.as_str(), 0)?;
        }
        let Some(program) = words.first().map(Text::as_str) else {
            return Err(StepError::invalid("`command` is empty: write a program and its arguments"));
        };
        let started = self.program(self.named(program)?, words.iter().map(Text::as_str), &[], scratch);
        started.map_err(|error| self.not_started(program, error))
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
            _ => (self.step.without_values(script)?.into_owned(), Vec::new()),
        };
        if code.contains('\0') {
            return Err(StepError::invalid("the script contains a NUL byte, which no program can be given"));
        }
        let file = if shell == "sh" { PathBuf::from("/bin/sh") } else { self.named(shell)? };
        let arguments = self.shell_arguments(code, scratch)?;
        let started = self.program(file, arguments, &values, scratch);
        started.map_err(|error| self.not_started(shell, error))
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
        self.program(program, words, &[], scratch).ok()
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

    /// The shell's name, and what it is given to run the code.
    fn shell_arguments(&self, code: String, scratch: &mut Scratch) -> Result<Vec<OsString>, StepError> {
        let shell = self.step.shell();
        let mut arguments = vec![OsString::from(shell)];
        let option = match Interpreter::of(shell) {
            Interpreter::Posix | Interpreter::OtherShell => {
                arguments.push("-e".into());
                Some("-c")
            }
            Interpreter::Option(option) => Some(option),
            Interpreter::File => None,
        };
        match option {
            Some(option) if code.len() <= LARGEST_TEXT => arguments.extend([option.into(), code.into()]),
            _ => {
                let file = scratch.write("script", &code);
                arguments.push(file.or_transient("can't write the script to a private file")?.into());
            }
        }
        Ok(arguments)
    }

    /// The file of a program that is given by its name or path.
    fn named(&self, program: &str) -> Result<PathBuf, StepError> {
        if program.contains('/') {
            return Ok(program.into());
        }
        find_program(program, self.path(), &self.directory).ok_or_else(|| {
            StepError::invalid(format!("the program `{program}` was not found in PATH"))
                .caused_by(format!("PATH is {}", self.path()))
        })
    }

    /// Starts a program. The first of its arguments is its name.
    fn program(
        &self,
        file: PathBuf,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        values: &[(String, String)],
        scratch: &Scratch,
    ) -> io::Result<Process> {
        let arguments = arguments.into_iter().map(|argument| CString::new(argument.as_ref().as_bytes()));
        let start = Start {
            file,
            arguments: arguments.collect::<Result<_, _>>()?,
            directory: &self.directory,
            environment: self.environment(values, scratch)?,
        };
        Process::start(&start, self.stdin())
    }

    fn environment(&self, values: &[(String, String)], scratch: &Scratch) -> io::Result<Environment> {
        let ctx = self.ctx;
        let mut environment = Environment::of(ctx.shared_environment())?;
        environment.set("VWMP_RUN_ID", ctx.run_id())?;
        environment.set("VWMP_STEP_ID", ctx.step_id())?;
        environment.set("VWMP_ATTEMPT", ctx.attempt().to_string())?;
        environment.set("VWMP_WORKSPACE", ctx.workspace())?;
        environment.set("VWMP_OUTPUT", scratch.output_file())?;
        // A shell would set it, and not every script needs one.
        environment.set("PWD", &self.directory)?;
        for (name, value) in &self.step.env {
            environment.set(name, value.as_str())?;
        }
        for (name, value) in values {
            environment.set(name, value)?;
        }
        Ok(environment)
    }

    fn stdin(&self) -> Option<&str> {
        self.step.stdin.as_ref().map(Text::as_str)
    }

    fn path(&self) -> &str {
        let own = self.step.env.get("PATH").map(Text::as_str);
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
