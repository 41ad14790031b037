//! What the adapter compares, switches between and fetches.

use std::collections::BTreeMap;

use vwmp_interfaces::StepError;
use vwmp_interfaces::capability::{Diff, DiffRequest, FetchRequest, FetchedRef, FileDiff, SwitchTarget};

use super::adapter::Git;
use super::refusal::{refused_by_remote, unfinished_refused};

impl Git {
    pub(super) async fn compare(&self, request: &DiffRequest) -> Result<Diff, StepError> {
        let plain = ["--literal-pathspecs", "--no-optional-locks", "diff", "--no-color", "--no-renames"];
        let own = ["--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"];
        let mut tail = Vec::new();
        tail.extend(request.staged.then_some("--cached"));
        tail.push("--end-of-options");
        tail.extend(request.from.as_deref().or((!request.staged || request.to.is_some()).then_some("HEAD")));
        tail.extend(request.to.as_deref());
        tail.push("--");
        tail.extend(request.paths.iter().map(String::as_str));
        let ask = async |kind: &[&str]| {
            self.must("compare", &[&plain[..], &own[..], kind, &tail[..]].concat()).await
        };
        let files =
            ask(&["--numstat", "-z"]).await?.list().iter().filter_map(|line| file_diff(line)).collect();
        let patch = if request.patch { Some(ask(&["--patch"]).await?.text()) } else { None };
        Ok(Diff { files, patch })
    }

    pub(super) async fn switch_to(&self, target: &SwitchTarget) -> Result<(), StepError> {
        let (what, args) = match target {
            SwitchTarget::Branch(name) => {
                (format!("switch to the branch `{name}`"), vec!["switch", "--quiet", "--no-guess", name])
            }
            SwitchTarget::Detached(commit) => {
                (format!("check out `{commit}`"), vec!["switch", "--quiet", "--detach", commit])
            }
        };
        if let Some(unfinished) = self.unfinished().await? {
            return Err(unfinished_refused(&what, unfinished));
        }
        self.must(&what, &args).await.map(drop)
    }

    pub(super) async fn fetch_refs(&self, request: &FetchRequest) -> Result<Vec<FetchedRef>, StepError> {
        let before = self.refs().await?;
        let mut args = vec!["fetch", "--quiet", "--no-auto-maintenance", "--no-recurse-submodules"];
        args.extend(request.tags.then_some("--tags"));
        args.extend(request.prune.then_some("--prune"));
        if request.unshallow && self.read_state().await?.shallow {
            args.push("--unshallow");
        }
        args.extend(["--", &request.remote]);
        let output = self.program.run(&args).await?;
        if !output.succeeded() {
            return Err(refused_by_remote(&format!("fetch from {}", request.remote), &output));
        }
        Ok(differing(&before, &self.refs().await?))
    }

    /// Every ref and what it points at.
    async fn refs(&self) -> Result<BTreeMap<String, String>, StepError> {
        let args = ["for-each-ref", "--format=%(refname) %(objectname)"];
        let output = self.must("list the refs", &args).await?.text();
        let refs = output.lines().filter_map(|line| line.split_once(' '));
        Ok(refs.map(|(name, id)| (name.to_owned(), id.to_owned())).collect())
    }
}

fn differing(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<FetchedRef> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let mut names: Vec<&String> = after.keys().chain(gone).collect();
    names.sort();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differs
        .map(|name| FetchedRef {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

/// One record of `git diff --numstat -z`; `-` stands for what isn't text.
fn file_diff(record: &str) -> Option<FileDiff> {
    let mut fields = record.splitn(3, '\t');
    let (added, removed, path) = (fields.next()?, fields.next()?, fields.next()?);
    Some(FileDiff { path: path.to_owned(), added: added.parse().ok(), removed: removed.parse().ok() })
}
