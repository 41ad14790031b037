//! What is generated from the plugins of a program and kept with its documentation.

use vwmp_core::registry::Registry;

/// The manual pages of all handlers, as `vwmp handlers --format markdown` prints them.
pub fn handlers(registry: &Registry) -> String {
    crate::command::handlers_in_markdown(registry)
}

/// The JSON Schema of workflow files, as `vwmp schema` prints it.
pub fn schema(registry: &Registry) -> String {
    format!("{:#}\n", crate::schema::of(registry))
}
