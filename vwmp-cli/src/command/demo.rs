//! `demo`: the standard release, for real, in a repository made for it.

mod repository;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use self::repository::Repository;
use super::run;
use crate::arguments::{Assignment, Demo, Format, PlaceArguments, ValueArguments, WorkflowArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Form;
use crate::terminal::{BOLD, DIM, paint};
use crate::{Program, input};

/// The workflow that is run.
const RELEASE: &str = include_str!("../../../workflows/release.yaml");

pub(super) fn demo(mut program: Program, arguments: &Demo) -> Result<Exit, Failure> {
    let directory = directory(arguments.keep.as_deref())?;
    let mut environment = input::environment();
    repository::identify(&mut environment);
    let repository = Repository::create(&directory, &environment, RELEASE)?;
    let began = paint(BOLD, format!("a repository to release, in {}", directory.display()));
    let command = paint(DIM, format!("{} run release.yaml -p summary=\"{SUMMARY}\"", program.name()));
    program.terminal.tell(&format!("{began}\n{command}\n\n"));
    let registry = program.registry()?;
    let (plan, _) = input::plan(&workflow(&repository), &registry, environment, program.terminal)?;
    let style = run::Style { quiet: false, verbose: false, format: Format::Text, form: Form::People };
    let exit = run::execute(program.terminal, registry, plan, style)?;
    show(&program, &repository, &directory)?;
    Ok(exit)
}

/// What the release brings.
const SUMMARY: &str = "The first release by a workflow";

/// The directory that was asked for, which must be empty, or one of its own.
fn directory(keep: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(keep) = keep else {
        let made = tempfile::Builder::new().prefix("vwmp-demo-").tempdir();
        return Ok(made.map_err(Failure::machine("can't make a directory for the demo"))?.keep());
    };
    let problem = || format!("can't make the directory `{}`", keep.display());
    std::fs::create_dir_all(keep).map_err(Failure::machine(problem()))?;
    let mut entries = std::fs::read_dir(keep).map_err(Failure::machine(problem()))?;
    if entries.next().is_some() {
        let message = format!("the directory `{}` is not empty; name another one", keep.display());
        return Err(Failure::Usage(message));
    }
    std::fs::canonicalize(keep).map_err(Failure::machine(problem()))
}

fn workflow(repository: &Repository) -> WorkflowArguments {
    let given = |name: &str, value: &str| Assignment { name: name.to_owned(), value: value.to_owned() };
    WorkflowArguments {
        file: repository.workflow(),
        values: ValueArguments {
            parameters: vec![given("summary", SUMMARY), given("increment", "minor")],
            ..ValueArguments::default()
        },
        place: PlaceArguments { workspace: Some(repository.worktree().to_owned()), config: None },
        max_parallel: None,
        no_input: true,
    }
}

/// What there is to see, and how to see more.
fn show(program: &Program, repository: &Repository, directory: &Path) -> Result<(), Failure> {
    let mut text = String::new();
    for (title, arguments) in [
        ("the commits, with their tags", &["log", "--oneline", "--decorate"][..]),
        ("what the remote has", &["ls-remote", "origin"]),
        ("what the release changed", &["show", "--stat", "--format=%s"]),
    ] {
        let command = paint(DIM, format!("git {}", arguments.join(" ")));
        let said = repository.git(arguments)?;
        let _ = write!(text, "\n{}  {command}\n{said}", paint(BOLD, title));
    }
    let worktree = repository.worktree().display();
    let plan = format!("{} plan release.yaml -p summary=\"Again\"", program.name());
    let _ = writeln!(text, "\n{}\ncd {worktree}\ngit show\n{plan}", paint(BOLD, "to look around"));
    let _ = writeln!(text, "\n{}\nrm -rf {}", paint(BOLD, "to remove it all"), directory.display());
    Ok(program.terminal.print(&text)?)
}
