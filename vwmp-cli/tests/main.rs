//! The command line from outside: arguments in, text and an exit code out.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod arguments;
mod catalog;
mod explain;
mod invalid;
mod place;
mod run;
mod signals;

pub(crate) use place::Place;
