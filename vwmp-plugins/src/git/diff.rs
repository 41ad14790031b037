//! `git.diff`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{DiffRequest, VersionControl};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use super::log::require_revision;
use super::names::revision_problem;
use super::planned::{in_repository, listed};

/// Tells what differs between two revisions, or between one and the files as they are.
///
/// Untracked files don't count. The patch is plain text, whatever colours and tools the user has set
/// up. Fails where `from` or `to` doesn't exist.
///
/// ```yaml
/// - id: since-release
///   handler: git.diff
///   config: { from: v1.2.0, to: HEAD, paths: [src] }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// A tag, branch or commit; the last commit where none is given.
    #[serde(default)]
    from: Option<String>,
    /// A tag, branch or commit; the files as they are where none is given.
    #[serde(default)]
    to: Option<String>,
    /// Whether to compare with what is staged instead of the files as they are.
    #[serde(default)]
    staged: bool,
    /// Only these, and all below them, relative to the workspace.
    #[serde(default)]
    paths: Vec<WorkspacePath>,
    /// Whether to give the text of the difference too.
    #[serde(default)]
    patch: bool,
}

/// What differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Differences {
    /// Whether anything differs.
    any: bool,
    /// The files that differ.
    files: Vec<Different>,
    /// Lines added in all of them.
    added: u64,
    /// Lines removed in all of them.
    removed: u64,
    /// The difference as a patch; null unless `patch` is set.
    patch: Option<String>,
}

/// A file that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Different {
    /// The path, relative to the top of the repository.
    path: String,
    /// Lines added; null for a file that isn't text.
    added: Option<u64>,
    /// Lines removed; null for a file that isn't text.
    removed: Option<u64>,
}

impl StepHandler for Diff {
    const NAME: &'static str = "git.diff";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Differences;

    fn metadata() -> Metadata {
        Metadata { title: "Compare", category: "Git", icon: "±" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn VersionControl>()]
    }

    fn validate(&self, findings: &mut Findings) {
        for (key, revision) in [("from", &self.from), ("to", &self.to)] {
            if let Some(problem) = revision.as_deref().and_then(revision_problem) {
                findings.error("git::revision", Place::Config(format!("/{key}")), problem);
            }
        }
        if self.staged && self.to.is_some() {
            let message = "`staged` compares with what is staged, so `to` has no place";
            findings.error("git::revision", Place::Config("/to".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Differences, StepError> {
        let differences = ctx.unless_cancelled(self.compare(ctx)).await?;
        let files: Vec<String> = differences.files.iter().map(|file| file.path.clone()).collect();
        ctx.log().info(format!("{} +{} -{}", listed(&files), differences.added, differences.removed));
        Ok(differences)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Differences>, StepError> {
        let preview = Preview::new("compares revisions");
        Ok(if ctx.planned().is_empty() { preview.output(self.compare(ctx).await?) } else { preview })
    }
}

register!(step Diff);

impl Diff {
    async fn compare(&self, ctx: &StepContext) -> Result<Differences, StepError> {
        let git = ctx.require::<dyn VersionControl>()?;
        for revision in [&self.from, &self.to].into_iter().flatten() {
            require_revision(&*git, revision).await?;
        }
        let request = DiffRequest {
            from: self.from.clone(),
            to: self.to.clone(),
            staged: self.staged,
            paths: in_repository(ctx, &*git, &self.paths)?,
            patch: self.patch,
        };
        let found = git.diff(&request).await?;
        let files = found.files.into_iter().map(|file| Different {
            path: file.path,
            added: file.added,
            removed: file.removed,
        });
        let files: Vec<Different> = files.collect();
        Ok(Differences {
            any: !files.is_empty(),
            added: files.iter().filter_map(|file| file.added).sum(),
            removed: files.iter().filter_map(|file| file.removed).sum(),
            files,
            patch: found.patch,
        })
    }
}
