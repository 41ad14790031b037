//! What can be written on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::exit::Exit;

/// Runs workflows: steps with an order, from a YAML file.
#[derive(Debug, Parser)]
#[command(
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 the run failed, 2 the workflow or its parameters are invalid,\n\
                  3 wrong usage, 4 the engine failed, 130 cancelled."
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
    /// Show what a run would do, step by step, and touch nothing
    Plan(Plan),
    /// Check workflows and show everything that is wrong with them
    Validate(Validate),
    /// Show where the value of a config key comes from
    Explain(Explain),
    /// Draw a workflow's steps and what they need
    Graph(Graph),
    /// List the step handlers, or show the manual page of one
    Handlers(Catalog),
    /// List the workflow types, or show the manual page of one
    Types(Catalog),
    /// List the integration adapters, or show the manual page of one
    Adapters(Catalog),
    /// Print the JSON Schema of workflow files, for editors
    Schema,
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
    pub(crate) format: Format,
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
pub(crate) struct Demo {
    /// Make the repository in this directory, which must be empty or missing
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

/// A workflow and what it is given.
#[derive(Debug, Args)]
pub(crate) struct WorkflowArguments {
    /// The workflow file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) values: ValueArguments,
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Run at most this many steps at once
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_parallel: Option<usize>,
}

/// Values that are given at run time.
#[derive(Debug, Args, Default)]
pub(crate) struct ValueArguments {
    /// Give a parameter; the text is read as the parameter's type
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) parameters: Vec<Assignment>,
    /// Give the parameters in a YAML or JSON file; -p goes first
    #[arg(long = "params", value_name = "FILE")]
    pub(crate) parameter_file: Option<PathBuf>,
    /// Set a config key; the value is read as YAML
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) settings: Vec<Assignment>,
}

/// Where a workflow is at home.
#[derive(Debug, Args, Default)]
pub(crate) struct PlaceArguments {
    /// The directory that relative paths start from [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// The config file [default: vwmp_config.yaml in the workspace]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// `name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Mermaid,
    Dot,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CatalogFormat {
    Text,
    Json,
    Markdown,
}

impl Arguments {
    /// Reads arguments. Help and the version are shown here, as is what can't be understood.
    pub(crate) fn read(
        name: &str,
        version: &str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, Exit> {
        let command = Self::command().name(name.to_owned()).bin_name(name).version(version.to_owned());
        command
            .try_get_matches_from(arguments)
            .and_then(|mut matches| Self::from_arg_matches_mut(&mut matches))
            .map_err(|error| {
                // Nobody is left to tell when this can't be written.
                let _ = error.print();
                if error.use_stderr() { Exit::Usage } else { Exit::Done }
            })
    }
}

impl Command {
    /// How problems are to be written.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Run(Run { format, .. })
            | Self::Plan(Plan { format, .. })
            | Self::Validate(Validate { format, .. })
            | Self::Explain(Explain { format, .. }) => *format,
            Self::Graph(_)
            | Self::Handlers(_)
            | Self::Types(_)
            | Self::Adapters(_)
            | Self::Schema
            | Self::Demo(_) => Format::Text,
        }
    }
}

fn assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok(Assignment { name: name.to_owned(), value: value.to_owned() })
        }
        _ => Err("expected name=value".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number, at least 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn assignments_are_split_at_the_first_sign() {
        let read = assignment("a=b=c").unwrap();
        assert_eq!((read.name.as_str(), read.value.as_str()), ("a", "b=c"));
        assert_eq!(assignment("=x").unwrap_err(), "expected name=value");
        assert_eq!(assignment("x").unwrap_err(), "expected name=value");
    }
}
