//! The VWMP engine: reads a workflow, checks it, plans it and runs it.

pub mod config;
pub mod diagnostic;
pub mod document;
pub mod plan;
pub mod registry;
pub mod run;
pub mod schema;
pub mod source;
pub mod template;
pub mod workflow;

pub use run::Engine;
pub use workflow::Workflow;
