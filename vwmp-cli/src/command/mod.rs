//! The commands, one file each.

mod answer;
mod cancel;
mod catalog;
mod completions;
mod demo;
mod explain;
mod fmt;
mod graph;
mod import;
mod logs;
mod new;
mod plan;
mod report;
mod rerun;
mod resume;
mod run;
mod runs;
mod schema;
mod show;
mod undo;
mod validate;
mod watch;

pub(crate) use catalog::manual;

use crate::Program;
use crate::arguments::Command;
use crate::exit::Exit;
use crate::failure::Failure;

/// Does what the command line says.
pub(crate) fn execute(program: Program, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Run(arguments) => run::run(program, &arguments),
        Command::Runs(arguments) => runs::runs(&program, &arguments),
        Command::Show(arguments) => show::show(program, &arguments),
        Command::Logs(arguments) => logs::logs(program, &arguments),
        Command::Watch(arguments) => watch::watch(program, &arguments),
        Command::Resume(arguments) => resume::resume(program, &arguments),
        Command::Rerun(arguments) => rerun::rerun(program, &arguments),
        Command::Cancel(arguments) => cancel::cancel(program, &arguments),
        Command::Approve(arguments) => answer::answer(program, &arguments, true),
        Command::Reject(arguments) => answer::answer(program, &arguments, false),
        Command::Undo(arguments) => undo::undo(program, &arguments),
        Command::Report(arguments) => report::report(program, &arguments),
        Command::Plan(arguments) => plan::plan(program, &arguments),
        Command::Validate(arguments) => validate::validate(program, &arguments),
        Command::Explain(arguments) => explain::explain(program, &arguments),
        Command::Graph(arguments) => graph::graph(program, &arguments),
        Command::New(arguments) => new::new(program, &arguments),
        Command::Fmt(arguments) => fmt::fmt(&program, &arguments),
        Command::Import(arguments) => import::import(program, &arguments),
        Command::Completions(arguments) => completions::completions(&program, &arguments),
        Command::Man(arguments) => completions::man(&program, &arguments),
        Command::Handlers(arguments) => catalog::handlers(program, &arguments),
        Command::Types(arguments) => catalog::types(program, &arguments),
        Command::Adapters(arguments) => catalog::adapters(program, &arguments),
        Command::Schema => schema::schema(program),
        Command::Demo(arguments) => demo::demo(program, &arguments),
    }
}
