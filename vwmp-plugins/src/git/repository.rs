//! What the adapter does with the repository.

use std::path::Path;

use vwmp_interfaces::capability::{
    Commit, CommitRequest, Diff, DiffRequest, FetchRequest, FetchedRef, FileStatus, Index, MadeCommit,
    MadeTag, PushRequest, RemoteRef, RepositoryState, SwitchTarget, TagRequest, VersionControl,
};
use vwmp_interfaces::{BoxFuture, StepError};

use super::adapter::Git;
use super::process::Output;
use super::refusal::{refused, refused_by_remote, unfinished_refused};

impl VersionControl for Git {
    fn root(&self) -> &Path {
        &self.root
    }

    fn default_remote(&self) -> &str {
        self.remote()
    }

    fn status(&self) -> BoxFuture<'_, Result<Vec<FileStatus>, StepError>> {
        Box::pin(async {
            // Without optional locks, looking doesn't touch the index.
            let output = self
                .must(
                    "list what changed",
                    &[
                        "--no-optional-locks",
                        "status",
                        "--porcelain=v1",
                        "-z",
                        "--no-renames",
                        "--untracked-files=all",
                        // What is uncommitted in a submodule can't be staged here.
                        "--ignore-submodules=dirty",
                    ],
                )
                .await?;
            Ok(output.list().iter().filter_map(|line| file_status(line)).collect())
        })
    }

    fn branch(&self) -> BoxFuture<'_, Result<Option<String>, StepError>> {
        Box::pin(async {
            // Git's own short name is another one where a tag has the name of the branch.
            let head = self.look("find the branch", &["symbolic-ref", "--quiet", "HEAD"]).await?;
            Ok(head.map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned()))
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Option<String>, StepError>> {
        Box::pin(self.look("find the last commit", &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]))
    }

    fn stage_all(&self) -> BoxFuture<'_, Result<Vec<String>, StepError>> {
        Box::pin(async {
            self.must("stage", &["add", "--all"]).await?;
            self.staged().await
        })
    }

    fn staged_tree(&self) -> BoxFuture<'_, Result<String, StepError>> {
        Box::pin(async { Ok(line(&self.must("note what is staged", &["write-tree"]).await?)) })
    }

    fn index(&self) -> BoxFuture<'_, Result<Index, StepError>> {
        Box::pin(self.read_index())
    }

    fn index_with<'a>(
        &'a self,
        earlier: &'a [u8],
        paths: Option<&'a [String]>,
    ) -> BoxFuture<'a, Result<String, StepError>> {
        Box::pin(self.id_with(earlier, paths))
    }

    fn restore_index<'a>(&'a self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(self.write_index(bytes))
    }

    fn commit<'a>(&'a self, request: &'a CommitRequest) -> BoxFuture<'a, Result<Commit, StepError>> {
        Box::pin(self.make_commit(request))
    }

    fn made_commit<'a>(&'a self, revision: &'a str) -> BoxFuture<'a, Result<Option<MadeCommit>, StepError>> {
        Box::pin(self.find_made_commit(revision))
    }

    fn published<'a>(&'a self, commit: &'a str) -> BoxFuture<'a, Result<Vec<String>, StepError>> {
        Box::pin(self.publishing(commit))
    }

    fn undo_commit<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(self.take_back(id))
    }

    fn tag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, StepError>> {
        Box::pin(async move {
            let target = format!("refs/tags/{name}^{{commit}}");
            self.look("find the tag", &["rev-parse", "--verify", "--quiet", &target]).await
        })
    }

    fn create_tag<'a>(&'a self, request: &'a TagRequest) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let args = tag_arguments(request);
            self.must(&format!("create the tag `{}`", request.name), &args).await.map(drop)
        })
    }

    fn made_tag<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<MadeTag>, StepError>> {
        Box::pin(self.find_made_tag(name))
    }

    fn delete_tag<'a>(&'a self, name: &'a str, object: &'a str) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            // Git compares and deletes in one go, so a tag that was moved meanwhile isn't lost.
            let full = format!("refs/tags/{name}");
            let args = ["update-ref", "-d", &full, object];
            self.must(&format!("delete the tag `{name}`"), &args).await.map(drop)
        })
    }

    fn local_ref<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<String>, StepError>> {
        Box::pin(self.find_ref(name))
    }

    fn push<'a>(&'a self, request: &'a PushRequest) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(self.push_refs(request))
    }

    fn remote_refs<'a>(
        &'a self,
        remote: &'a str,
        refs: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<RemoteRef>, StepError>> {
        Box::pin(async move {
            let mut args = vec!["ls-remote", "--", remote];
            args.extend(refs.iter().map(String::as_str));
            let output = self.program.run(&args).await?;
            if !output.succeeded() {
                return Err(refused_by_remote(&format!("read refs of {remote}"), &output));
            }
            Ok(output.text().lines().filter_map(remote_ref).collect())
        })
    }

    fn state(&self) -> BoxFuture<'_, Result<RepositoryState, StepError>> {
        Box::pin(self.read_state())
    }

    fn stage<'a>(&'a self, paths: &'a [String]) -> BoxFuture<'a, Result<Vec<String>, StepError>> {
        Box::pin(self.stage_paths(paths))
    }

    fn resolve<'a>(&'a self, revision: &'a str) -> BoxFuture<'a, Result<Option<String>, StepError>> {
        Box::pin(self.find_commit(revision))
    }

    fn contains<'a>(&'a self, commit: &'a str) -> BoxFuture<'a, Result<bool, StepError>> {
        Box::pin(async move {
            let args = ["merge-base", "--is-ancestor", commit, "HEAD"];
            // Git has no answer about a commit that is missing.
            Ok(self.program.run(&args).await?.code() == Some(0))
        })
    }

    fn diff<'a>(&'a self, request: &'a DiffRequest) -> BoxFuture<'a, Result<Diff, StepError>> {
        Box::pin(self.compare(request))
    }

    fn create_branch<'a>(&'a self, name: &'a str, start: &'a str) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let args = ["branch", "--no-track", "--", name, start];
            self.must(&format!("create the branch `{name}`"), &args).await.map(drop)
        })
    }

    fn delete_branch<'a>(&'a self, name: &'a str, commit: &'a str) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let full = format!("refs/heads/{name}");
            let args = ["update-ref", "-d", &full, commit];
            self.must(&format!("delete the branch `{name}`"), &args).await.map(drop)
        })
    }

    fn switch<'a>(&'a self, target: &'a SwitchTarget) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(self.switch_to(target))
    }

    fn restore<'a>(&'a self, revision: &'a str, paths: &'a [String]) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let source = format!("--source={revision}");
            let mut args = vec!["--literal-pathspecs", "restore", &source, "--staged", "--worktree", "--"];
            args.extend(paths.iter().map(String::as_str));
            self.must(&format!("restore files of `{revision}`"), &args).await.map(drop)
        })
    }

    fn fetch<'a>(&'a self, request: &'a FetchRequest) -> BoxFuture<'a, Result<Vec<FetchedRef>, StepError>> {
        Box::pin(self.fetch_refs(request))
    }
}

