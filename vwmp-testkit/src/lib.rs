//! A test kit for handler authors.
//!
//! [`TestRun`] lends a handler everything that the engine would, over a temporary workspace;
//! [`execute`], [`preview`] and [`undo`] call it the way the engine does. [`conformance!`] checks
//! that every plugin of a crate describes itself well.

pub mod call;
pub mod conformance;
pub mod context;
pub mod example;

pub use call::{execute, preview, undo};
pub use context::TestRun;
