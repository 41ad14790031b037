//! `vwmp.kb_update`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{KnowledgeBase, Page};
use vwmp_interfaces::{
    Capability, Effect, Metadata, Preview, StepContext, StepError, StepHandler, Undo, register,
};

use crate::document::kept::{keep, to_take_back};

/// Keeps a page in the knowledge base, in place of one of the same name.
///
/// A page that is the same already isn't touched. Fails where the name leads out of the knowledge base.
///
/// Undoing it restores the page before to the byte, and refuses when it has been changed since.
///
/// ```yaml
/// - id: page
///   handler: vwmp.kb_update
///   config:
///     page: releases/$<step-outputs.bump.new_version>
///     title: Version $<step-outputs.bump.new_version>
///     text: $<parameters.summary>
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KbUpdate {
    /// The name of the page.
    page: String,
    /// Its title.
    title: String,
    /// Its text, in Markdown.
    text: String,
}

/// What was kept.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// The name of the page.
    page: String,
    /// Whether it is another than before.
    changed: bool,
}

impl StepHandler for KbUpdate {
    const NAME: &'static str = "vwmp.kb_update";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Kept;

    fn metadata() -> Metadata {
        Metadata { title: "Update the Knowledge Base", category: "Project", icon: "▤" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn KnowledgeBase>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Kept, StepError> {
        let base = ctx.require::<dyn KnowledgeBase>()?;
        let page = self.page();
        let changes = base.preview_put(&page, &[]).await?;
        let changed = !changes.is_empty();
        keep(ctx, changes).await?;
        base.put(&page).await?;
        ctx.log().info(format!("{} {}", if changed { "wrote" } else { "found" }, self.page));
        Ok(Kept { page: page.name, changed })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Kept>, StepError> {
        let base = ctx.require::<dyn KnowledgeBase>()?;
        let mut preview = Preview::new(format!("keeps the page {}", self.page));
        preview.changes = base.preview_put(&self.page(), ctx.planned()).await?;
        let changed = !preview.changes.is_empty();
        Ok(preview.output(Kept { page: self.page.clone(), changed }))
    }
}

impl Undo for KbUpdate {
    async fn undo(&self, output: Option<&Kept>, ctx: &StepContext) -> Result<(), StepError> {
        let base = ctx.require::<dyn KnowledgeBase>()?;
        for changes in to_take_back(output.is_some_and(|kept| kept.changed), ctx).await? {
            base.take_back(&changes).await?;
        }
        Ok(())
    }
}

register!(step KbUpdate: undo);

impl KbUpdate {
    fn page(&self) -> Page {
        Page { name: self.page.clone(), title: self.title.clone(), text: self.text.clone() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::{TestRun, execute, preview, undo};

    use super::*;
    use crate::knowledge_base::MarkdownPages;

    #[tokio::test]
    async fn a_page_is_kept_once() {
        let run = TestRun::new().connected::<MarkdownPages>(json!({ "folder": "kb" })).await.unwrap();
        let ctx = run.context("page");
        let config = json!({ "page": "releases/1.0.0", "title": "One", "text": "First." });
        let seen = preview::<KbUpdate>(config.clone(), &ctx).await.unwrap();
        assert_eq!((seen.changes.len(), run.exists("kb")), (1, false));
        let kept = execute::<KbUpdate>(config.clone(), &ctx).await.unwrap();
        assert_eq!(kept, json!({ "page": "releases/1.0.0", "changed": true }));
        assert_eq!(seen.output, Some(kept));
        assert_eq!(run.read("kb/releases/1.0.0.md"), "# One\n\nFirst.\n");
        assert_eq!(execute::<KbUpdate>(config, &ctx).await.unwrap()["changed"], false);
    }

    #[tokio::test]
    async fn nothing_is_taken_back_when_what_was_kept_is_gone() {
        let run = TestRun::new().connected::<MarkdownPages>(json!({ "folder": "kb" })).await.unwrap();
        let config = json!({ "page": "p", "title": "One", "text": "First." });
        let back = async |changed| {
            let output = json!({ "page": "p", "changed": changed });
            undo::<KbUpdate>(config.clone(), output, &run.context("other")).await
        };
        assert!(back(true).await.unwrap_err().message().contains("what was kept to take it back is gone"));
        back(false).await.unwrap();
    }

    #[tokio::test]
    async fn a_page_is_taken_back_to_the_byte() {
        let run = TestRun::new().connected::<MarkdownPages>(json!({ "folder": "kb" })).await.unwrap();
        let old = "\u{feff}# Old\r\n\r\nNo newline at the end";
        for (page, before) in [("releases/1.0.0", None), ("old", Some(old))] {
            if let Some(text) = before {
                run.write("kb/old.md", text);
            }
            let path = format!("kb/{page}.md");
            let there = || std::fs::read_to_string(run.workspace().join(&path)).ok();
            let (ctx, config) =
                (run.context(page), json!({ "page": page, "title": "One", "text": "First." }));
            run.end_after_keeping(1);
            execute::<KbUpdate>(config.clone(), &ctx).await.unwrap_err();
            undo::<KbUpdate>(config.clone(), None, &ctx).await.unwrap();
            assert_eq!(there().as_deref(), before);
            let output = execute::<KbUpdate>(config.clone(), &ctx).await.unwrap();
            for output in [Some(output), None] {
                undo::<KbUpdate>(config.clone(), output, &ctx).await.unwrap();
                assert_eq!(there().as_deref(), before);
            }
            assert_eq!(run.exists("kb"), before.is_some(), "the folder was made for the page");
            execute::<KbUpdate>(config.clone(), &ctx).await.unwrap();
            run.write(&path, "mine");
            let error = undo::<KbUpdate>(config, None, &ctx).await.unwrap_err();
            let message = format!("can't restore the page `{path}`: it has been changed since");
            assert_eq!((error.message(), there().as_deref()), (message.as_str(), Some("mine")));
            run.remove(&path);
            std::fs::remove_dir_all(run.workspace().join("kb")).unwrap();
        }
    }
}
