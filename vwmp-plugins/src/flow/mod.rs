//! Steps that steer the run and touch nothing outside it.

pub mod noop;
