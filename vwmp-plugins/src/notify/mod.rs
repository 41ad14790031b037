//! Messages to people and to other systems.

#[cfg(feature = "email")]
pub mod adapter;
#[cfg(feature = "email")]
pub mod email;
#[cfg(feature = "http")]
pub mod slack;
#[cfg(feature = "http")]
pub mod teams;
#[cfg(feature = "http")]
pub mod webhook;

#[cfg(feature = "http")]
mod post;

#[cfg(feature = "http")]
#[cfg(test)]
mod post_tests;
