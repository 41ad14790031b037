//! A test kit for handler authors.
//!
//! [`TestRun`] lends a handler everything that the engine would, over a temporary workspace;
//! [`execute`], [`preview`], [`already_done`] and [`undo`] call it the way the engine does. [`conformance!`] checks
//! that every plugin of a crate describes itself well. [`durability`] has what every place that keeps runs has to do.

pub mod call;
mod caller;
pub mod conformance;
pub mod context;
pub mod durability;
pub mod example;
mod keepsakes;

pub use call::{already_done, execute, preview, undo};
pub use context::TestRun;
