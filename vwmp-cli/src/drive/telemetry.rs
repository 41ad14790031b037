//! What happens in a run, for those who watch many of them: figures in a file, and traces for a collector.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use vwmp_core::diagnostic::{Diagnostic, Diagnostics};
use vwmp_core::plan::Plan;
use vwmp_core::run::{Event, EventStream, Run};
#[cfg(feature = "otel")]
use vwmp_telemetry::otel::{Exporter, Settings};
use vwmp_telemetry::{Metrics, Observer};

#[cfg(feature = "otel")]
use super::Signals;
use super::{Beginning, Style};
use crate::progress::Form;
use crate::terminal::{Terminal, YELLOW, paint};

/// What somebody wants to know of a run. What can't be delivered is a warning: the run went as it went.
pub(super) struct Telemetry {
    terminal: Terminal,
    form: Form,
    metrics: Option<(Metrics, PathBuf)>,
    #[cfg(feature = "otel")]
    exporter: Option<Exporter>,
}

/// The events of a run, which observers are told as they are read.
pub(crate) struct Observed {
    events: Option<EventStream>,
    observers: Vec<Box<dyn Observer>>,
}

impl Telemetry {
    /// With figures, where there is a file for them.
    pub(super) fn new(terminal: Terminal, style: Style, metrics: Option<PathBuf>) -> Self {
        Self {
            terminal,
            form: style.form,
            metrics: metrics.map(|file| (Metrics::new(), file)),
            #[cfg(feature = "otel")]
            exporter: None,
        }
    }

    /// With traces, where the environment names a collector.
    #[cfg(feature = "otel")]
    pub(super) fn traced(mut self, environment: &std::collections::BTreeMap<String, String>) -> Self {
        match Settings::from_environment(environment) {
            Ok(None) => {}
            Ok(Some(settings)) => match Exporter::new(settings) {
                Ok(exporter) => self.exporter = Some(exporter),
                Err(error) => self.warn("vwmp::traces-not-sent", &error.to_string()),
            },
            Err(error) => self.warn("vwmp::traces-not-sent", &format!("can't send traces: {error}")),
        }
        self
    }

    /// Those who are told what happens in the run. What happened before is known to them.
    pub(super) fn observers(&self, plan: &Arc<Plan>, beginning: &Beginning) -> Vec<Box<dyn Observer>> {
        let mut observers: Vec<Box<dyn Observer>> = Vec::new();
        if let Some((metrics, _)) = &self.metrics {
            let mut observer = metrics.of_run(Arc::clone(plan));
            beginning.so_far().iter().for_each(|event| observer.catch_up(event));
            observers.push(Box::new(observer));
        }
        #[cfg(feature = "otel")]
        if let Some(exporter) = &self.exporter {
            let mut observer = exporter.of_run(Arc::clone(plan), beginning.run_id());
            // Traces are sent at the end, so a process that died sent none. Spans that are sent twice have the same ids.
            beginning.so_far().iter().for_each(|event| observer.observe(event));
            observers.push(Box::new(observer));
        }
        observers
    }

    /// Writes the figures. The observers must be gone, so that nothing is under way any more.
    pub(super) fn write(&self) {
        let Some((metrics, file)) = &self.metrics else { return };
        if let Err(error) = metrics.write_to(file) {
            let message = format!("can't write the metrics to `{}`: {error}", file.display());
            self.warn("vwmp::metrics-not-written", &message);
        }
    }

    /// Sends the traces. Who asks the program to stop doesn't wait for the collector.
    #[cfg(feature = "otel")]
    pub(super) async fn send(&self, signals: &mut Signals) {
        let Some(exporter) = &self.exporter else { return };
        let problem = tokio::select! {
            sent = exporter.flush() => sent.err().map(|error| error.to_string()),
            () = signals.asked() => Some("traces were not sent: the program was asked to stop".to_owned()),
        };
        if let Some(problem) = problem {
            self.warn("vwmp::traces-not-sent", &problem);
        }
    }

    fn warn(&self, code: &str, message: &str) {
        let text = match self.form {
            Form::Json => {
                let warnings = Diagnostics::from(Diagnostic::warning(code, message));
                json!({ "type": "warnings", "diagnostics": warnings }).to_string()
            }
            Form::People | Form::Sections(_) => format!("{}: {message}", paint(YELLOW, "warning")),
        };
        self.terminal.tell(&format!("{text}\n"));
    }
}

impl Observed {
    pub(super) fn of(run: &mut Run, observers: Vec<Box<dyn Observer>>) -> Self {
        Self { events: run.events(), observers }
    }

    /// The next events; nothing after the last.
    pub(crate) async fn next(&mut self) -> Option<Arc<[Event]>> {
        let batch = self.events.as_mut()?.next().await?;
        for observer in &mut self.observers {
            batch.iter().for_each(|event| observer.observe(event));
        }
        Some(batch)
    }

    /// Tells the observers alone, until the run has ended.
    pub(super) async fn unseen(mut self) {
        if !self.observers.is_empty() {
            while self.next().await.is_some() {}
        }
    }
}
