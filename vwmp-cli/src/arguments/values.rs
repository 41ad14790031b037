//! What several commands are given: a workflow, its values, its place, formats.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use vwmp_core::workflow::Given;

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
    #[arg(long, value_name = "N", value_parser = steps_at_once)]
    pub(crate) max_parallel: Option<usize>,
    /// Ask nothing, not even at a terminal
    #[arg(long)]
    pub(crate) no_input: bool,
    /// Parameters of an earlier run; what is given outweighs them.
    #[arg(skip)]
    pub(crate) recorded: Given,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

/// How problems are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// To people.
    Text,
    /// As the result, on stdout.
    Json,
    /// An object a line, on stderr.
    JsonLines,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FindingsFormat {
    Text,
    Json,
    Sarif,
}

/// Whose files can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForeignFormat {
    /// A GitHub Actions workflow
    Github,
    /// A Taskfile of go-task
    Taskfile,
    /// A Dagu DAG
    Dagu,
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

pub(super) fn assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok(Assignment { name: name.to_owned(), value: value.to_owned() })
        }
        _ => Err("expected name=value".to_owned()),
    }
}

/// The longest key, in bytes.
const LONGEST_KEY: usize = 200;

/// What a run is called by whoever starts it.
pub(super) fn key(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty; give the run a name, or leave --key out".to_owned());
    }
    if text.len() > LONGEST_KEY {
        return Err(format!("it has {} bytes, and a key has {LONGEST_KEY} at most", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err("it has control characters, such as a line break; leave them out".to_owned());
    }
    Ok(text.to_owned())
}

fn steps_at_once(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=65_536) => Ok(number),
        _ => Err("expected a whole number from 1 to 65536".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_split_at_the_first_sign() {
        let read = assignment("a=b=c").unwrap();
        assert_eq!((read.name.as_str(), read.value.as_str()), ("a", "b=c"));
        assert_eq!(assignment("=x").unwrap_err(), "expected name=value");
        assert_eq!(assignment("x").unwrap_err(), "expected name=value");
    }

    #[test]
    fn a_key_is_a_short_name() {
        assert_eq!(key("nightly 2"), Ok("nightly 2".to_owned()));
        for wrong in ["", " ", "a\nb", &"k".repeat(201)] {
            assert!(key(wrong).is_err(), "{wrong:?}");
        }
    }
}
