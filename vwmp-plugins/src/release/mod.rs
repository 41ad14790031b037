//! What a release changes in the files of a project, and the rules of a release workflow.

mod changelog;
pub mod changelog_create;
pub mod changelog_update;
mod edit;
mod cargo;
mod conventional;
mod manifest;
mod past;
#[cfg(test)]
mod repository_for_tests;
mod places;
mod version;
mod bump_plan;
#[cfg(test)]
mod bump_auto_tests;
pub mod version_bump;
pub mod workflow_type;
