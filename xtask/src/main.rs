//! Chores of the VWMP workspace.
fn main() {}
