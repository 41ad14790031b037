//! The files of the workspace.

pub mod adapter;
mod atomic;
pub(crate) mod inside;
