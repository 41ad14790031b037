//! Steps of this project alone.

pub mod kanban_update;
pub mod kb_update;
pub mod run_validators;
