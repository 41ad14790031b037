//! A test kit for handler authors.
