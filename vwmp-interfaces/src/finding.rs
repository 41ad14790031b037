//! What a plugin finds wrong in what a user wrote, before anything runs.

use std::ops::Range;

/// Findings of one check, in the order they were made.
#[derive(Debug, Clone, Default)]
pub struct Findings(Vec<Finding>);

/// One thing that is wrong or doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name, such as `release::tag-before-commit`.
    pub code: String,
    /// Whether the workflow may still be used.
    pub warning: bool,
    /// Where.
    pub place: Place,
    /// What is wrong, lower case, in the user's words.
    pub message: String,
    /// What to do, where that can be said.
    pub help: Option<String>,
}

/// A place in a workflow, by its meaning; the engine turns it into a line and a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The workflow as a whole.
    Workflow,
    /// The step with this number in [`crate::WorkflowOutline::steps`].
    Step(usize),
    /// The config that is being checked, or a part of it, by JSON pointer (`/run`, or empty).
    Config(String),
    /// A part of a text in the config that is being checked: where the text is, and the bytes of it.
    ConfigText(String, Range<usize>),
    /// A part of the config of a step, by number and JSON pointer.
    StepConfig(usize, String),
}

impl Place {
    /// Where in the config it is, by JSON pointer, when it is there.
    pub fn config(&self) -> Option<&str> {
        match self {
            Self::Config(pointer) | Self::ConfigText(pointer, _) | Self::StepConfig(_, pointer) => {
                Some(pointer)
            }
            Self::Workflow | Self::Step(_) => None,
        }
    }
}

impl Findings {
    /// Adds something that makes the workflow unusable.
    pub fn error(&mut self, code: impl Into<String>, place: Place, message: impl Into<String>) -> &mut Self {
        self.push(code.into(), false, place, message.into())
    }

    /// Adds something that is probably a mistake.
    pub fn warning(
        &mut self,
        code: impl Into<String>,
        place: Place,
        message: impl Into<String>,
    ) -> &mut Self {
        self.push(code.into(), true, place, message.into())
    }

    /// Says what to do about the finding added last.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        if let Some(last) = self.0.last_mut() {
            last.help = Some(help.into());
        }
        self
    }

    fn push(&mut self, code: String, warning: bool, place: Place, message: String) -> &mut Self {
        self.0.push(Finding { code, warning, place, message, help: None });
        self
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
