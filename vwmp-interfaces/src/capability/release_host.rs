//! Releases on a code host.

use std::path::PathBuf;

use crate::BoxFuture;
use crate::error::StepError;

/// A code host that shows releases of a project to its users.
pub trait ReleaseHost: Send + Sync {
    /// The project and its host, such as `acme/widget on api.github.com`, for messages.
    fn project(&self) -> &str;
    /// The release of a tag, a draft included; nothing when there is none.
    fn find<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<HostedRelease>, StepError>>;
    /// Makes the release of a tag what the request says, assets included, and shows it to the
    /// users last. What is there and fits is kept, so that it can be repeated.
    fn publish<'a>(&'a self, request: &'a ReleaseRequest) -> BoxFuture<'a, Result<HostedRelease, StepError>>;
}

/// A release to publish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReleaseRequest {
    /// The tag.
    pub tag: String,
    /// The commit or branch to create the tag at where the host has none.
    pub target: Option<String>,
    /// The title.
    pub title: String,
    /// The notes, as Markdown.
    pub notes: String,
    /// Whether only the project's members may see it.
    pub draft: bool,
    /// Whether it isn't for everybody's use yet.
    pub prerelease: bool,
    /// The files to attach.
    pub assets: Vec<AssetFile>,
}

/// A file to attach to a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetFile {
    /// The name that users see.
    pub name: String,
    /// Where it is; absolute.
    pub path: PathBuf,
    /// Its size, in bytes.
    pub size: u64,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

/// A release as a host has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedRelease {
    /// What the host calls it.
    pub id: String,
    /// The page for its users.
    pub url: String,
    /// Whether only the project's members can see it.
    pub draft: bool,
    /// Whether this call created it.
    pub created: bool,
    /// Its files.
    pub assets: Vec<HostedAsset>,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedAsset {
    /// The name.
    pub name: String,
    /// Where it can be had.
    pub url: String,
    /// Whether this call uploaded it.
    pub uploaded: bool,
}
