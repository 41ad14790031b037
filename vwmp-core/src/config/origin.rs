//! Where a config value came from.

use std::fmt;
use std::sync::Arc;

use crate::source::{Source, Span};

/// Where a config value came from: its layer, and its place in it.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Given on the command line or by a caller.
    Runtime {
        /// How, such as `--set version_file=V`.
        how: Arc<str>,
    },
    /// Given as a parameter of the same name.
    Parameter {
        /// The parameter.
        name: Arc<str>,
        /// How it was given, such as `-p increment=minor`; may be empty.
        how: Arc<str>,
    },
    /// Written in a workflow: its `config`, or the `config` of a step.
    Workflow {
        /// The workflow.
        source: Arc<Source>,
        /// The value.
        span: Span,
    },
    /// Written in `vwmp_config.yaml` for one workflow type, handler or adapter.
    Plugin {
        /// The workflow type, handler or adapter.
        name: Arc<str>,
        /// The config file.
        source: Arc<Source>,
        /// The value.
        span: Span,
    },
    /// Written in `vwmp_config.yaml` for every workflow.
    Global {
        /// The config file.
        source: Arc<Source>,
        /// The value.
        span: Span,
    },
    /// Declared in the schema of a plugin.
    Default {
        /// The workflow type, handler or adapter.
        plugin: Arc<str>,
    },
    /// Set in the environment.
    Environment {
        /// The variable.
        variable: Arc<str>,
    },
}

impl Origin {
    /// The number of the layer: 1 is the highest, 6 the lowest.
    pub fn layer(&self) -> u8 {
        match self {
            Self::Runtime { .. } | Self::Parameter { .. } => 1,
            Self::Workflow { .. } => 2,
            Self::Plugin { .. } => 3,
            Self::Global { .. } => 4,
            Self::Default { .. } => 5,
            Self::Environment { .. } => 6,
        }
    }

    /// The name of the layer.
    pub fn layer_name(&self) -> &'static str {
        ["runtime", "workflow", "plugin", "global", "default", "environment"][usize::from(self.layer()) - 1]
    }

    /// Where the value is written, when it is in a file.
    pub fn place(&self) -> Option<(&Arc<Source>, Span)> {
        match self {
            Self::Workflow { source, span }
            | Self::Plugin { source, span, .. }
            | Self::Global { source, span } => Some((source, *span)),
            _ => None,
        }
    }
}

/// The layer and the place, such as `workflow: release.yaml:12:5`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime { how } => write!(f, "runtime: {how}"),
            Self::Parameter { name, how } if how.is_empty() => write!(f, "runtime: parameter {name}"),
            Self::Parameter { name, how } => write!(f, "runtime: parameter {name}, {how}"),
            Self::Workflow { source, span } => write!(f, "workflow: {}", place(source, *span)),
            Self::Plugin { name, source, span } => write!(f, "plugin {name}: {}", place(source, *span)),
            Self::Global { source, span } => write!(f, "global: {}", place(source, *span)),
            Self::Default { plugin } => write!(f, "default of {plugin}"),
            Self::Environment { variable } => write!(f, "environment: {variable}"),
        }
    }
}

fn place(source: &Source, span: Span) -> String {
    format!("{}:{}", source.name(), source.position(span.start))
}
