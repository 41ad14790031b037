//! The adapter `knowledge_base`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::{KnowledgeBase, Page};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, Change, IntegrationAdapter, Metadata, OrFail,
    StepError, WorkspacePath, register,
};

use crate::document::{inside, planned, replace, take_back};

/// A knowledge base in Markdown files of the workspace. Serves `KnowledgeBase`.
///
/// The page `releases/1.2.0` is the file `releases/1.2.0.md` in the folder; its title is its first
/// `# Heading`.
///
/// ```yaml
/// integration_adapters:
///   knowledge_base:
///     config: { folder: docs/knowledge }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeBaseConfig {
    /// The folder, relative to the workspace.
    #[serde(default = "folder")]
    folder: WorkspacePath,
}

/// Pages in a folder.
pub struct MarkdownPages {
    folder: WorkspacePath,
    workspace: PathBuf,
}

impl IntegrationAdapter for MarkdownPages {
    const NAME: &'static str = "knowledge_base";
    type Config = KnowledgeBaseConfig;

    async fn connect(config: KnowledgeBaseConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        inside("the knowledge base", &config.folder, &ctx.workspace)?;
        Ok(Self { folder: config.folder, workspace: ctx.workspace.to_path_buf() })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn KnowledgeBase>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn KnowledgeBase>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "Knowledge Base in Markdown", category: "Project", icon: "▤" }
    }
}

register!(adapter MarkdownPages);

// The files are small: handing them to another thread would take longer than reading them.
impl KnowledgeBase for MarkdownPages {
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, StepError>> {
        Box::pin(async {
            let root = inside("the knowledge base", &self.folder, &self.workspace)?;
            let mut names = Vec::new();
            collect(&root, "", &mut names).or_permanent(format!("can't list `{}`", self.folder))?;
            names.sort();
            Ok(names)
        })
    }

    fn page<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Page>, StepError>> {
        Box::pin(async move {
            let text = self.read(&self.file(name)?)?;
            Ok(text.map(|text| parse(name, &text)))
        })
    }

    fn put<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let file = self.file(&page.name)?;
            let text = written(page);
            if self.read(&file)?.as_ref() == Some(&text) {
                return Ok(());
            }
            let full = inside("the page", &file, &self.workspace)?;
            replace(&full, &text).or_permanent(format!("can't write the page `{file}`"))
        })
    }

    fn preview_put<'a>(
        &'a self,
        page: &'a Page,
        changes: &'a [Change],
    ) -> BoxFuture<'a, Result<Vec<Change>, StepError>> {
        Box::pin(async move {
            let file = self.file(&page.name)?;
            let before = match planned(changes, file.as_str()) {
                Some(text) => text.map(ToOwned::to_owned),
                None => self.read(&file)?,
            };
            let after = Some(written(page));
            let change =
                Change::File { path: file.to_string(), before: before.clone(), after: after.clone() };
            Ok(if before == after { Vec::new() } else { vec![change] })
        })
    }

    fn take_back<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let place = |path: &str| {
                let file = WorkspacePath::parse(path).map_err(StepError::invalid)?;
                inside("the page", &file, &self.workspace)
            };
            take_back("the page", changes, place)?;
            for change in changes {
                if let Change::File { path, before: None, .. } = change {
                    self.remove_empty_folders(&place(path)?)?;
                }
            }
            Ok(())
        })
    }

    fn search<'a>(&'a self, words: &'a [String]) -> BoxFuture<'a, Result<Vec<Page>, StepError>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for name in self.names().await? {
                let Some(page) = self.page(&name).await? else { continue };
                let text = format!("{}\n{}", page.title, page.text).to_lowercase();
                if words.iter().all(|word| text.contains(&word.to_lowercase())) {
                    found.push(page);
                }
            }
            Ok(found)
        })
    }
}

