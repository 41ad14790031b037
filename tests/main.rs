//! Tests over the whole of VWMP, in one binary.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod architecture;
mod docs;
mod outside;
mod cases;
mod edits;
mod examples;
mod explain;
mod handlers;
mod injection;
mod limits;
mod path;
mod release;
mod repository;
mod secrets;
mod tidy;
