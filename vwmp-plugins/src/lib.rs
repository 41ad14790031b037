//! Generic VWMP handlers, adapters and workflow types.

pub mod shell;
