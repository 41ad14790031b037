//! Generic VWMP handlers, adapters and workflow types.
//!
//! The handler `a.b` lives in the folder `a`, in `b.rs`.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod database;
pub mod filesystem;
pub mod flow;
pub mod git;
#[cfg(feature = "http")]
pub mod http;
#[cfg(any(feature = "http", feature = "email"))]
pub mod notify;
pub mod release;
#[cfg(feature = "http")]
pub mod release_host;
pub mod shell;
