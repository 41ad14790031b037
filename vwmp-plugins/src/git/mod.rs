//! The repository of the workspace, and copies of others, through the `git` program.

pub mod adapter;
pub mod branch;
pub mod checkout;
pub mod clone;
pub mod commit;
pub mod create_tag;
pub mod diff;
pub mod fetch;
mod history;
pub mod log;
mod movement;
mod names;
mod planned;
mod process;
pub mod push;
mod refusal;
mod repository;
pub mod require_branch;
pub mod require_clean;
pub mod source;
pub mod stage;
pub mod stage_all;
mod state;
pub mod status;
