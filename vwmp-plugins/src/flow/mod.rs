//! Steps that steer the run and touch nothing outside it.

pub mod approve;
pub mod assert;
pub mod call;
mod duration;
pub mod noop;
pub mod set;
pub mod sleep;
