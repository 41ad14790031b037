//! A test kit for handler authors.
//!
//! [`TestRun`] lends a handler everything that the engine would, over a temporary workspace;
//! [`execute`], [`preview`] and [`undo`] call it the way the engine does.

pub mod call;
pub mod context;

pub use call::{execute, preview, undo};
pub use context::TestRun;
