//! The adapter `kanban`.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::{Board, Card, CardMove};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, Change, Health, IntegrationAdapter, Metadata,
    OrFail, StepError, WorkspacePath, register,
};

use crate::document::{inside, planned, replace, take_back};

mod text;

/// A Kanban board in a Markdown file of the workspace. Serves `Board`.
///
/// Each `## Heading` is a column and each `- [ID] title` or `- [ ] [ID] title` below it a card;
/// indented lines below a card belong to it. Everything else in the file is left alone.
///
/// ```yaml
/// integration_adapters:
///   kanban:
///     config: { file: docs/KANBAN.md }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KanbanConfig {
    /// The file, relative to the workspace.
    #[serde(default = "file")]
    file: WorkspacePath,
}

/// A board in a file.
pub struct Kanban {
    file: WorkspacePath,
    full: PathBuf,
    /// Held while the file is read and written: steps run side by side.
    changing: Mutex<()>,
}

impl IntegrationAdapter for Kanban {
    const NAME: &'static str = "kanban";
    type Config = KanbanConfig;

    async fn connect(config: KanbanConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let full = inside("the board", &config.file, &ctx.workspace)?;
        Ok(Self { file: config.file, full, changing: Mutex::new(()) })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn Board>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn Board>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "Kanban Board in Markdown", category: "Project", icon: "▦" }
    }

    async fn health(&self) -> Health {
        match self.read() {
            Ok(_) => Health::Good,
            Err(error) => Health::Down(error.to_string()),
        }
    }
}

register!(adapter Kanban);

// The file is small: handing it to another thread would take longer than reading it.
impl Board for Kanban {
    fn columns(&self) -> BoxFuture<'_, Result<Vec<String>, StepError>> {
        Box::pin(async { Ok(text::columns(&self.read()?)) })
    }

    fn cards<'a>(&'a self, column: &'a str) -> BoxFuture<'a, Result<Vec<Card>, StepError>> {
        Box::pin(async move { text::cards(&self.read()?, column).map_err(|problem| self.fails(&problem)) })
    }

    fn move_cards<'a>(&'a self, request: &'a CardMove) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.read()?;
            let after = text::moved(&before, request).map_err(|problem| self.fails(&problem))?;
            if after == before { Ok(()) } else { self.write(&after) }
        })
    }

    fn preview_move<'a>(
        &'a self,
        request: &'a CardMove,
        changes: &'a [Change],
    ) -> BoxFuture<'a, Result<Vec<Change>, StepError>> {
        Box::pin(async move {
            let before = match planned(changes, self.file.as_str()).flatten() {
                Some(text) => text.to_owned(),
                None => self.read()?,
            };
            let after = text::moved(&before, request).map_err(|problem| self.fails(&problem))?;
            if after == before {
                return Ok(Vec::new());
            }
            Ok(vec![Change::File { path: self.file.to_string(), before: Some(before), after: Some(after) }])
        })
    }

    fn take_back<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            take_back("the board", changes, |path| {
                let ours = path == self.file.as_str();
                let another = || StepError::invalid(format!("the board is `{}`, not `{path}`", self.file));
                if ours { Ok(self.full.clone()) } else { Err(another()) }
            })
        })
    }
}

impl Kanban {
    fn read(&self) -> Result<String, StepError> {
        fs::read_to_string(&self.full).map_err(|error| {
            let message = match error.kind() {
                ErrorKind::NotFound => format!(
                    "there is no board `{}`; create it with a `## Heading` for each column, or set `file` in \
                     the adapter's config",
                    self.file
                ),
                _ => format!("can't read the board `{}`", self.file),
            };
            StepError::permanent(message).caused_by(error)
        })
    }

    fn write(&self, text: &str) -> Result<(), StepError> {
        replace(&self.full, text).or_permanent(format!("can't write the board `{}`", self.file))
    }

    fn fails(&self, problem: &str) -> StepError {
        StepError::permanent(format!("the board `{}` {problem}", self.file))
    }
}

fn file() -> WorkspacePath {
    WorkspacePath::parse("KANBAN.md").expect("a path inside the workspace")
}
