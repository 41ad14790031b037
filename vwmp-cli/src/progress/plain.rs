//! A run in lines, for logs and files.

use std::io::Write;
use std::sync::Arc;

use jiff::tz::TimeZone;
use vwmp_core::plan::Plan;
use vwmp_core::run::Event;
use vwmp_interfaces::Timestamp;

use super::View;
use super::feed::News;
use super::words::Words;
use crate::render::report;
use crate::terminal::{DIM, Terminal, paint};

/// A line for everything that happens.
pub(super) struct Plain {
    words: Words,
    zone: TimeZone,
    out: Box<dyn Write + Send>,
}

impl Plain {
    pub(super) fn new(terminal: Terminal, plan: Arc<Plan>) -> Self {
        Self { words: Words::new(plan), zone: TimeZone::system(), out: Box::new(terminal.err()) }
    }

    fn time(&self, at: Timestamp) -> String {
        let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
        let time = time.to_zoned(self.zone.clone());
        format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
    }
}

// Whatever can't be written here is in the report as well, so errors are passed over.
impl View for Plain {
    fn event(&mut self, event: &Event) {
        if let Some(text) = self.words.tell(event) {
            let _ = writeln!(self.out, "{} {text}", paint(DIM, self.time(event.at)));
        }
    }

    fn news(&mut self, news: News) {
        if let News::Line(line) = news {
            let _ = writeln!(self.out, "{}", report::log_line(&line));
        }
    }

    fn rest(&mut self) {
        let _ = self.out.flush();
    }
}
