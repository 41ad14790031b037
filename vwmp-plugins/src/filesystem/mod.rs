//! The files of the workspace.

pub mod adapter;
mod atomic;
mod inside;
