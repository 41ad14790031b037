//! The repository of the workspace, through the `git` program.

pub mod adapter;
pub mod commit;
pub mod create_tag;
mod history;
mod names;
mod planned;
mod process;
pub mod push;
mod refusal;
mod repository;
pub mod stage_all;
