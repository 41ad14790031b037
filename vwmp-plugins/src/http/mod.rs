//! Requests to HTTP servers.
//!
//! `adapter` is what users set up, `client` what sends; `exchange` is one request and its answer.

pub mod adapter;
pub mod download;
pub mod request;

pub(crate) mod client;
mod exchange;
mod failure;
mod part;
pub(crate) mod retry_after;
pub(crate) mod settings;

#[cfg(test)]
mod client_tests;
#[cfg(test)]
pub(crate) mod stub;
