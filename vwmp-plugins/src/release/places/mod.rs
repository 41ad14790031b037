//! The places in a project that name its version.

mod json;
mod key;
pub(super) mod npm;
mod place;
mod plain;
pub(super) mod python;
mod search;
mod toml;
mod yaml;

use std::ops::Range;

use super::version::{Notation, Version};

pub(super) use key::{Format, KeyPath};
pub(super) use place::{Kind, Place, agrees};
pub(super) use search::{MARK, find_exact};
pub(super) use toml::Toml;

/// A version and every place where a text holds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) version: Version,
    pub(super) notation: Notation,
    pub(super) spans: Vec<Range<usize>>,
}
