//! Programs and scripts.
//!
//! `run` is the handler. A script goes through `script` and `lexer`, which keep values out of the
//! code; `launch` makes a program to `start` of it, and `process` runs that to its end.

pub mod run;

mod capture;
pub(crate) mod check;
mod commands;
mod environment;
mod frame;
mod group;
mod inline_script;
mod interpreter;
mod launch;
mod lexer;
mod outputs;
mod pipes;
mod plain;
mod process;
mod scratch;
mod script;
mod spot;
mod start;
pub(crate) mod text;

#[cfg(test)]
mod end_tests;
#[cfg(test)]
mod injection_tests;
#[cfg(test)]
mod lexer_tests;
#[cfg(test)]
mod run_tests;
