//! What a release changes in the files of a project, and the rules of a release workflow.

mod changelog;
mod changelog_headings;
pub mod changelog_create;
pub mod changelog_update;
mod edit;
mod cargo;
mod conventional;
mod manifest;
pub mod notes;
mod notes_groups;
mod notes_text;
mod past;
pub mod readme_update;
#[cfg(test)]
mod repository_for_tests;
mod places;
mod version;
pub mod archive;
mod bump_plan;
#[cfg(test)]
mod bump_auto_tests;
pub mod version_bump;
pub mod verify;
pub mod workflow_type;
