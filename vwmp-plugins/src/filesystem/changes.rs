//! What a step is about to change in files, kept before it acts, so that it can be taken back to the byte.
//!
//! Each attempt adds one entry to a list ([`StepContext::note`]): what every path has before and will have after.
//! Contents come along in one piece, up to [`KEPT_AT_MOST`].

mod state;
mod take_back;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::capability::{Entry, Files, Snapshot};
use vwmp_interfaces::{OrFail, StepContext, StepError, WorkspacePath};

pub(crate) use state::State;
use state::too_large;
pub(crate) use take_back::{already_done, begin_anew, take_back};

/// How much content one attempt keeps, in bytes. What is larger can't be brought back.
const KEPT_AT_MOST: u64 = 32 << 20;

/// The list that attempts add to.
const LIST: &str = "files";

/// What an attempt is about to change.
pub(crate) struct FileChanges<'c> {
    ctx: &'c StepContext,
    files: Arc<dyn Files>,
    changes: Vec<FileChange>,
    content: Vec<u8>,
}

/// What an attempt kept.
#[derive(Serialize, Deserialize)]
struct Noted {
    changes: Vec<FileChange>,
    /// The name under which the contents are kept.
    content: Option<String>,
    /// What the attempt would give.
    output: Value,
}

/// How one path changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FileChange {
    path: WorkspacePath,
    before: State,
    after: State,
    /// Where the content before begins in what is kept, and its length; nothing where it was too large.
    content: Option<(usize, usize)>,
}

impl<'c> FileChanges<'c> {
    /// Nothing yet.
    pub(crate) fn new(ctx: &'c StepContext) -> Result<Self, StepError> {
        Ok(Self { ctx, files: ctx.require::<dyn Files>()?, changes: Vec::new(), content: Vec::new() })
    }

    /// A file gets this content; its permissions stay.
    pub(crate) async fn write(&mut self, path: &WorkspacePath, content: &[u8]) -> Result<(), StepError> {
        let path = self.files.resolve(path).await?;
        self.folders_above(&path).await?;
        let change = self.change_of(path).await?;
        let mut after = State::file(content);
        if let (State::File { mode, .. }, State::File { mode: before, .. }) = (&mut after, &change.before) {
            *mode = *before;
        }
        self.changes.push(FileChange { after, ..change });
        Ok(())
    }

    /// What is there goes, with all in it.
    pub(crate) async fn remove(&mut self, path: &WorkspacePath) -> Result<(), StepError> {
        let path = self.placed(path).await?;
        let below = match self.files.entry(&path).await? {
            Some(Entry::Directory) => self.files.walk(Some(&path)).await?,
            _ => Vec::new(),
        };
        let size = |(_, entry): &(WorkspacePath, Entry)| match entry {
            Entry::File { size, .. } => *size,
            _ => 0,
        };
        if below.iter().map(size).sum::<u64>() > KEPT_AT_MOST {
            let before = State::Unkept { why: too_large() };
            self.changes.push(FileChange { path, before, after: State::Absent, content: None });
            return Ok(());
        }
        for path in std::iter::once(path).chain(below.into_iter().map(|(path, _)| path)) {
            let change = self.change_of(path).await?;
            self.changes.push(change);
        }
        Ok(())
    }

    /// Something is moved here, over the file that may be there. Taking back begins when it is gone again.
    pub(crate) async fn make_room(&mut self, path: &WorkspacePath) -> Result<(), StepError> {
        let path = self.placed(path).await?;
        self.folders_above(&path).await?;
        let change = self.change_of(path).await?;
        if change.before != State::Absent {
            self.changes.push(change);
        }
        Ok(())
    }

    /// A file or a folder is copied, with all in it.
    pub(crate) async fn copy(&mut self, from: &WorkspacePath, to: &WorkspacePath) -> Result<(), StepError> {
        let (from, to) = (self.files.resolve(from).await?, self.files.resolve(to).await?);
        self.folders_above(&to).await?;
        let mut copied = vec![(from.clone(), to.clone())];
        if let Some(Entry::Directory) = self.files.entry(&from).await? {
            for (path, _) in self.files.walk(Some(&from)).await? {
                let below = path.as_str().strip_prefix(from.as_str()).unwrap_or_default();
                let target = WorkspacePath::parse(&format!("{to}{below}")).map_err(StepError::invalid)?;
                copied.push((path, target));
            }
        }
        for (from, to) in copied {
            let after = State::of(self.files.snapshot(&from, 0).await?.as_ref());
            let change = self.change_of(to).await?;
            self.changes.push(FileChange { after, ..change });
        }
        Ok(())
    }

    /// Keeps it, with what the attempt would give; to be called before acting.
    pub(crate) async fn keep(self, output: &impl Serialize) -> Result<(), StepError> {
        let output = serde_json::to_value(output).or_permanent("the output can't be kept")?;
        let content = if self.content.is_empty() {
            None
        } else {
            let name = format!("content.{}", blake3::hash(&self.content).to_hex());
            self.ctx.keep(&name, &self.content).await?;
            Some(name)
        };
        self.ctx.note(LIST, &Noted { changes: self.changes, content, output }).await
    }

    /// What is at a path now, with its content as far as there is room for it.
    async fn change_of(&mut self, path: WorkspacePath) -> Result<FileChange, StepError> {
        let room = KEPT_AT_MOST.saturating_sub(self.content.len() as u64);
        let snapshot = self.files.snapshot(&path, room).await?;
        let (before, mut content) = (State::of(snapshot.as_ref()), None);
        if let Some(Snapshot::File { content: Some(bytes), .. }) = snapshot {
            content = Some((self.content.len(), bytes.len()));
            self.content.extend(bytes);
        }
        Ok(FileChange { path, before, after: State::Absent, content })
    }

    /// The folders that will be made for a path, the outer ones first.
    async fn folders_above(&mut self, path: &WorkspacePath) -> Result<(), StepError> {
        let (mut folder, mut made) = (parent(path), Vec::new());
        while let Some(path) = folder {
            let known = self.changes.iter().any(|change| change.path == path);
            if known || self.files.entry(&path).await?.is_some() {
                break;
            }
            folder = parent(&path);
            let after = State::Directory { mode: None };
            made.push(FileChange { path, before: State::Absent, after, content: None });
        }
        self.changes.extend(made.into_iter().rev());
        Ok(())
    }

    /// Where a path is, links followed but for the last part.
    async fn placed(&self, path: &WorkspacePath) -> Result<WorkspacePath, StepError> {
        let Some(folder) = parent(path) else { return Ok(path.clone()) };
        let name = path.as_str().rsplit('/').next().unwrap_or_default();
        let folder = self.files.resolve(&folder).await?;
        WorkspacePath::parse(&format!("{folder}/{name}")).map_err(StepError::invalid)
    }
}

fn parent(path: &WorkspacePath) -> Option<WorkspacePath> {
    let (folder, _) = path.as_str().rsplit_once('/')?;
    WorkspacePath::parse(folder).ok()
}
