//! What tests say about the code.

pub mod coverage_gate;
pub mod workflow_type;

mod coverage;
