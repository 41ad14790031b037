//! The example of a proprietary plugin crate, to be copied: one adapter, one handler, and a binary
//! of five lines that links them.

pub mod kanban;
pub mod vwmp;
