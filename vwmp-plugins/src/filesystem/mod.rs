//! The files of the workspace.

pub mod adapter;
pub mod archive;
mod atomic;
mod beside;
pub(crate) mod changes;
pub mod copy;
mod disk;
pub mod glob;
pub mod hash;
pub(crate) mod inside;
pub mod r#move;
mod pack;
mod pattern;
mod planned;
pub mod read;
pub mod remove;
mod snapshot;
pub mod template;
pub mod write;
