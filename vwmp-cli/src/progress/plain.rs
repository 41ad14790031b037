//! A run in lines, for logs and files.

use std::io::Write;
use std::sync::Arc;

use vwmp_core::plan::Plan;
use vwmp_core::run::Event;

use super::View;
use super::feed::News;
use super::words::Words;
use crate::next::Next;
use crate::render::{report, time_of_day};
use crate::terminal::{DIM, Terminal, paint};

/// A line for everything that happens.
pub(super) struct Plain {
    words: Words,
    out: Box<dyn Write + Send>,
}

impl Plain {
    pub(super) fn new(terminal: Terminal, plan: Arc<Plan>, next: Next) -> Self {
        Self { words: Words::new(plan, next), out: Box::new(terminal.err()) }
    }
}

// Whatever can't be written here is in the report as well, so errors are passed over.
impl View for Plain {
    fn event(&mut self, event: &Event) {
        if let Some(text) = self.words.tell(event) {
            let _ = writeln!(self.out, "{} {text}", paint(DIM, time_of_day(event.at)));
        }
    }

    fn news(&mut self, news: News) {
        if let News::Line(line) = news {
            let _ = writeln!(self.out, "{}", report::log_line(&line));
        }
    }

    fn tick(&mut self) {
        for text in self.words.tick() {
            let _ = writeln!(self.out, "{text}");
        }
    }

    fn rest(&mut self) {
        let _ = self.out.flush();
    }
}
