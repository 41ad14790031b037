//! Runs on disk: what happened in them, what their steps wrote, who drives them, and what later runs may reuse.
//!
//! One folder a workspace, `.vwmp`: an SQLite file with the events, and plain files beside it. A run belongs to the
//! process that holds its lock, which the operating system frees when the process ends, however it ends.
//!
//! Reading order: [`store`], [`run`], `journal`, `encoding`, [`orders`], [`history`], then `log`, `keepsakes`,
//! `locks`, `cache`, [`prune`].

pub mod error;
pub mod history;
pub mod orders;
pub mod prune;
pub mod run;
pub mod store;

mod apart;
mod cache;
mod encoding;
mod journal;
mod keepsakes;
mod leftovers;
mod locks;
mod log;
mod names;
mod place;
mod progress;

pub use error::StoreError;
pub use history::{Filter, RunRow, Standing};
pub use log::StoredLine;
pub use prune::{Policy, Pruned};
pub use run::{Beginning, NewRun, OwnedRun};
pub use store::Store;
pub use vwmp_core::run::Order;
