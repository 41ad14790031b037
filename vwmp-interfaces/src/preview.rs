//! What a step would do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a step would do, as `vwmp plan` shows it.
#[derive(Debug, Clone)]
pub struct Preview<T> {
    /// One line; empty when the handler can't say.
    pub summary: String,
    /// What would change outside, in order.
    pub changes: Vec<Change>,
    /// The output, where it is known before the work is done. Later steps are previewed with it.
    pub output: Option<T>,
    /// The parts of the output that are known where the whole is not.
    pub known: Map<String, Value>,
}

/// One thing that would change outside the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A text file of the workspace gets other content.
    File {
        /// The file, relative to the workspace, with forward slashes.
        path: String,
        /// The content now; nothing when there is no such file.
        before: Option<String>,
        /// The content then; nothing when the file is removed.
        after: Option<String>,
    },
    /// Something else happens, such as a command or a request.
    Action {
        /// What, as exactly as possible.
        description: String,
    },
}

impl<T> Preview<T> {
    /// A preview of a step that can't say what it would do.
    pub fn unknown() -> Self {
        Self { summary: String::new(), changes: Vec::new(), output: None, known: Map::new() }
    }

    /// A preview that begins with one line about the whole.
    pub fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), ..Self::unknown() }
    }

    /// Adds a file that would get other content.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, before: Option<String>, after: impl Into<String>) -> Self {
        self.changes.push(Change::File { path: path.into(), before, after: Some(after.into()) });
        self
    }

    /// Adds something that would happen outside the workspace's files.
    #[must_use]
    pub fn action(mut self, description: impl Into<String>) -> Self {
        self.changes.push(Change::Action { description: description.into() });
        self
    }

    /// Says what the output would be.
    #[must_use]
    pub fn output(mut self, output: T) -> Self {
        self.output = Some(output);
        self
    }

    /// Says one part of the output, where the whole can't be known yet.
    #[must_use]
    pub fn known(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.known.insert(name.into(), value.into());
        self
    }
}
