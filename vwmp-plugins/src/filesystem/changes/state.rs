//! What a path has at one time, to be compared with what it has at another.

use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::Snapshot;

use super::KEPT_AT_MOST;

/// What a path has; of a file its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum State {
    /// Nothing.
    Absent,
    /// A file. Without a mode, whatever mode it has.
    File { hash: String, mode: Option<u32> },
    /// A directory, whatever is in it.
    Directory { mode: Option<u32> },
    /// A symbolic link.
    Link { to: String },
    /// Something that can't be put back.
    Unkept { why: String },
}

impl State {
    pub(crate) fn of(snapshot: Option<&Snapshot>) -> Self {
        match snapshot {
            None => Self::Absent,
            Some(Snapshot::File { hash, mode, .. }) => Self::File { hash: hash.clone(), mode: Some(*mode) },
            Some(Snapshot::Directory { mode }) => Self::Directory { mode: Some(*mode) },
            Some(Snapshot::Link { to }) => match to.to_str() {
                Some(to) => Self::Link { to: to.to_owned() },
                None => Self::Unkept { why: "it was a link to a path that isn't UTF-8".to_owned() },
            },
            Some(Snapshot::Other) => {
                Self::Unkept { why: "it was neither a file nor a folder nor a link".to_owned() }
            }
        }
    }

    /// A file with this content and whatever mode.
    pub(super) fn file(content: &[u8]) -> Self {
        Self::File { hash: blake3::hash(content).to_hex().to_string(), mode: None }
    }

    /// Whether a path that has `now` is as this says. The mode of a directory changes nothing in it.
    pub(crate) fn fits(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::File { hash, mode }, Self::File { hash: now, mode: mode_now }) => {
                hash == now && mode.is_none_or(|mode| Some(mode) == *mode_now)
            }
            (Self::Directory { .. }, Self::Directory { .. }) => true,
            (Self::Unkept { .. }, _) => false,
            (expected, now) => expected == now,
        }
    }
}

/// Why a content wasn't kept.
pub(super) fn too_large() -> String {
    format!("it was larger than the {} MiB that are kept", KEPT_AT_MOST >> 20)
}
