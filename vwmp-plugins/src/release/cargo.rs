//! Raising the version of Cargo packages, with all that follows in their workspace.

use std::collections::BTreeSet;
use std::ops::Range;

use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{StepContext, StepError, WorkspacePath};

use super::edit::Draft;
use super::manifest;
use super::places::agrees;
use super::version::Version;

/// Plans to raise `manifests` from `old` to `new`, and with them the lock file and the local
/// requirements in the whole workspace.
///
/// # Errors
/// When a manifest can't be read or says another version.
pub(super) async fn raise(
    draft: &mut Draft<'_>,
    manifests: &[&WorkspacePath],
    old: &Version,
    new: &Version,
) -> Result<(), StepError> {
    let mut workspace = Workspace::default();
    for &path in manifests {
        let fails = |problem: String| StepError::permanent(format!("`{path}` {problem}"));
        let text = draft.text(path).await?.unwrap_or_default();
        let found = manifest::find(&text).map_err(fails)?;
        agrees(&found.found.version, old).map_err(fails)?;
        draft.replace(path, found.found.spans.into_iter().map(|span| (span, new.to_string())));
        workspace.packages.extend(found.package);
        workspace.join(draft, path, found.shared).await?;
    }
    for path in &workspace.manifests {
        let text = draft.text(path).await?.unwrap_or_default();
        let edits = manifest::requirements(&text, &workspace.packages, old, new);
        draft.replace(path, edits);
    }
    for path in lock_files(draft, manifests).await? {
        let text = draft.text(&path).await?.unwrap_or_default();
        let spans: Vec<Range<usize>> = manifest::locked(&text, &workspace.packages, old)
            .map_err(|problem| StepError::permanent(format!("`{path}` {problem}")))?;
        draft.replace(&path, spans.into_iter().map(|span| (span, new.to_string())));
    }
    Ok(())
}

/// The manifests that may require the packages, and the packages.
#[derive(Default)]
struct Workspace {
    manifests: Vec<WorkspacePath>,
    packages: BTreeSet<String>,
}

impl Workspace {
    /// Adds a manifest, the root of its workspace, and all members.
    async fn join(
        &mut self,
        draft: &mut Draft<'_>,
        path: &WorkspacePath,
        shared: bool,
    ) -> Result<(), StepError> {
        let root = root_of(draft, path).await?;
        for start in [Some(path.clone()), root].into_iter().flatten() {
            if self.manifests.contains(&start) {
                continue;
            }
            let text = draft.text(&start).await?.unwrap_or_default();
            let members = members(draft.ctx(), &start, &manifest::members(&text)).await?;
            self.manifests.push(start);
            for member in members {
                let Some(text) = draft.text(&member).await? else { continue };
                self.packages.extend(manifest::inheriting_package(&text).filter(|_| shared));
                if !self.manifests.contains(&member) {
                    self.manifests.push(member);
                }
            }
        }
        Ok(())
    }
}

/// The manifest of the workspace that a package belongs to.
async fn root_of(
    draft: &mut Draft<'_>,
    manifest: &WorkspacePath,
) -> Result<Option<WorkspacePath>, StepError> {
    for folder in folders_above(manifest) {
        let Some(path) = beside(folder, "Cargo.toml") else { continue };
        if draft.text(&path).await?.is_some_and(|text| manifest::is_root(&text)) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The manifests of the member folders, each once; patterns match one level.
async fn members(
    ctx: &StepContext,
    manifest: &WorkspacePath,
    patterns: &[String],
) -> Result<Vec<WorkspacePath>, StepError> {
    let mut paths: Vec<WorkspacePath> = Vec::new();
    for pattern in patterns {
        for folder in folders(ctx, folder_of(manifest), pattern).await? {
            // A member outside the workspace of the run is none of its business.
            let path = WorkspacePath::parse(&format!("{folder}/Cargo.toml")).ok();
            paths.extend(path.filter(|path| path != manifest && !paths.contains(path)));
        }
    }
    Ok(paths)
}

/// The folders that a pattern such as `crates/*` means.
async fn folders(ctx: &StepContext, base: &str, pattern: &str) -> Result<Vec<String>, StepError> {
    let mut folders = vec![if base.is_empty() { ".".to_owned() } else { base.to_owned() }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let Some((before, after)) = part.split_once('*') else {
            folders = folders.iter().map(|folder| format!("{folder}/{part}")).collect();
            continue;
        };
        let mut next = Vec::new();
        for folder in folders {
            for name in names_in(ctx, &folder).await? {
                if name.len() >= part.len() - 1 && name.starts_with(before) && name.ends_with(after) {
                    next.push(format!("{folder}/{name}"));
                }
            }
        }
        folders = next;
    }
    Ok(folders)
}

async fn names_in(ctx: &StepContext, folder: &str) -> Result<Vec<String>, StepError> {
    let folder = match folder {
        "." => None,
        _ => match WorkspacePath::parse(folder) {
            Ok(folder) => Some(folder),
            Err(_) => return Ok(Vec::new()),
        },
    };
    ctx.require::<dyn Files>()?.names_in(folder.as_ref()).await
}

/// The nearest lock files, beside the manifests or above them.
async fn lock_files(
    draft: &mut Draft<'_>,
    manifests: &[&WorkspacePath],
) -> Result<Vec<WorkspacePath>, StepError> {
    let mut found = Vec::new();
    for manifest in manifests {
        for folder in folders_above(manifest) {
            let Some(path) = beside(folder, "Cargo.lock") else { continue };
            if draft.text(&path).await?.is_some() {
                if !found.contains(&path) {
                    found.push(path);
                }
                break;
            }
        }
    }
    Ok(found)
}

/// The folder of a file, and those above it up to the workspace of the run, which is empty.
pub(super) fn folders_above(path: &WorkspacePath) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder_of(path)), |folder| match folder.rsplit_once('/') {
        Some((above, _)) => Some(above),
        None => (!folder.is_empty()).then_some(""),
    })
}

/// A file in a folder.
pub(super) fn beside(folder: &str, name: &str) -> Option<WorkspacePath> {
    let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    WorkspacePath::parse(&path).ok()
}

fn folder_of(path: &WorkspacePath) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
}
