//! What happens in runs, for those who watch many of them: [`Metrics`] for Prometheus, [`Spans`] for `tracing`, and
//! with the feature `otel` traces for an OpenTelemetry collector.
//!
//! Each is an [`Observer`] of a run's events, so none can fail or slow a run. docs/observability.md says what they show.

mod metrics;
#[cfg(feature = "otel")]
pub mod otel;
mod spans;
mod textfile;
mod timeline;

use vwmp_core::run::Event;

pub use metrics::{Metrics, RunMetrics};
pub use spans::{RunSpans, Spans, TracedExecutor};

/// Is told what happens in one run.
pub trait Observer: Send {
    /// Takes one event in, in order, as it is recorded.
    fn observe(&mut self, event: &Event);

    /// Takes in what another process has recorded and told of, before this one continues the run.
    fn catch_up(&mut self, event: &Event);
}

#[cfg(test)]
mod tests;
