//! Generic VWMP handlers, adapters and workflow types.
//!
//! The handler `a.b` lives in the folder `a`, in `b.rs`.

pub mod filesystem;
pub mod flow;
pub mod git;
pub mod release;
pub mod secrets;
pub mod shell;
