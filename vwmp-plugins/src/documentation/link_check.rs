//! `documentation.link_check`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Http, HttpRequest};
use vwmp_interfaces::{
    Capability, Effect, Metadata, OrFail, Preview, StepContext, StepError, StepHandler, WorkspacePath,
    register,
};

use super::links::{Link, Page};

/// Broken links in a message.
const SHOWN: usize = 20;

/// Folders that hold other people's documents.
const FOREIGN: [&str; 4] = ["node_modules", "target", "vendor", "venv"];

/// Checks the links of the workspace's Markdown files: to other files, to folders, and to headings in them.
///
/// Links in code are none. Anchors are those that GitHub and GitLab make of headings, and `id`s in HTML. Hidden folders and
/// `node_modules`, `target`, `vendor` and `venv` are left out. Addresses of the web are only asked with `external: true`.
///
/// ```yaml
/// - id: links
///   handler: documentation.link_check
///   config:
///     paths: [README.md, docs]
///     ignore: ["https://internal.example.com/"]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkCheck {
    /// The files and folders to check; the whole workspace where none is given.
    #[serde(default)]
    paths: Vec<WorkspacePath>,
    /// Whether to ask addresses of the web too.
    #[serde(default)]
    external: bool,
    /// The beginnings of links that aren't checked.
    #[serde(default)]
    ignore: Vec<String>,
    /// Whether the step goes well although links are broken.
    #[serde(default)]
    allow_broken: bool,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// How many files were read.
    files: usize,
    /// How many links were checked.
    links: usize,
    /// The broken ones.
    broken: Vec<Broken>,
}

/// A broken link.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Broken {
    /// The file it stands in.
    file: String,
    /// The line.
    line: usize,
    /// Where it leads.
    target: String,
    /// What is wrong with it.
    problem: String,
}

impl StepHandler for LinkCheck {
    const NAME: &'static str = "documentation.link_check";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Checked;

    fn metadata() -> Metadata {
        Metadata { title: "Check Links", category: "Documentation", icon: "🔗" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Http>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Checked, StepError> {
        let mut check = Check::of(self, ctx)?;
        ctx.unless_cancelled(check.run()).await?;
        let Check { files, checked, broken, .. } = check;
        ctx.log().info(format!("{checked} links in {} files, {} broken", files.len(), broken.len()));
        if broken.is_empty() || self.allow_broken {
            return Ok(Checked { files: files.len(), links: checked, broken });
        }
        let line = |one: &Broken| format!("{}:{}: `{}` {}", one.file, one.line, one.target, one.problem);
        let mut lines: Vec<String> = broken.iter().take(SHOWN).map(line).collect();
        if broken.len() > SHOWN {
            lines.push(format!("and {} more", broken.len() - SHOWN));
        }
        let count =
            if broken.len() == 1 { "1 link is".to_owned() } else { format!("{} links are", broken.len()) };
        Err(StepError::permanent(format!("{count} broken")).caused_by(lines.join("\n")))
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Checked>, StepError> {
        let files = Check::of(self, ctx)?.files.len();
        Ok(Preview::new(format!("checks the links of {files} Markdown files")))
    }
}

register!(step LinkCheck);

/// A check of all links.
struct Check<'a> {
    step: &'a LinkCheck,
    ctx: &'a StepContext,
    root: PathBuf,
    files: Vec<String>,
    pages: BTreeMap<PathBuf, Page>,
    checked: usize,
    broken: Vec<Broken>,
    /// What addresses of the web answered.
    answers: BTreeMap<String, Option<String>>,
}

impl<'a> Check<'a> {
    fn of(step: &'a LinkCheck, ctx: &'a StepContext) -> Result<Self, StepError> {
        let root = ctx.workspace().canonicalize().or_permanent("can't open the workspace")?;
        let mut files = Vec::new();
        if step.paths.is_empty() {
            markdown_below(&root, &root, &mut files)?;
        }
        for path in &step.paths {
            let full = root.join(path);
            match full.is_dir() {
                true => markdown_below(&root, &full, &mut files)?,
                false if full.is_file() => files.push(path.to_string()),
                false => return Err(StepError::permanent(format!("`{path}` doesn't exist"))),
            }
        }
        files.sort();
        files.dedup();
        let (pages, answers) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { step, ctx, root, files, pages, checked: 0, broken: Vec::new(), answers })
    }

    async fn run(&mut self) -> Result<(), StepError> {
        for file in self.files.clone() {
            let page = read(&self.root.join(&file)).or_permanent(format!("can't read `{file}`"))?;
            for Link { line, target } in page.links {
                if self.step.ignore.iter().any(|start| target.starts_with(start.as_str())) {
                    continue;
                }
                let Some(result) = self.check(&file, &target).await? else { continue };
                self.checked += 1;
                if let Err(problem) = result {
                    self.broken.push(Broken { file: file.clone(), line, target, problem });
                }
            }
        }
        Ok(())
    }

    /// What is wrong with a link; nothing when it isn't for us to say.
    async fn check(&mut self, file: &str, target: &str) -> Result<Option<Result<(), String>>, StepError> {
        let scheme = target.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") if self.step.external => self.ask(target).await.map(Some),
            Some(scheme) if !scheme.contains(['/', '#', '.']) => Ok(None),
            _ if target.starts_with("//") => Ok(None),
            _ => Ok(Some(self.follow(file, target))),
        }
    }

