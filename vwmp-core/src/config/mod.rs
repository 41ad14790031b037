//! Layered configuration in which every value knows where it came from.
//!
//! The layers of `config`, highest first:
//! 1. runtime: `--set key=value`, then parameters of the same name
//! 2. the workflow's `config`, then that of the workflow it extends
//! 3. plugins: `workflow_types.<type>.config` of `vwmp_config.yaml`
//! 4. global: `config` of `vwmp_config.yaml`, the workspace's before the user's
//! 5. defaults that plugins declare in their JSON Schemas
//! 6. environment: `VWMP_CONFIG_<KEY>`
//!
//! Mappings merge key by key; lists and scalars replace each other. The same engine merges the config of a step with
//! that of its handler, and the config of an adapter.

mod defaults;
mod explain;
mod file;
mod layers;
mod origin;
mod resolve;

pub use explain::{Explanation, explain};
pub use file::{ConfigFile, Discovery, Entry, Plugins};
pub use layers::{AdapterLayers, HandlerLayers, Layer, Layers, Parameter, Setting, WorkflowLayers};
pub use origin::Origin;
pub use resolve::{Resolved, resolve};

#[cfg(test)]
mod tests;
