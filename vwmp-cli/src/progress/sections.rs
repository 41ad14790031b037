//! A run in the log of a service that folds sections: what a step writes is one section.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use vwmp_core::plan::Plan;
use vwmp_core::run::{Event, EventKind, Unit};

use super::View;
use super::feed::News;
use super::words::Words;
use crate::ci::{self, Service};
use crate::next::Next;
use crate::render::report;
use crate::terminal::Terminal;

/// Sections can't overlap, but steps do: one step at a time has the floor, what others say waits.
pub(super) struct Sections {
    service: Service,
    words: Words,
    plan: Arc<Plan>,
    out: Box<dyn Write + Send>,
    raw: Box<dyn Write + Send>,
    /// The step whose section is open.
    floor: Option<Unit>,
    /// What is to be shown when the floor is free, in order.
    waiting: VecDeque<Waiting>,
    /// What no step can guess, so that none can give the service commands.
    token: String,
}

/// What waits for the floor.
enum Waiting {
    Lines { step: Unit, lines: Vec<String>, ended: bool },
    Line(String),
}

impl Sections {
    pub(super) fn new(terminal: Terminal, plan: Arc<Plan>, next: Next, service: Service) -> Self {
        Self {
            service,
            words: Words::new(Arc::clone(&plan), next),
            plan,
            out: Box::new(terminal.err()),
            raw: Box::new(std::io::stderr()),
            floor: None,
            waiting: VecDeque::new(),
            token: ci::token(),
        }
    }

    fn line(&mut self, step: Unit, text: String) {
        if self.floor.is_none() && self.waiting.is_empty() {
            self.open(step);
        }
        if self.floor == Some(step) {
            return self.write(&text);
        }
        let own = self.waiting.iter_mut().rev().find_map(|one| match one {
            Waiting::Lines { step: its, lines, ended: false } if *its == step => Some(lines),
            _ => None,
        });
        match own {
            Some(lines) => lines.push(text),
            None => self.waiting.push_back(Waiting::Lines { step, lines: vec![text], ended: false }),
        }
    }

    /// The step says no more in this attempt.
    fn end(&mut self, step: Unit) {
        if self.floor == Some(step) {
            self.close(step);
            return self.next();
        }
        for one in &mut self.waiting {
            if let Waiting::Lines { step: its, ended, .. } = one
                && *its == step
            {
                *ended = true;
            }
        }
    }

    /// Shows what waits, until a step that is under way has the floor.
    fn next(&mut self) {
        while let Some(one) = self.waiting.pop_front() {
            match one {
                Waiting::Line(text) => self.write(&text),
                Waiting::Lines { step, lines, ended } => {
                    self.open(step);
                    lines.iter().for_each(|line| self.write(line));
                    if !ended {
                        return;
                    }
                    self.close(step);
                }
            }
        }
    }

    fn tell(&mut self, text: String) {
        if self.floor.is_some() || !self.waiting.is_empty() {
            self.waiting.push_back(Waiting::Line(text));
        } else {
            self.write(&text);
        }
    }

    fn open(&mut self, step: Unit) {
        self.floor = Some(step);
        let id = step.id(&self.plan);
        self.mark(&match self.service {
            Service::GitHub => format!("::group::{id}\n::stop-commands::{}\n", self.token),
            Service::GitLab => {
                format!("\u{1b}[0Ksection_start:{}:{id}[collapsed=true]\r\u{1b}[0K{id}\n", now())
            }
        });
    }

    fn close(&mut self, step: Unit) {
        self.floor = None;
        let id = step.id(&self.plan);
        self.mark(&match self.service {
            Service::GitHub => format!("::{}::\n::endgroup::\n", self.token),
            Service::GitLab => format!("\u{1b}[0Ksection_end:{}:{id}\r\u{1b}[0K\n", now()),
        });
    }

    fn write(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }

    /// A mark is written as it is: where colors are left out, it must not be.
    fn mark(&mut self, text: &str) {
        let _ = self.out.flush();
        let _ = self.raw.write_all(text.as_bytes()).and_then(|()| self.raw.flush());
    }
}

impl View for Sections {
    fn event(&mut self, event: &Event) {
        if let EventKind::AttemptFinished { step, .. } | EventKind::UndoFinished { step, .. } = &event.kind {
            self.end(*step);
        }
        if let Some(text) = self.words.tell(event) {
            self.tell(text);
        }
    }

    fn news(&mut self, news: News) {
        if let News::Line(line) = news
            && let Some(step) = Unit::named(&line.step, &self.plan)
        {
            self.line(step, report::log_line(&line));
        }
    }

    fn tick(&mut self) {
        self.words.tick().into_iter().for_each(|text| self.tell(text));
    }

    fn rest(&mut self) {
        let _ = self.out.flush();
    }
}

impl Drop for Sections {
    fn drop(&mut self) {
        if let Some(step) = self.floor {
            self.close(step);
        }
        self.next();
        let _ = self.out.flush();
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
