//! Relational databases.
//!
//! `sqlite` and `postgres` are the adapters, `query` and `execute` the handlers.

pub mod execute;
pub mod query;

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

mod rows;
mod statement;

#[cfg(feature = "postgres")]
mod postgres_error;
#[cfg(feature = "postgres")]
mod postgres_value;

#[cfg(feature = "postgres")]
#[cfg(test)]
mod postgres_tests;
#[cfg(feature = "sqlite")]
#[cfg(test)]
mod sqlite_tests;
