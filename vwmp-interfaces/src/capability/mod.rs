//! The traits that adapters serve and handlers use, one file each.

pub mod board;
pub mod files;
pub mod version_control;

pub use board::{Board, Card};
pub use files::Files;
pub use version_control::{Commit, FileStatus, PushRequest, RemoteRef, TagRequest, VersionControl};
