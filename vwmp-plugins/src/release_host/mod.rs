//! Releases on code hosts.

pub mod github;
pub mod gitlab;
pub mod publish;

mod project;

#[cfg(test)]
mod github_tests;
#[cfg(test)]
mod gitlab_tests;
