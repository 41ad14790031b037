//! The command line from outside: arguments in, text and an exit code out.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod arguments;
mod catalog;
mod ci;
mod demo;
mod durable;
mod explain;
mod fmt;
mod import;
mod invalid;
mod library;
mod metrics;
mod new;
mod place;
mod plan;
mod run;
mod secrets;
mod signals;
#[cfg(feature = "otel")]
mod traces;

pub(crate) use place::Place;
