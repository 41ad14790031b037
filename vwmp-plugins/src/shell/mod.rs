//! Programs and scripts.
//!
//! [`run`] is the handler. A script goes through [`lexer`] and [`script`], which keep values out of
//! the code; [`launch`] makes a command of it, [`process`] runs that.

pub mod run;

mod capture;
mod frame;
mod group;
mod interpreter;
mod launch;
mod lexer;
mod outputs;
mod pipes;
mod plain;
mod process;
mod scratch;
mod script;
mod text;

#[cfg(test)]
mod tests;
