//! The example of a proprietary plugin crate, to be copied: two adapters, three handlers, a workflow,
//! and a binary of five lines that links them.

pub mod kanban;
pub mod knowledge_base;
pub mod vwmp;

mod document;
