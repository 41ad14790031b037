//! The traits that adapters serve and handlers use, one file each.

pub mod board;
pub mod database;
pub mod files;
pub mod http;
pub mod notifier;
pub mod release_host;
pub mod version_control;

pub use board::{Board, Card, CardMove};
pub use database::{Database, RowLimits, Rows, Statement};
pub use files::Files;
pub use http::{Http, HttpBody, HttpChunks, HttpHead, HttpRequest, HttpResponse, HttpStream};
pub use notifier::{Notification, Notifier, Receipt};
pub use release_host::{AssetFile, HostedAsset, HostedRelease, ReleaseHost, ReleaseRequest};
pub use version_control::{
    Commit, CommitRequest, FileStatus, PushRequest, RemoteRef, TagRequest, VersionControl,
};
