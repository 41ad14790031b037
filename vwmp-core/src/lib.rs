//! The VWMP engine: reads a workflow, checks it, plans it and runs it.

pub mod diagnostic;
pub mod document;
pub mod source;
