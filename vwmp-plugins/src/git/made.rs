//! Commits and tags as they are, to tell whose work they are.

use vwmp_interfaces::StepError;
use vwmp_interfaces::capability::{MadeCommit, MadeTag};

use super::adapter::Git;

impl Git {
    pub(super) async fn find_made_commit(&self, revision: &str) -> Result<Option<MadeCommit>, StepError> {
        let Some(id) = self.find_commit(revision).await? else { return Ok(None) };
        let args = ["log", "--max-count=1", "--no-show-signature", "--format=%H%x00%P%x00%T%x00%B", &id];
        let text = self.must("read the commit", &args).await?.text();
        let mut fields = text.splitn(4, '\0').map(ToOwned::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        let (id, parents, tree, message) = (next(), next(), next(), next());
        let parents = parents.split_whitespace().map(ToOwned::to_owned).collect();
        let files = self.files_of(&id).await?;
        Ok(Some(MadeCommit { id, parents, tree, message, files }))
    }

    pub(super) async fn publishing(&self, commit: &str) -> Result<Vec<String>, StepError> {
        let contains = format!("--contains={commit}");
        let args = ["for-each-ref", "--format=%(refname:lstrip=2)", &contains, "refs/remotes"];
        let branches = self.must("look for the commit on remotes", &args).await?.text();
        Ok(branches.lines().map(ToOwned::to_owned).collect())
    }

    pub(super) async fn find_made_tag(&self, name: &str) -> Result<Option<MadeTag>, StepError> {
        let full = format!("refs/tags/{name}");
        let Some(object) = self.find_ref(&full).await? else { return Ok(None) };
        let commit = self.find_commit(&full).await?.unwrap_or_else(|| object.clone());
        let kind = self.must("look at the tag", &["cat-file", "-t", &object]).await?.text();
        let message = if kind.trim_end() == "tag" {
            let text = self.must("read the tag", &["cat-file", "tag", &object]).await?.text();
            Some(text.split_once("\n\n").map(|(_, message)| message.to_owned()).unwrap_or_default())
        } else {
            None
        };
        Ok(Some(MadeTag { object, commit, message }))
    }

    pub(super) async fn find_ref(&self, name: &str) -> Result<Option<String>, StepError> {
        self.look("find a ref", &["rev-parse", "--verify", "--quiet", "--end-of-options", name]).await
    }
}

/// Whether git, or a hook, may have made a message of the one that was given: it tidies up white space, hooks and
/// signatures add lines at the end.
pub(super) fn comes_from(message: &str, given: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    lines(message).starts_with(&lines(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_recognised() {
        let given = "release: v1  \n\n\nAll of it.\n";
        for (message, ours) in [
            ("release: v1\n\nAll of it.\n", true),
            ("release: v1\n\nAll of it.\n\nChange-Id: I1\n", true),
            ("release: v1\n", false),
            ("release: v10\n\nAll of it.\n", false),
            ("chore: x\n\nrelease: v1\n\nAll of it.\n", false),
        ] {
            assert_eq!(comes_from(message, given), ours, "{message:?}");
        }
    }
}
