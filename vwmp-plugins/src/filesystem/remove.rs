//! `filesystem.remove`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Entry, Files};
use vwmp_interfaces::{
    Capability, Change, Done, Effect, Metadata, Preview, StepContext, StepError, StepHandler, Undo,
    WorkspacePath, register,
};

use super::changes::{FileChanges, already_done, take_back};
use super::planned;

/// Removes files of the workspace, and with `recursive` folders with all in them.
///
/// What isn't there is fine. Of a symbolic link, the link is removed and not what it leads to. Nothing
/// is removed where one of the paths is a folder and `recursive` isn't set.
///
/// Undoing it brings all back to the byte, permissions included, as far as what was removed had at most 32 MiB; it
/// refuses when something else is there by now.
///
/// ```yaml
/// - id: tidy
///   handler: filesystem.remove
///   config: { paths: [build, dist/app.tmp], recursive: true }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// The files and folders, relative to the workspace.
    #[schemars(length(min = 1))]
    paths: Vec<WorkspacePath>,
    /// Whether folders are removed with all in them.
    #[serde(default)]
    recursive: bool,
}

/// What was removed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// Those of the paths that were there.
    paths: Vec<String>,
}

impl StepHandler for Remove {
    const NAME: &'static str = "filesystem.remove";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Removed;

    fn metadata() -> Metadata {
        Metadata { title: "Remove Files", category: "Files", icon: "✗" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Removed, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let there = self.there(ctx, &*files).await?;
        let removed = Removed { paths: names(&there) };
        if !there.is_empty() {
            let mut changes = FileChanges::new(ctx)?;
            for (path, _) in &there {
                changes.remove(path).await?;
            }
            changes.keep(&removed).await?;
        }
        for (path, entry) in &there {
            match entry {
                Entry::Directory => files.remove_all(path).await?,
                _ => files.remove(path).await?,
            }
            ctx.log().info(format!("removed {path}"));
        }
        Ok(removed)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Removed>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Removed>, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let there = self.there(ctx, &*files).await?;
        let paths = names(&there);
        let what = if paths.is_empty() { "nothing".to_owned() } else { paths.join(", ") };
        let mut preview = Preview::new(format!("removes {what}"));
        for (path, entry) in &there {
            let text = match entry {
                Entry::File { .. } => planned::text(ctx, &*files, path).await.ok().flatten(),
                _ => None,
            };
            preview.changes.push(match text {
                Some(text) => Change::File { path: path.to_string(), before: Some(text), after: None },
                None => Change::Action { description: format!("remove {path}") },
            });
        }
        Ok(preview.output(Removed { paths }))
    }
}

impl Undo for Remove {
    async fn undo(&self, output: Option<&Removed>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| !output.paths.is_empty())).await
    }
}

register!(step Remove: undo);

impl Remove {
    async fn there(
        &self,
        ctx: &StepContext,
        files: &dyn Files,
    ) -> Result<Vec<(WorkspacePath, Entry)>, StepError> {
        let mut there = Vec::new();
        for path in &self.paths {
            match planned::entry(ctx, files, path).await? {
                None => {}
                Some(Entry::Directory) if !self.recursive => {
                    return Err(StepError::permanent(format!(
                        "`{path}` is a folder; set `recursive: true` to remove it with all in it"
                    )));
                }
                Some(entry) => there.push((path.clone(), entry)),
            }
        }
        Ok(there)
    }
}

fn names(there: &[(WorkspacePath, Entry)]) -> Vec<String> {
    there.iter().map(|(path, _)| path.to_string()).collect()
}
