//! `demo`: the standard release, for real, in a repository made for it.

mod repository;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vwmp_core::Engine;
use vwmp_core::run::Start;
use vwmp_core::workflow::Given;
use vwmp_store::Store;

use self::repository::Repository;
use super::runs;
use crate::arguments::{
    Assignment, Demo, Format, PlaceArguments, RunsPlace, ValueArguments, WorkflowArguments,
};
use crate::drive::{Beginning, Driven, Driver, Style};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Planned;
use crate::next::{self, Next};
use crate::progress::Form;
use crate::recorded::Begun;
use crate::terminal::{BOLD, DIM, paint};
use crate::{Program, input, store};

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
    let Planned { workflow, inputs, settings, plan, .. } =
        input::plan(&workflow(&repository), &registry, environment, program.terminal)?;
    let store = Store::open(&store::folder(repository.worktree(), None))?;
    let id = Engine::builder(Arc::clone(&registry)).build().new_run_id();
    let begun =
        Begun { workflow: &workflow, inputs: &inputs, plan: &plan, key: None, parent: None, partial: false };
    let owned = begun.create(&store, &id)?;
    let form = Form::People;
    let style = Style { quiet: false, verbose: false, timings: false, format: Format::Text, form };
    let place = RunsPlace { workspace: Some(repository.worktree().to_owned()), ..RunsPlace::default() };
    let next = Next::of(program.name(), &id, next::place(place.workspace.as_ref(), None));
    let terminal = program.terminal;
    let driver = Driver { terminal, registry, style, next, cache: true, asks: None, metrics: None };
    let beginning = Beginning::New(Start::new(id));
    let driven = Driven { plan: Arc::new(plan), settings, owned: Some(owned), beginning };
    let exit = driver.drive(driven, |_| Ok(()))?;
    show(&program, &repository, &directory, &store)?;
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
        recorded: Given::new(),
    }
}

/// What there is to see, and how to see more.
fn show(program: &Program, repository: &Repository, directory: &Path, store: &Store) -> Result<(), Failure> {
    let mut text = String::new();
    let command = paint(DIM, format!("{} runs", program.name()));
    let list = runs::latest(store, program.terminal.out_width())?;
    let _ = write!(text, "\n{}  {command}\n{list}", paint(BOLD, "the run, as it is kept"));
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
    let name = program.name();
    let plan = format!("{name} plan release.yaml -p summary=\"Again\"");
    let _ = writeln!(
        text,
        "\n{}\ncd {worktree}\ngit show\n{name} show last\n{plan}",
        paint(BOLD, "to look around")
    );
    let _ = writeln!(text, "\n{}\nrm -rf {}", paint(BOLD, "to remove it all"), directory.display());
    Ok(program.terminal.print(&text)?)
}
