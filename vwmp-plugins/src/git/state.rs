//! Where the repository stands, and what in it is looked for by name.

use vwmp_interfaces::capability::{FileState, RepositoryState};
use vwmp_interfaces::{OrFail, StepError};

use super::adapter::Git;
use super::repository::line;

/// What git leaves in its folder while something is unfinished.
const UNFINISHED: [(&str, &str); 5] = [
    ("MERGE_HEAD", "merge"),
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
];

impl Git {
    pub(super) async fn read_state(&self) -> Result<RepositoryState, StepError> {
        let args = ["--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--no-renames"];
        let args = [&args[..], &["--untracked-files=all", "--ignore-submodules=none"]].concat();
        let mut state = RepositoryState::default();
        for record in self.must("look at the repository", &args).await?.list() {
            match record.strip_prefix("# branch.") {
                Some(header) => read_header(header, &mut state),
                None => state.files.extend(read_file(&record)),
            }
        }
        let shallow = self.must("look at the repository", &["rev-parse", "--is-shallow-repository"]).await?;
        state.shallow = line(&shallow) == "true";
        state.unfinished = self.unfinished().await?.map(ToOwned::to_owned);
        Ok(state)
    }

    /// What has been begun and not finished.
    pub(super) async fn unfinished(&self) -> Result<Option<&'static str>, StepError> {
        let folder = self.must("find the repository", &["rev-parse", "--absolute-git-dir"]).await?;
        let folder = std::path::PathBuf::from(line(&folder));
        Ok(UNFINISHED.into_iter().find(|(name, _)| folder.join(name).exists()).map(|(_, what)| what))
    }

    /// The commit that a name stands for.
    pub(super) async fn find_commit(&self, revision: &str) -> Result<Option<String>, StepError> {
        let name = format!("{revision}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &name];
        // An ambiguous or malformed name ends with 128, and stands for nothing either.
        let output = self.program.run(&args).await.or_transient("can't ask git")?;
        Ok(output.succeeded().then(|| line(&output)))
    }

    pub(super) async fn stage_paths(&self, paths: &[String]) -> Result<Vec<String>, StepError> {
        let mut args = vec!["--literal-pathspecs", "add", "--all", "--"];
        args.extend(paths.iter().map(String::as_str));
        self.must("stage", &args).await?;
        self.staged().await
    }
}

fn read_header(header: &str, state: &mut RepositoryState) {
    let Some((name, value)) = header.split_once(' ') else { return };
    match name {
        "oid" => state.head = (value != "(initial)").then(|| value.to_owned()),
        "head" => state.branch = (value != "(detached)").then(|| value.to_owned()),
        "upstream" => state.upstream = Some(value.to_owned()),
        "ab" => {
            let mut counts = value.split(' ').map(|count| count[1..].parse().ok());
            (state.ahead, state.behind) = (counts.next().flatten(), counts.next().flatten());
        }
        _ => {}
    }
}

/// One record of `git status --porcelain=v2 -z --no-renames`.
fn read_file(record: &str) -> Option<FileState> {
    let (kind, rest) = record.split_once(' ')?;
    let fields = match kind {
        "1" => 8,
        "u" => 10,
        "?" => return Some(FileState { path: rest.to_owned(), untracked: true, ..FileState::default() }),
        _ => return None,
    };
    let mut parts = rest.splitn(fields, ' ');
    let (code, submodule) = (parts.next()?, parts.next()?);
    Some(FileState {
        path: parts.last()?.to_owned(),
        staged: kind == "1" && !code.starts_with('.'),
        changed: kind == "1" && !code.ends_with('.'),
        untracked: false,
        conflicted: kind == "u",
        submodule: submodule.starts_with('S'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read() {
        let zeros = "0000000000000000000000000000000000000000";
        let file = |record: &str| read_file(record).unwrap();
        let staged = file(&format!("1 M. N... 100644 100644 100644 {zeros} {zeros} a b.txt"));
        assert_eq!((staged.path.as_str(), staged.staged, staged.changed), ("a b.txt", true, false));
        let changed = file(&format!("1 .M SC.. 160000 160000 160000 {zeros} {zeros} lib"));
        assert!(changed.changed && changed.submodule && !changed.staged);
        let conflict = file(&format!("u UU N... 100644 100644 100644 100644 {zeros} {zeros} {zeros} x"));
        assert!(conflict.conflicted && conflict.path == "x");
        assert!(file("? new file").untracked);
        let mut state = RepositoryState::default();
        for header in ["oid (initial)", "head main", "upstream origin/main", "ab +2 -1"] {
            read_header(header, &mut state);
        }
        assert_eq!((state.head, state.branch.as_deref()), (None, Some("main")));
        assert_eq!((state.ahead, state.behind), (Some(2), Some(1)));
    }
}
