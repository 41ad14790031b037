//! A run as JSON, an object a line, for programs that follow it.

use std::io::Write;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use vwmp_core::plan::Plan;
use vwmp_core::run::{Event, Unit};

use super::feed::News;
use super::{Before, View};
use crate::terminal::Terminal;

/// One object for each event, each line, and each progress of a step.
pub(super) struct JsonLines {
    plan: Arc<Plan>,
    out: Box<dyn Write + Send>,
}

impl JsonLines {
    pub(super) fn new(terminal: Terminal, plan: Arc<Plan>) -> Self {
        Self { plan, out: Box::new(terminal.err()) }
    }

    fn write(&mut self, object: &Value) {
        // Whatever can't be written here is in the report as well.
        let _ = writeln!(self.out, "{object}");
    }
}

impl View for JsonLines {
    /// Each event is written once, by the process that recorded it.
    fn catch_up(&mut self, _: &Before) {}

    fn event(&mut self, event: &Event) {
        let mut object = json!(event);
        // People and programs know steps by their ids.
        for pointer in ["/step", "/cause/step"] {
            let Some(place) = object.pointer_mut(pointer) else { continue };
            if let Ok(unit) = serde_json::from_value::<Unit>(place.take()) {
                *place = unit.id(&self.plan).into();
            }
        }
        let micros = i64::try_from(event.at.as_micros()).unwrap_or(i64::MAX);
        object["at"] = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX).to_string().into();
        let mut line = json!({ "type": "event" });
        if let (Some(line), Value::Object(entries)) = (line.as_object_mut(), object) {
            line.extend(entries);
        }
        self.write(&line);
    }

    fn news(&mut self, news: News) {
        self.write(&match news {
            News::Line(line) => json!({
                "type": "line", "step": line.step, "attempt": line.attempt, "stream": line.stream, "text": line.text,
            }),
            News::Progress(step, progress) => json!({
                "type": "progress", "step": step, "done": progress.done, "total": progress.total,
                "message": progress.message,
            }),
        });
    }

    fn rest(&mut self) {
        let _ = self.out.flush();
    }
}
