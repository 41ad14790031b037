//! `filesystem.move`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Entry, Files};
use vwmp_interfaces::{
    Capability, Done, Effect, Metadata, Preview, StepContext, StepError, StepHandler, Undo, WorkspacePath,
    register,
};

use crate::kept::nothing_kept;

use super::changes::{FileChanges, State, take_back};
use super::disk::nothing_at;
use super::planned;

/// Moves a file or a folder of the workspace in one go, or renames it.
///
/// A file at the new path is replaced only with `replace`; a folder never is. Fails where there is
/// nothing to move, where a path leads out of the workspace, and where the new path is on another disk.
///
/// Undoing it moves it back and restores the file that it replaced (if that had at most 32 MiB). It refuses when the
/// file has been changed since, and when something is at the old path again.
///
/// ```yaml
/// - id: publish
///   handler: filesystem.move
///   config: { from: build/report.html, to: public/index.html, replace: true }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The file or folder, relative to the workspace.
    from: WorkspacePath,
    /// The new path, relative to the workspace: the path itself, not the folder that it will be in.
    to: WorkspacePath,
    /// Whether a file there may be replaced.
    #[serde(default)]
    replace: bool,
}

/// What was moved.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MoveMade {
    /// The new path, relative to the workspace.
    path: String,
    /// Whether a file was replaced.
    replaced: bool,
}

impl StepHandler for Move {
    const NAME: &'static str = "filesystem.move";
    const EFFECT: Effect = Effect::Once;
    type Output = MoveMade;

    fn metadata() -> Metadata {
        Metadata { title: "Move a File", category: "Files", icon: "→" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<MoveMade, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let replaced = self.replaces(ctx, &*files).await?;
        let moved = now(&*files, &self.from).await?;
        let mut changes = FileChanges::new(ctx)?;
        changes.make_room(&self.to).await?;
        changes.keep(&()).await?;
        ctx.note(LIST, &Noted { moved, replaced }).await?;
        files.rename(&self.from, &self.to).await?;
        ctx.log().info(format!("moved {} to {}", self.from, self.to));
        Ok(self.made(replaced))
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<MoveMade>, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let Some(Noted { moved, replaced }) = ctx.notes::<Noted>(LIST).await?.pop() else {
            return Ok(Done::No);
        };
        Ok(match now(&*files, &self.from).await? {
            State::Absent if moved.fits(&now(&*files, &self.to).await?) => Done::Yes(self.made(replaced)),
            from if moved.fits(&from) => Done::No,
            _ => Done::Unknown,
        })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<MoveMade>, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let replaced = self.replaces(ctx, &*files).await?;
        Ok(Preview::new(format!("moves {} to {}", self.from, self.to))
            .action(format!("move {} to {}", self.from, self.to))
            .output(self.made(replaced)))
    }
}

impl Undo for Move {
    async fn undo(&self, output: Option<&MoveMade>, ctx: &StepContext) -> Result<(), StepError> {
        let files = ctx.require::<dyn Files>()?;
        let Some(Noted { moved, .. }) = ctx.notes::<Noted>(LIST).await?.pop() else {
            return nothing_kept(output.is_some());
        };
        let (from, to) = (now(&*files, &self.from).await?, now(&*files, &self.to).await?);
        let fails = |why: &str| StepError::permanent(format!("can't move `{}` back: {why}", self.to));
        if from == State::Absent && moved.fits(&to) {
            files.rename(&self.to, &self.from).await?;
            ctx.log().info(format!("moved {} back to {}", self.to, self.from));
        } else if from == State::Absent {
            return Err(fails("it has been changed since"));
        } else if !moved.fits(&from) {
            return Err(fails(&format!("`{}` exists again", self.from)));
        }
        take_back(ctx, output.is_some()).await
    }
}

register!(step Move: undo);

/// The list of what attempts are about to move.
const LIST: &str = "moved";

/// What an attempt is about to move.
#[derive(Serialize, Deserialize)]
struct Noted {
    moved: State,
    replaced: bool,
}

async fn now(files: &dyn Files, path: &WorkspacePath) -> Result<State, StepError> {
    Ok(State::of(files.snapshot(path, 0).await?.as_ref()))
}

impl Move {
    fn made(&self, replaced: bool) -> MoveMade {
        MoveMade { path: self.to.to_string(), replaced }
    }

    async fn replaces(&self, ctx: &StepContext, files: &dyn Files) -> Result<bool, StepError> {
        let there = planned::entry(ctx, files, &self.to).await?;
        match (planned::entry(ctx, files, &self.from).await?, there) {
            (None, _) => Err(nothing_at(&self.from)),
            (Some(_), None) => Ok(false),
            (Some(Entry::Directory), Some(_)) | (Some(_), Some(Entry::Directory)) => {
                Err(StepError::permanent(format!("`{}` exists already; remove it first", self.to)))
            }
            (Some(_), Some(_)) if self.replace => Ok(true),
            (Some(_), Some(_)) => Err(StepError::permanent(format!(
                "`{}` exists already; set `replace: true` to replace it",
                self.to
            ))),
        }
    }
}
