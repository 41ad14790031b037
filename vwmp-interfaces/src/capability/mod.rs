//! The traits that adapters serve and handlers use, one file each.

pub mod board;
pub mod files;
pub mod secrets;
pub mod version_control;

pub use board::{Board, Card, CardMove};
pub use files::Files;
pub use secrets::SecretSource;
pub use version_control::{
    Commit, CommitRequest, FileStatus, PushRequest, RemoteRef, TagRequest, VersionControl,
};