    /// Follows a link within the workspace.
    fn follow(&mut self, file: &str, target: &str) -> Result<(), String> {
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = decoded(path.split('?').next().unwrap_or_default());
        let full = if path.is_empty() {
            self.root.join(file)
        } else if let Some(absolute) = path.strip_prefix('/') {
            self.root.join(absolute)
        } else {
            self.root.join(file).parent().unwrap_or(&self.root).join(&path)
        };
        let Ok(real) = full.canonicalize() else { return Err("doesn't exist".to_owned()) };
        if !real.starts_with(&self.root) {
            return Err("leads out of the workspace".to_owned());
        }
        if anchor.is_empty() || real.is_dir() || !is_markdown(&real) {
            return Ok(());
        }
        let anchor = decoded(anchor);
        if !self.pages.contains_key(&real) {
            let page = read(&real).map_err(|error| format!("can't be read: {error}"))?;
            self.pages.insert(real.clone(), page);
        }
        let anchors = &self.pages[&real].anchors;
        let known = anchors.contains(&anchor) || anchors.contains(&anchor.to_lowercase());
        if known { Ok(()) } else { Err(format!("has no heading `#{anchor}`")) }
    }

    /// Asks an address of the web, once.
    async fn ask(&mut self, target: &str) -> Result<Result<(), String>, StepError> {
        let address = target.split('#').next().unwrap_or_default().to_owned();
        if !self.answers.contains_key(&address) {
            let http = self.ctx.require::<dyn Http>()?;
            let mut problem = answer(&*http, "HEAD", &address).await;
            // Some servers answer only to those who want the page.
            if problem.is_some() {
                problem = answer(&*http, "GET", &address).await;
            }
            self.answers.insert(address.clone(), problem);
        }
        Ok(self.answers[&address].clone().map_or(Ok(()), Err))
    }
}

async fn answer(http: &dyn Http, method: &str, address: &str) -> Option<String> {
    let request =
        HttpRequest { method: method.to_owned(), url: address.to_owned(), ..HttpRequest::default() };
    match http.open(&request).await {
        Ok(stream) if stream.head.is_success() => None,
        Ok(stream) => Some(format!("answered {}", stream.head.status)),
        Err(error) => Some(format!("gave no answer: {}", error.message())),
    }
}

fn read(path: &Path) -> std::io::Result<Page> {
    Ok(Page::read(&String::from_utf8_lossy(&fs::read(path)?)))
}

fn markdown_below(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<(), StepError> {
    let unreadable = || format!("can't list {}", folder.display());
    for entry in fs::read_dir(folder).or_permanent(unreadable())? {
        let entry = entry.or_permanent(unreadable())?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type().or_permanent(unreadable())?;
        if kind.is_dir() && !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) {
            markdown_below(root, &path, found)?;
        } else if kind.is_file() && is_markdown(&path) {
            found.push(path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn is_markdown(path: &Path) -> bool {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    extension.is_some_and(|extension| extension == "md" || extension == "markdown")
}

/// A path as it was before it was written into an address.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, more)) = rest.split_first() {
        let code = more.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[path = "link_check_tests.rs"]
mod tests;
