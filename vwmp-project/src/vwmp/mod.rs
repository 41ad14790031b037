//! Steps of this project alone.

pub mod kanban_update;