impl MarkdownPages {
    /// The file of a page.
    fn file(&self, name: &str) -> Result<WorkspacePath, StepError> {
        let inside = WorkspacePath::parse(name).map_err(|_| {
            StepError::invalid(format!("`{name}` can't be a page; write a name such as releases/1.2.0"))
        })?;
        WorkspacePath::parse(&format!("{}/{inside}.md", self.folder)).map_err(StepError::invalid)
    }

    /// Those above a page that is gone; the last one is that of all pages.
    fn remove_empty_folders(&self, page: &Path) -> Result<(), StepError> {
        let root = inside("the knowledge base", &self.folder, &self.workspace)?;
        for folder in page.ancestors().skip(1).take_while(|folder| folder.starts_with(&root)) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, file: &WorkspacePath) -> Result<Option<String>, StepError> {
        match fs::read_to_string(inside("the page", file, &self.workspace)?) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StepError::permanent(format!("can't read the page `{file}`")).caused_by(error)),
        }
    }
}

/// The names of the pages in a folder and below it; links are not followed.
fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), std::io::Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let (kind, full) = (entry.file_type()?, format!("{prefix}{name}"));
        if kind.is_dir() {
            collect(&entry.path(), &format!("{full}/"), names)?;
        } else if let Some(page) = full.strip_suffix(".md").filter(|_| kind.is_file()) {
            names.push(page.to_owned());
        }
    }
    Ok(())
}

fn parse(name: &str, text: &str) -> Page {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (title, text) = match first.strip_prefix("# ") {
        Some(title) => (title.trim(), rest),
        None => (name, text),
    };
    Page { name: name.to_owned(), title: title.to_owned(), text: text.trim().to_owned() }
}

fn written(page: &Page) -> String {
    let text = page.text.trim();
    let space = if text.is_empty() { "" } else { "\n\n" };
    format!("# {}{space}{text}\n", page.title.trim())
}

fn folder() -> WorkspacePath {
    WorkspacePath::parse("docs/knowledge").expect("a path inside the workspace")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vwmp_testkit::TestRun;

    use super::*;

    #[tokio::test]
    async fn pages_are_kept_found_and_previewed() {
        let run = TestRun::new();
        run.write("docs/knowledge/plain.md", "No heading.\n").write("docs/knowledge/other.txt", "x");
        let run = run.connected::<MarkdownPages>(json!({})).await.unwrap();
        let base = run.context("kb").require::<dyn KnowledgeBase>().unwrap();
        let page = Page {
            name: "releases/1.2.0".into(),
            title: "Version 1.2.0".into(),
            text: "Faster start.".into(),
        };
        let text = "# Version 1.2.0\n\nFaster start.\n";
        let path = "docs/knowledge/releases/1.2.0.md";
        let change = Change::File { path: path.into(), before: None, after: Some(text.into()) };
        let planned = [change];
        assert_eq!(base.preview_put(&page, &[]).await.unwrap(), planned);
        assert!(base.preview_put(&page, &planned).await.unwrap().is_empty());
        base.put(&page).await.unwrap();
        assert_eq!(run.read(path), text);
        assert_eq!(base.page("releases/1.2.0").await.unwrap(), Some(page.clone()));
        assert_eq!(base.page("none").await.unwrap(), None);
        assert_eq!(base.page("plain").await.unwrap().unwrap().title, "plain");
        assert_eq!(base.names().await.unwrap(), ["plain", "releases/1.2.0"]);
        assert_eq!(base.search(&["FASTER".into(), "1.2.0".into()]).await.unwrap(), [page]);
        let outside = base.page("../../secret").await.unwrap_err();
        assert_eq!(outside.message(), "`../../secret` can't be a page; write a name such as releases/1.2.0");
        let elsewhere = TestRun::new();
        std::os::unix::fs::symlink(elsewhere.workspace(), run.workspace().join("docs/knowledge/link"))
            .unwrap();
        let link = base.page("link/x").await.unwrap_err();
        assert_eq!(
            link.message(),
            "the page `docs/knowledge/link/x.md` leads out of the workspace through a symbolic link"
        );
    }
}
