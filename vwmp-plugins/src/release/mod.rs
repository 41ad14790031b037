//! What a release changes in the files of a project, and the rules of a release workflow.

mod changelog;
pub mod changelog_create;
pub mod changelog_update;
mod edit;
mod manifest;
mod version;
pub mod version_bump;
pub mod workflow_type;
