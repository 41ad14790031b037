//! The example of a proprietary plugin crate.