impl Git {
    async fn make_commit(&self, request: &CommitRequest) -> Result<Commit, StepError> {
        if let Some(unfinished) = self.unfinished().await? {
            return Err(unfinished_refused("commit", unfinished));
        }
        let files = self.staged().await?;
        if files.is_empty() && !request.allow_empty {
            return Err(StepError::permanent(
                "nothing to commit: no change is staged; put a `git.stage_all` step before, or set \
                 `allow_empty: true`",
            ));
        }
        let message = format!("--message={}", request.message);
        let mut args = vec!["commit", "--quiet", &message];
        if request.allow_empty {
            args.push("--allow-empty");
        }
        let output = self.program.run(&args).await?;
        if !output.succeeded() {
            return Err(self.refused_commit(&output).await);
        }
        let id = self.head().await?.ok_or_else(|| StepError::permanent("git made no commit"))?;
        // A hook may have changed what was staged.
        Ok(Commit { files: self.files_of(&id).await?, id })
    }

    pub(super) async fn files_of(&self, id: &str) -> Result<Vec<String>, StepError> {
        let tree = ["diff-tree", "--root", "--no-commit-id", "--name-only", "--no-renames", "-r", "-z", id];
        Ok(self.must("read the commit", &tree).await?.list())
    }

    /// A hook speaks for itself; git adds nothing of its own then.
    async fn refused_commit(&self, output: &Output) -> StepError {
        let said = output.complaint();
        let by_git = said.lines().any(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
        if by_git || output.code() != Some(1) {
            return refused("commit", output);
        }
        match self.hooks(&["pre-commit", "prepare-commit-msg", "commit-msg"]).await.as_slice() {
            [] => refused("commit", output),
            hooks => StepError::permanent(format!("the hook {} refused the commit", hooks.join(" or ")))
                .caused_by(output.last_words()),
        }
    }

    async fn push_refs(&self, request: &PushRequest) -> Result<(), StepError> {
        let refspecs: Vec<String> = request.refs.iter().map(|name| format!("{name}:{name}")).collect();
        let mut args = vec!["push", "--atomic", "--porcelain", "--no-follow-tags", "--", &request.remote];
        args.extend(refspecs.iter().map(String::as_str));
        let output = self.program.run(&args).await?;
        if output.succeeded() {
            return Ok(());
        }
        let own_words = |line: &str| line.starts_with("fatal: ") || line.starts_with("ssh: ");
        let hook_spoke = !output.text().contains("\n!\t") && !output.complaint().lines().any(own_words);
        if hook_spoke && !self.hooks(&["pre-push"]).await.is_empty() {
            let message = format!("the hook pre-push refused the push to {}", request.remote);
            return Err(StepError::permanent(message).caused_by(output.last_words()));
        }
        Err(refused_by_remote(&format!("push to {}", request.remote), &output))
    }

    async fn take_back(&self, id: &str) -> Result<(), StepError> {
        let parent = format!("{id}^");
        let parent = self.look("find the parent", &["rev-parse", "--verify", "--quiet", &parent]).await?;
        // Git compares and sets in one go, so a commit made meanwhile isn't lost.
        let args: Vec<&str> = match &parent {
            Some(parent) => vec!["update-ref", "-m", "undo of a commit", "HEAD", parent, id],
            None => vec!["update-ref", "-m", "undo of a commit", "-d", "HEAD", id],
        };
        let output = self.program.run(&args).await?;
        if output.succeeded() {
            return Ok(());
        }
        let message = format!("can't take back the commit {id}: it isn't the last one any more");
        Err(StepError::permanent(message).caused_by(output.last_words()))
    }

    pub(super) async fn staged(&self) -> Result<Vec<String>, StepError> {
        let args = ["diff", "--cached", "--name-only", "--no-renames", "-z"];
        Ok(self.must("list what is staged", &args).await?.list())
    }

    /// Those of the hooks that would be run.
    async fn hooks(&self, names: &[&'static str]) -> Vec<&'static str> {
        let Ok(Some(folder)) = self.look("find the hooks", &["rev-parse", "--git-path", "hooks"]).await
        else {
            return Vec::new();
        };
        let folder = self.root.join(folder);
        names.iter().copied().filter(|name| folder.join(name).exists()).collect()
    }

    /// Runs git where only success will do.
    pub(super) async fn must(&self, what: &str, args: &[&str]) -> Result<Output, StepError> {
        let output = self.program.run(args).await?;
        if output.succeeded() { Ok(output) } else { Err(refused(what, &output)) }
    }

    /// Runs git where exit code 1 means that there is no such thing.
    pub(super) async fn look(&self, what: &str, args: &[&str]) -> Result<Option<String>, StepError> {
        let output = self.program.run(args).await?;
        match output.code() {
            Some(0) => Ok(Some(line(&output))),
            Some(1) => Ok(None),
            _ => Err(refused(what, &output)),
        }
    }
}

pub(super) fn line(output: &Output) -> String {
    output.text().trim_end().to_owned()
}

fn file_status(line: &str) -> Option<FileStatus> {
    let (code, path) = line.split_at_checked(3)?;
    Some(FileStatus { path: path.to_owned(), code: code[..2].to_owned() })
}

fn remote_ref(line: &str) -> Option<RemoteRef> {
    let (id, name) = line.split_once('\t')?;
    Some(RemoteRef { name: name.to_owned(), id: id.to_owned() })
}

/// Without a message the tag is lightweight, and never signed: git would ask for a message.
fn tag_arguments(request: &TagRequest) -> Vec<&str> {
    let mut args = vec!["tag"];
    match (&request.message, request.sign) {
        (None, _) => args.push("--no-sign"),
        (Some(_), Some(true)) => args.push("--sign"),
        (Some(_), Some(false)) => args.extend(["--annotate", "--no-sign"]),
        (Some(_), None) => args.push("--annotate"),
    }
    if let Some(message) = &request.message {
        args.extend(["--cleanup=whitespace", "--message", message]);
    }
    args.extend(["--", &request.name]);
    args
}
