//! A run at a terminal: what happened scrolls by, the steps under way stay at the bottom.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use vwmp_core::plan::{Plan, StepIndex};
use vwmp_core::run::{Event, EventKind, Unit};

use super::View;
use super::before::{Before, mark};
use super::feed::News;
use super::keys::SilentKeys;
use super::words::Words;
use crate::next::Next;
use crate::render::{counted, plain, report};
use crate::terminal::Terminal;

/// Lines that scroll by, then one for the whole, then one for each step under way.
pub(super) struct Live {
    terminal: Terminal,
    words: Words,
    plan: Arc<Plan>,
    screen: MultiProgress,
    whole: ProgressBar,
    steps: HashMap<Unit, ProgressBar>,
    ended: HashSet<StepIndex>,
    /// Lines that have not been shown yet: to draw once is faster.
    lines: String,
    _keys: Option<SilentKeys>,
}

/// More steps under way are counted, not shown.
const MOST: usize = 10;

impl Live {
    pub(super) fn new(terminal: Terminal, plan: Arc<Plan>, next: Next) -> Self {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let whole = screen.add(ProgressBar::new(plan.steps().len() as u64));
        whole.set_style(style("{msg}"));
        let words = Words::new(Arc::clone(&plan), next);
        Self {
            terminal,
            words,
            plan,
            screen,
            whole,
            steps: HashMap::new(),
            ended: HashSet::new(),
            lines: String::new(),
            _keys: SilentKeys::ask(),
        }
    }

    fn line(&mut self, text: &str) {
        if self.terminal.colors_stderr() {
            self.lines.push_str(text);
        } else {
            self.lines.extend(anstream::adapter::strip_str(text));
        }
        self.lines.push('\n');
    }

    fn start(&mut self, step: Unit) {
        if self.steps.len() >= MOST || self.steps.contains_key(&step) {
            return;
        }
        let bar = self.screen.add(ProgressBar::new_spinner());
        let color = if self.terminal.colors_stderr() { ":.cyan" } else { "" };
        bar.set_style(style(&format!("{{spinner{color}}} {{prefix}} {{elapsed}} {{wide_msg}}")));
        bar.set_prefix(step.id(&self.plan));
        self.steps.insert(step, bar);
    }

    fn end(&mut self, step: Unit) {
        if let Some(bar) = self.steps.remove(&step) {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }

    fn progress(&self, step: &str, progress: &vwmp_interfaces::log::Progress) {
        let bar = Unit::named(step, &self.plan).and_then(|step| self.steps.get(&step));
        let Some(bar) = bar else { return };
        let message = plain(&progress.message);
        bar.set_message(match progress.total {
            Some(total) => format!("{}/{total} {message}", progress.done),
            None => message,
        });
    }
}

impl View for Live {
    fn catch_up(&mut self, before: &Before) {
        self.ended.clone_from(&before.ended);
        before.asked.values().for_each(|event| self.event(event));
    }

    fn event(&mut self, event: &Event) {
        mark(&mut self.ended, event);
        match &event.kind {
            EventKind::AttemptStarted { step, .. }
            | EventKind::LookupStarted { step }
            | EventKind::UndoStarted { step, .. } => self.start(*step),
            EventKind::AttemptFinished { step, .. }
            | EventKind::LookupFinished { step, .. }
            | EventKind::UndoFinished { step, .. } => self.end(*step),
            _ => {}
        }
        // The line of a step under way says already that it started.
        let told = self.words.tell(event);
        if let Some(text) =
            told.filter(|_| !matches!(event.kind, EventKind::AttemptStarted { attempt: 1, .. }))
        {
            self.line(&text);
        }
        if matches!(event.kind, EventKind::RunFinished { .. }) {
            self.whole.finish_and_clear();
        }
    }

    fn news(&mut self, news: News) {
        match news {
            News::Line(line) => self.line(&report::log_line(&line)),
            News::Progress(step, progress) => self.progress(&step, &progress),
        }
    }

    fn pause(&mut self, paused: bool) {
        let target = if paused { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        if paused {
            // What is shown would stay above the question.
            let _ = self.screen.clear();
        }
        self.screen.set_draw_target(target);
    }

    fn tick(&mut self) {
        self.steps.values().for_each(ProgressBar::tick);
        self.words.tick().iter().for_each(|text| self.line(text));
        let all = self.plan.steps().len();
        self.whole.set_message(format!("{} of {} ended", self.ended.len(), counted(all, "step")));
    }

    fn rest(&mut self) {
        if !self.lines.is_empty() {
            // A terminal that is gone has nobody in front of it.
            let _ = self.screen.println(self.lines.trim_end_matches('\n'));
            self.lines.clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates above are right, and a wrong one only looks plain.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}
