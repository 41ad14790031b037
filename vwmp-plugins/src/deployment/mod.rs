//! Bringing something to where it runs.

pub mod workflow_type;
