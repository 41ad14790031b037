//! What is generated from the plugins of a program and kept with its documentation.

use vwmp_core::registry::Registry;

/// The manual: how to begin, and the pages of all handlers, adapters and workflow types, as
/// `vwmp handlers --format markdown` and its siblings print them.
pub fn handlers(registry: &Registry) -> String {
    crate::command::manual(include_str!("reference/intro.md"), registry)
}

/// The JSON Schema of workflow files, as `vwmp schema` prints it.
pub fn schema(registry: &Registry) -> String {
    format!("{:#}\n", crate::schema::of(registry))
}
