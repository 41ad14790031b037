//! Building, testing and deploying.

pub mod build;
#[cfg(feature = "http")]
pub mod deploy;
pub mod test;
pub mod workflow_type;

mod junit;

#[cfg(feature = "http")]
#[cfg(test)]
mod deploy_tests;
#[cfg(test)]
mod workflow_type_tests;
