//! A subscriber that remembers spans.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// What was traced, in the order in which it began. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Recorded>>>);

#[derive(Debug, Clone, Default)]
struct Recorded {
    id: Option<Id>,
    parent: Option<usize>,
    name: String,
    fields: BTreeMap<&'static str, String>,
    closed: bool,
}

impl Recorder {
    /// A line for each span and event: as deep as it is nested, with its name and the fields that are asked for.
    pub(super) fn tree(&self, fields: &[&str]) -> Vec<String> {
        let all = self.0.lock().unwrap();
        let depth = |one: &Recorded| std::iter::successors(one.parent, |parent| all[*parent].parent).count();
        let line = |one: &Recorded| {
            let values: Vec<_> = fields.iter().filter_map(|field| one.fields.get(field)).cloned().collect();
            format!("{}{} {}", "  ".repeat(depth(one)), one.name, values.join(" ")).trim_end().to_owned()
        };
        all.iter().map(line).collect()
    }

    pub(super) fn open(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|one| !one.closed).count()
    }

    fn place(&self, id: &Id) -> Option<usize> {
        self.0.lock().unwrap().iter().rposition(|one| one.id.as_ref() == Some(id))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let parent = ctx.span(id).and_then(|span| span.parent()).and_then(|parent| self.place(&parent.id()));
        let mut span = Recorded { id: Some(id.clone()), parent, ..Recorded::default() };
        span.name = attributes.metadata().name().to_owned();
        attributes.record(&mut span);
        self.0.lock().unwrap().push(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let place = self.place(id).unwrap();
        values.record(&mut self.0.lock().unwrap()[place]);
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let parent = ctx.event_span(event).and_then(|parent| self.place(&parent.id()));
        let mut recorded = Recorded { parent, name: "*".to_owned(), closed: true, ..Recorded::default() };
        event.record(&mut recorded);
        self.0.lock().unwrap().push(recorded);
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let place = self.place(&id).unwrap();
        self.0.lock().unwrap()[place].closed = true;
    }
}

impl Visit for Recorded {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}
