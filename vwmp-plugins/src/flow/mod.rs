//! Steps that steer the run and touch nothing outside it.

pub mod assert;
mod duration;
pub mod noop;
pub mod set;
pub mod sleep;
