//! Changes to text files, worked out before any is made: a preview shows them, an execution makes
//! them, and both are the same by construction.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{Preview, StepContext, StepError, WorkspacePath};

use crate::filesystem::changes::FileChanges;

/// A text file and what it should hold.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) path: WorkspacePath,
    pub(super) before: Option<String>,
    pub(super) after: String,
}

/// Files that are read once, and what is to change in them.
pub(super) struct Draft<'c> {
    ctx: &'c StepContext,
    files: Vec<Drafted>,
}

struct Drafted {
    path: WorkspacePath,
    text: Option<Arc<str>>,
    replacements: Vec<(Range<usize>, String)>,
}

impl<'c> Draft<'c> {
    pub(super) fn new(ctx: &'c StepContext) -> Self {
        Self { ctx, files: Vec::new() }
    }

    pub(super) fn ctx(&self) -> &'c StepContext {
        self.ctx
    }

    /// The text of a file before the changes; nothing when there is no such file.
    pub(super) async fn text(&mut self, path: &WorkspacePath) -> Result<Option<Arc<str>>, StepError> {
        if let Some(file) = self.files.iter().find(|file| file.path == *path) {
            return Ok(file.text.clone());
        }
        let text: Option<Arc<str>> = read(self.ctx, path).await?.map(Into::into);
        self.files.push(Drafted { path: path.clone(), text: text.clone(), replacements: Vec::new() });
        Ok(text)
    }

    /// Plans to replace places in a file that was read before.
    pub(super) fn replace(
        &mut self,
        path: &WorkspacePath,
        replacements: impl IntoIterator<Item = (Range<usize>, String)>,
    ) {
        if let Some(file) = self.files.iter_mut().find(|file| file.path == *path) {
            file.replacements.extend(replacements);
        }
    }

    /// The files that change, in the order in which they were read.
    ///
    /// # Errors
    /// When two changes want the same place.
    pub(super) fn finish(self) -> Result<Vec<Edit>, StepError> {
        let edits = self.files.into_iter().filter_map(|file| {
            let text = file.text?;
            Some(
                replaced(&text, file.replacements)
                    .map_err(|at| clash(&file.path, &text, at))
                    .map(|after| Edit { path: file.path, before: Some(text.as_ref().to_owned()), after }),
            )
        });
        let mut edits: Vec<Edit> = edits.collect::<Result<_, _>>()?;
        edits.retain(|edit| edit.before.as_deref() != Some(edit.after.as_str()));
        Ok(edits)
    }
}

fn clash(path: &WorkspacePath, text: &str, at: usize) -> StepError {
    let line = text[..at].matches('\n').count() + 1;
    StepError::permanent(format!(
        "two places of `{path}` overlap in line {line}; make their `search` texts more exact"
    ))
}

/// The text of a file as it will be when the step runs: in a preview, earlier steps may have
/// planned to change it.
pub(super) async fn read(ctx: &StepContext, path: &WorkspacePath) -> Result<Option<String>, StepError> {
    match ctx.planned_file(path.as_str()) {
        Some(planned) => Ok(planned.map(ToOwned::to_owned)),
        None => ctx.require::<dyn Files>()?.read_text(path).await,
    }
}

/// Makes the changes, all or none as far as the disk allows. What the files had before is kept first, with what the
/// step will give, so that it can be taken back and found done.
pub(super) async fn apply(
    ctx: &StepContext,
    edits: &[Edit],
    output: &impl Serialize,
) -> Result<(), StepError> {
    if edits.is_empty() {
        return Ok(());
    }
    let mut changes = FileChanges::new(ctx)?;
    for edit in edits {
        changes.write(&edit.path, edit.after.as_bytes()).await?;
    }
    changes.keep(output).await?;
    let files = ctx.require::<dyn Files>()?;
    for (done, edit) in edits.iter().enumerate() {
        if let Err(error) = files.write_text(&edit.path, &edit.after).await {
            for made in edits[..done].iter().rev() {
                put_back(ctx, &*files, made).await;
            }
            return Err(error);
        }
        ctx.log().info(format!("wrote {}", edit.path));
    }
    Ok(())
}

async fn put_back(ctx: &StepContext, files: &dyn Files, edit: &Edit) {
    let result = match &edit.before {
        Some(text) => files.write_text(&edit.path, text).await,
        None => files.remove(&edit.path).await,
    };
    match result {
        Ok(()) => ctx.log().warn(format!("put {} back as it was", edit.path)),
        Err(error) => ctx.log().warn(format!("could not put {} back: {error}", edit.path)),
    }
}

/// Adds the changes to a preview.
pub(super) fn show<T>(preview: Preview<T>, edits: Vec<Edit>) -> Preview<T> {
    edits
        .into_iter()
        .fold(preview, |preview, Edit { path, before, after }| preview.file(path.as_str(), before, after))
}

/// The text with places replaced and every other byte as it was; the place of an overlap as error.
fn replaced(text: &str, mut replacements: Vec<(Range<usize>, String)>) -> Result<String, usize> {
    replacements.sort_by_key(|(span, _)| (span.start, span.end));
    replacements.dedup();
    let mut after = String::with_capacity(text.len());
    let mut done = 0;
    for (span, with) in replacements {
        after += text.get(done..span.start).ok_or(span.start)?;
        after += &with;
        done = span.end;
    }
    Ok(after + &text[done..])
}

/// The text with all spans replaced by the same words.
#[cfg(test)]
pub(super) fn replace_spans(text: &str, spans: Vec<Range<usize>>, with: &str) -> String {
    replaced(text, spans.into_iter().map(|span| (span, with.to_owned())).collect()).unwrap()
}

/// A path that stands in our own source.
pub(super) fn fixed(path: &'static str) -> WorkspacePath {
    WorkspacePath::parse(path).expect("a path inside the workspace")
}
