//! Approvals that are given at the terminal where the run is shown.

use std::collections::VecDeque;
use std::io::BufRead as _;

use tokio::sync::mpsc;
use vwmp_core::run::RunControl;

use crate::render::plain;
use crate::terminal::{BOLD, Terminal, paint};

/// Asks whoever sits in front of the program, one question at a time.
pub(crate) struct Asking {
    terminal: Terminal,
    by: String,
    control: RunControl,
    /// The steps that ask, with their questions; the first one is being asked.
    open: VecDeque<(String, String)>,
    /// Whether the cursor is behind a question.
    below: bool,
    /// What is typed. Read from the first question on, and by nobody else.
    lines: Option<mpsc::UnboundedReceiver<String>>,
    /// Whether nothing more can be typed.
    over: bool,
}

impl Asking {
    pub(crate) fn new(terminal: Terminal, by: String, control: RunControl) -> Self {
        Self { terminal, by, control, open: VecDeque::new(), below: false, lines: None, over: false }
    }

    /// Whether a question is being asked: nothing else is to be written below it.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty() && !self.over
    }

    /// A step asks for an approval.
    pub(crate) fn add(&mut self, step: String, message: &str) {
        self.open.push_back((step, plain(message.lines().next().unwrap_or_default())));
        if self.open.len() == 1 {
            self.ask();
        }
    }

    /// A step doesn't ask any more: somebody answered, here or elsewhere, or it ended.
    pub(crate) fn remove(&mut self, step: &str) {
        let first = self.open.front().is_some_and(|(id, _)| id == step);
        self.open.retain(|(id, _)| id != step);
        if first {
            // Nobody here has ended the line.
            if std::mem::take(&mut self.below) {
                self.terminal.tell("\n");
            }
            self.ask();
        }
    }

    /// The next thing that is typed; never, when nothing is.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let Some(lines) = self.lines.as_mut().filter(|_| !self.over) else {
            return std::future::pending().await;
        };
        let line = lines.recv().await;
        if line.is_none() {
            self.over = true;
            self.below = false;
            // Ctrl-D, or a terminal that is gone.
            let told = "\nnothing more can be typed here: answer with one of the commands above, or cancel with Ctrl-C\n";
            self.terminal.tell(told);
        }
        line
    }

    /// Takes what was typed as the answer to the first question.
    pub(crate) fn typed(&mut self, line: &str) {
        self.below = false;
        let Some((step, _)) = self.open.front() else { return };
        let approved = match line.trim().to_lowercase().as_str() {
            "y" | "yes" => true,
            "n" | "no" => false,
            _ => return self.ask(),
        };
        self.control.answer(step, approved, &self.by, "");
        // The next question comes when the answer is recorded.
    }

    fn ask(&mut self) {
        let Some((step, message)) = self.open.front().filter(|_| !self.over) else { return };
        self.terminal.tell(&format!("{}: {message} [y/n] ", paint(BOLD, step)));
        self.below = true;
        self.lines.get_or_insert_with(read_lines);
    }
}

/// Reads stdin on a thread of its own, which ends with the program: it can't be told to stop waiting.
fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
