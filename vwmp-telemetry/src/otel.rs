//! Traces for an OpenTelemetry collector, over OTLP with HTTP.
//!
//! Spans have the times of the events and ids that come from the run's id and the events' numbers: the process that
//! continues a run goes on with its trace, and a span that is sent twice is the same span.

mod settings;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use sha2::{Digest as _, Sha256};
use vwmp_core::plan::Plan;
use vwmp_core::run::Event;

use crate::Observer;
use crate::timeline::{Change, End, Opened, Scope, Timeline, Work, went_wrong};

pub use settings::{Settings, SettingsError};

/// How many spans wait to be sent before further ones are dropped.
const MOST: usize = 50_000;
/// How many spans are sent at once.
const BATCH: usize = 512;

/// Sends the spans of runs to a collector. Clones send to the same one.
#[derive(Clone)]
pub struct Exporter(Arc<Shared>);

struct Shared {
    otlp: opentelemetry_otlp::SpanExporter,
    parent: Option<SpanContext>,
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    spans: Vec<SpanData>,
    dropped: usize,
}

/// Makes spans of what ends in one run.
pub struct RunTrace {
    exporter: Exporter,
    plan: Arc<Plan>,
    run: Arc<str>,
    timeline: Timeline,
}

/// Why spans didn't arrive.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The collector can't be used.
    #[error("can't send traces: {0}")]
    Send(String),
    /// There were too many in between two sendings.
    #[error("{0} spans were dropped: no more than {MOST} are kept until they are sent")]
    Dropped(usize),
}

impl Exporter {
    /// An exporter for a collector.
    ///
    /// # Errors
    /// When the address is none, or no connection can be prepared.
    pub fn new(settings: Settings) -> Result<Self, ExportError> {
        let failed = |error: &dyn fmt::Display| ExportError::Send(error.to_string());
        // Another provider that was installed before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(settings.timeout).build();
        let mut otlp = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client.map_err(|error| failed(&error))?)
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_endpoint(settings.endpoint)
            .with_timeout(settings.timeout)
            .with_headers(settings.headers.into_iter().collect())
            .build()
            .map_err(|error| failed(&error))?;
        let resource = opentelemetry_sdk::Resource::builder_empty()
            .with_attributes(settings.resource.into_iter().map(|(key, value)| KeyValue::new(key, value)))
            .build();
        otlp.set_resource(&resource);
        Ok(Self(Arc::new(Shared { otlp, parent: settings.parent, pending: Mutex::default() })))
    }

    /// An observer for one run of a plan.
    pub fn of_run(&self, plan: Arc<Plan>, run_id: &str) -> RunTrace {
        RunTrace { exporter: self.clone(), plan, run: run_id.into(), timeline: Timeline::default() }
    }

    /// Sends what has ended since the last time. Call it every few seconds in long runs, and at the end. Needs tokio's
    /// timer; what can't be sent is lost.
    ///
    /// # Errors
    /// When the collector didn't take everything.
    pub async fn flush(&self) -> Result<(), ExportError> {
        let Pending { mut spans, dropped } = std::mem::take(&mut *self.pending());
        while !spans.is_empty() {
            let rest = spans.split_off(spans.len().min(BATCH));
            let sent = self.0.otlp.export(std::mem::replace(&mut spans, rest)).await;
            sent.map_err(|error| ExportError::Send(error.to_string()))?;
        }
        if dropped > 0 { Err(ExportError::Dropped(dropped)) } else { Ok(()) }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, span: SpanData) {
        let mut pending = self.pending();
        if pending.spans.len() < MOST {
            pending.spans.push(span);
        } else {
            pending.dropped += 1;
        }
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

/// A span is sent when it ends. What is open at the end of the process is sent by the one that continues the run, with
/// its true beginning.
impl Observer for RunTrace {
    fn observe(&mut self, event: &Event) {
        for change in self.timeline.apply(event) {
            if let Change::Closed(scope, opened, parent, end) = change {
                self.exporter.push(self.span(scope, opened, parent, end));
            }
        }
    }

    fn catch_up(&mut self, event: &Event) {
        self.timeline.apply(event);
    }
}

impl RunTrace {
    fn span(&self, scope: Scope, opened: Opened, parent: Option<Opened>, end: End) -> SpanData {
        let above = self.exporter.0.parent.as_ref();
        let trace = above.map_or_else(|| self.trace_id(), SpanContext::trace_id);
        let id = |scope: Scope, opened: Opened| self.span_id(scope, opened);
        let parent_id = match (scope.parent(), parent) {
            (Some(scope), Some(opened)) => id(scope, opened),
            _ => above.map_or(SpanId::INVALID, SpanContext::span_id),
        };
        let (flags, state) = (TraceFlags::SAMPLED, TraceState::default());
        SpanData {
            span_context: SpanContext::new(trace, id(scope, opened), flags, false, state),
            parent_span_id: parent_id,
            parent_span_is_remote: scope == Scope::Run && above.is_some(),
            span_kind: SpanKind::Internal,
            name: self.name(scope).into(),
            start_time: opened.at.into(),
            end_time: end.at.into(),
            attributes: self.attributes(scope, end.status),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if went_wrong(end.status) {
                Status::error(end.error.unwrap_or_default())
            } else {
                Status::Unset
            },
            instrumentation_scope: InstrumentationScope::builder("vwmp")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        }
    }

    /// Names have few values, so that traces can be compared: the item and the number of the attempt are attributes.
    fn name(&self, scope: Scope) -> String {
        let step = || scope.unit().map(|unit| self.plan[unit.step].id()).unwrap_or_default();
        match scope {
            Scope::Run => self.plan.workflow_name().to_owned(),
            Scope::Step(_) => step().to_owned(),
            Scope::Undo(_) => format!("undo {}", step()),
            Scope::Attempt(_, Work::LookUp, _) => "look up".to_owned(),
            Scope::Attempt(..) => "attempt".to_owned(),
        }
    }

    fn attributes(&self, scope: Scope, status: &'static str) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new("vwmp.run", Arc::clone(&self.run)),
            KeyValue::new("vwmp.workflow", self.plan.workflow_name().to_owned()),
            KeyValue::new("vwmp.status", status),
        ];
        if let Some(unit) = scope.unit() {
            attributes.push(KeyValue::new("vwmp.step", unit.id(&self.plan)));
            attributes.push(KeyValue::new("vwmp.handler", self.plan[unit.step].handler().name().to_owned()));
        }
        if let Scope::Attempt(_, Work::Execute | Work::Undo, attempt) = scope {
            attributes.push(KeyValue::new("vwmp.attempt", i64::from(attempt)));
        }
        attributes
    }

    fn trace_id(&self) -> TraceId {
        TraceId::from_bytes(first_bytes(Sha256::new_with_prefix(&*self.run)))
    }

    /// A step and its first attempt begin with the same event, but not equally far below the run.
    fn span_id(&self, scope: Scope, opened: Opened) -> SpanId {
        let digest = Sha256::new_with_prefix(&*self.run).chain_update([0, scope.depth()]);
        SpanId::from_bytes(first_bytes(digest.chain_update(opened.seq.to_be_bytes())))
    }
}

fn first_bytes<const N: usize>(digest: Sha256) -> [u8; N] {
    let digest = digest.finalize();
    std::array::from_fn(|i| digest[i])
}
