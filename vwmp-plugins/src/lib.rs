//! Generic VWMP handlers, adapters and workflow types.
//!
//! The handler `a.b` lives in the folder `a`, in `b.rs`.

pub mod ci_cd;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod database;
#[cfg(feature = "http")]
pub mod deployment;
#[cfg(feature = "http")]
pub mod documentation;
pub mod filesystem;
pub mod flow;
pub mod git;
#[cfg(feature = "http")]
pub mod http;
#[cfg(any(feature = "http", feature = "email"))]
pub mod notify;
pub mod release;
pub mod secrets;
#[cfg(feature = "http")]
pub mod release_host;
pub mod shell;
pub mod testing;

mod checksum;
mod inherited;
mod kept;
mod matching;
mod order;
