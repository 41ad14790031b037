//! What can be written on the command line.

mod runs;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use self::runs::*;
pub(crate) use self::values::*;
use crate::exit::Exit;

/// Runs workflows: steps with an order, from a YAML file.
#[derive(Debug, Parser)]
#[command(
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 the run failed, 2 the workflow is invalid, 3 wrong usage,\n\
                  4 the engine failed, 5 the run needs an answer to go on, 130 cancelled."
)]
pub(crate) struct Arguments {
    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    #[arg(help = "When to use colors: auto, always or never")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow
    Run(Run),
    /// List the runs, or remove old ones
    Runs(Runs),
    /// Show a run: its steps, what they gave, what happened to it
    Show(Show),
    /// Show what the steps of a run wrote
    Logs(Logs),
    /// Show a run that another process drives, as it goes
    Watch(WatchRun),
    /// Go on with a run that was interrupted, or must be continued
    Resume(Resume),
    /// Run a workflow again with the parameters of an earlier run, keeping results
    Rerun(Rerun),
    /// Stop a run, with grace
    Cancel(Cancel),
    /// Say yes to what a step asks
    Approve(Answer),
    /// Say no to what a step asks
    Reject(Answer),
    /// Take back what a run did
    Undo(Undo),
    /// Write how a run went: as text, JSON, JUnit, Markdown or one HTML page
    Report(ReportRun),
    /// Show what a run would do, step by step, and touch nothing
    Plan(Plan),
    /// Check workflows and show everything that is wrong with them
    Validate(Validate),
    /// Show where the value of a config key comes from
    Explain(Explain),
    /// Draw a workflow's steps and what they need
    Graph(Graph),
    /// Write a new workflow, from a template of a workflow type
    New(New),
    /// Bring workflow files into one layout; comments stay, and the meaning too
    Fmt(Fmt),
    /// Turn a GitHub Actions workflow, a Taskfile or a Dagu DAG into a workflow
    Import(Import),
    /// List the step handlers, or show the manual page of one
    Handlers(Catalog),
    /// List the workflow types, or show the manual page of one
    Types(Catalog),
    /// List the integration adapters, or show the manual page of one
    Adapters(Catalog),
    /// Print the JSON Schema of workflow files, for editors
    Schema,
    /// Print what a shell needs to complete commands and options
    Completions(Completions),
    /// Print the manual page of the program, or of one command
    Man(Man),
    /// Release a throw-away repository, to see a run
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) workflow: WorkflowArguments,
    /// Show no progress, only problems
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Show more: what each step gave
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// How to write what happens, on stderr; json: one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "quiet")]
    pub(crate) log_format: Format,
    /// Write the result as a JUnit report to this file too
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the figures of the run to this file at its end, as Prometheus's textfile collector reads them
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
    /// Show where the time went, with the critical path
    #[arg(long)]
    pub(crate) timings: bool,
    /// Call the run so: when there is a run of this name already, it is shown, and none is started
    #[arg(long, value_name = "NAME", conflicts_with = "no_store", value_parser = values::key)]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// Keep the run nowhere: it ends with its process
    #[arg(long, conflicts_with = "store")]
    pub(crate) no_store: bool,
    /// Use no results of earlier runs, and keep none
    #[arg(long)]
    pub(crate) no_cache: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) workflow: WorkflowArguments,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// The workflow files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: FindingsFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The key, such as `version_file` or `changelog.dir`
    pub(crate) key: String,
    /// The workflow file; without one, the config of every workflow is explained
    #[arg(value_name = "WORKFLOW")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) values: ValueArguments,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// The workflow file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// What to draw for
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    pub(crate) format: GraphFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Catalog {
    /// The name
    pub(crate) name: Option<String>,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: CatalogFormat,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The file to write [default: named after the template]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The workflow type; without one, a small workflow of no type is written
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) workflow_type: Option<String>,
    /// The template of the type
    #[arg(long, value_name = "NAME", requires = "workflow_type")]
    pub(crate) template: Option<String>,
    /// Write this default for a parameter
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = values::assignment)]
    pub(crate) parameters: Vec<Assignment>,
    /// Write this value for a config key
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = values::assignment)]
    pub(crate) settings: Vec<Assignment>,
    /// Ask nothing, not even at a terminal
    #[arg(long)]
    pub(crate) no_input: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// The workflow files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing; fail when a file would change
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file to read
    pub(crate) file: PathBuf,
    /// What the file is [default: told by its keys]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<ForeignFormat>,
    /// Import this job or task alone, with what it needs
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,
    /// Write the workflow to this file, which must not exist
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The command; without one, the program itself
    pub(crate) command: Option<String>,
    /// Write all pages into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Make the repository in this directory, which must be empty or missing
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

impl Arguments {
    /// Reads arguments. Help and the version are shown here, as is what can't be understood.
    pub(crate) fn read(
        name: &str,
        version: &str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, Exit> {
        Self::described(name, version)
            .try_get_matches_from(arguments)
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches))
            .map_err(|error| {
                // Nobody is left to tell when this can't be written.
                let _ = error.print();
                if error.use_stderr() { Exit::Usage } else { Exit::Done }
            })
    }
}

impl Arguments {
    /// Everything that can be written, of a program with that name.
    pub(crate) fn described(name: &str, version: &str) -> clap::Command {
        Self::command().name(name.to_owned()).bin_name(name).version(version.to_owned())
    }
}

impl Command {
    /// How problems are to be written.
    pub(crate) fn voice(&self) -> Voice {
        match self {
            Self::Run(Run { format: Format::Json, .. })
            | Self::Plan(Plan { format: Format::Json, .. })
            | Self::Validate(Validate { format: FindingsFormat::Json, .. })
            | Self::Explain(Explain { format: Format::Json, .. })
            | Self::Runs(Runs { format: Format::Json, .. })
            | Self::Show(Show { format: Format::Json, .. })
            | Self::Report(ReportRun { format: ReportFormat::Json, .. })
            | Self::Watch(WatchRun { format: Format::Json, .. })
            | Self::Resume(Resume { driving: DrivingArguments { format: Format::Json, .. }, .. })
            | Self::Rerun(Rerun { driving: DrivingArguments { format: Format::Json, .. }, .. })
            | Self::Undo(Undo { driving: DrivingArguments { format: Format::Json, .. }, .. }) => Voice::Json,
            Self::Run(Run { log_format: Format::Json, .. })
            | Self::Watch(WatchRun { log_format: Format::Json, .. })
            | Self::Resume(Resume { driving: DrivingArguments { log_format: Format::Json, .. }, .. })
            | Self::Rerun(Rerun { driving: DrivingArguments { log_format: Format::Json, .. }, .. })
            | Self::Undo(Undo { driving: DrivingArguments { log_format: Format::Json, .. }, .. }) => {
                Voice::JsonLines
            }
            _ => Voice::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
