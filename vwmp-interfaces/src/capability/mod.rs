//! The traits that adapters serve and handlers use, one file each.

pub mod board;
pub mod database;
pub mod files;
pub mod history;
pub mod http;
pub mod knowledge_base;
pub mod notifier;
pub mod release_host;
pub mod repository_source;
pub mod secrets;
pub mod version_control;

pub use board::{Board, Card, CardMove};
pub use database::{Database, RowLimits, Rows, Statement};
pub use files::{Entry, Files, Snapshot};
pub use history::{ArchiveRequest, History, LogEntry, LogRequest, ReachedTag};
pub use http::{Http, HttpBody, HttpChunks, HttpHead, HttpRequest, HttpResponse, HttpStream};
pub use knowledge_base::{KnowledgeBase, Page};
pub use notifier::{Notification, Notifier, Receipt};
pub use release_host::{AssetFile, HostedAsset, HostedRelease, ReleaseHost, ReleaseRequest};
pub use repository_source::{CloneRequest, Cloned, RepositorySource};
pub use secrets::SecretSource;
pub use version_control::{
    Commit, CommitRequest, Diff, DiffRequest, FetchRequest, FetchedRef, FileDiff, FileState, FileStatus,
    Index, MadeCommit, MadeTag, PushRequest, RemoteRef, RepositoryState, SwitchTarget, TagRequest,
    VersionControl,
};
