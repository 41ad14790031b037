//! The traits that adapters serve and handlers use, one file each.

pub mod board;
pub mod files;
pub mod history;
pub mod knowledge_base;
pub mod repository_source;
pub mod secrets;
pub mod version_control;

pub use board::{Board, Card, CardMove};
pub use files::{Entry, Files};
pub use history::{ArchiveRequest, History, LogEntry, LogRequest, ReachedTag};
pub use knowledge_base::{KnowledgeBase, Page};
pub use repository_source::{CloneRequest, Cloned, RepositorySource};
pub use secrets::SecretSource;
pub use version_control::{
    Commit, CommitRequest, Diff, DiffRequest, FetchRequest, FetchedRef, FileDiff, FileState, FileStatus,
    PushRequest, RemoteRef, RepositoryState, SwitchTarget, TagRequest, VersionControl,
};
