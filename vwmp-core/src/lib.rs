//! The VWMP engine: reads a workflow, checks it, plans it and runs it.
//!
//! One forward path, a module a stage: [`source`] → [`document`] → [`workflow`] → [`plan`] → [`run`]. What goes
//! wrong before a run is a [`diagnostic`]; what a workflow can use is in the [`registry`].

pub mod source;
pub mod diagnostic;
pub mod document;
pub mod template;
pub mod config;
pub mod schema;
pub mod masking;
pub mod registry;
pub mod workflow;
pub mod plan;
pub mod run;

pub use run::Engine;
pub use workflow::Workflow;
