//! Documents.

pub mod link_check;
pub mod workflow_type;

mod links;
