//! Changes to text files, worked out before any is made: a preview shows them, an execution makes
//! them, and both are the same by construction.

use std::ops::Range;

use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{Preview, StepContext, StepError, WorkspacePath};

/// A text file and what it should hold.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) path: WorkspacePath,
    pub(super) before: Option<String>,
    pub(super) after: String,
}

impl Edit {
    pub(super) fn changes(&self) -> bool {
        self.before.as_deref() != Some(self.after.as_str())
    }
}

/// The text of a file as it will be when the step runs: in a preview, earlier steps may have
/// planned to change it.
pub(super) async fn read(ctx: &StepContext, path: &WorkspacePath) -> Result<Option<String>, StepError> {
    match ctx.planned_file(path.as_str()) {
        Some(planned) => Ok(planned.map(ToOwned::to_owned)),
        None => ctx.require::<dyn Files>()?.read_text(path).await,
    }
}

/// Makes the changes, all or none as far as the disk allows.
pub(super) async fn apply(ctx: &StepContext, edits: &[Edit]) -> Result<(), StepError> {
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

/// The text with all spans replaced and every other byte as it was.
pub(super) fn replace_spans(text: &str, mut spans: Vec<Range<usize>>, with: &str) -> String {
    spans.sort_by_key(|span| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for span in spans {
        text.replace_range(span, with);
    }
    text
}

/// A path that stands in our own source.
pub(super) fn fixed(path: &'static str) -> WorkspacePath {
    WorkspacePath::parse(path).expect("a path inside the workspace")
}
