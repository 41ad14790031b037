//! Which names git accepts for tags and remotes.

/// Why a name can't be used; nothing when it can. As strict as `git check-ref-format`, so that a
/// wrong name is found before the run, and never taken for an option.
pub(super) fn name_problem(name: &str) -> Option<&'static str> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let rules: [(bool, &str); 6] = [
        (name.is_empty(), "it is empty"),
        (name.starts_with('-'), "it begins with `-`"),
        (name.contains(bad), "it has a blank or one of `~^:?*[\\` in it"),
        (name.contains("..") || name.contains("@{") || name == "@", "it has `..` or `@{` in it"),
        (
            name.ends_with(['/', '.']) || name.starts_with('/') || name.contains("//"),
            "it has a misplaced `/` or `.`",
        ),
        (
            name.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")),
            "a part of it begins with `.` or ends with `.lock`",
        ),
    ];
    rules.into_iter().find_map(|(broken, problem)| broken.then_some(problem))
}

/// Why a text can't be a remote, which may be a name, a path or a URL; nothing when it can.
pub(super) fn remote_problem(remote: &str) -> Option<String> {
    let problem = match remote {
        "" => "it is empty",
        _ if remote.starts_with('-') => "it begins with `-`",
        _ => return None,
    };
    Some(format!("`{remote}` can't be a remote: {problem}"))
}

/// Why a text can't be a tag, branch or commit; nothing when it may be one.
pub(super) fn revision_problem(revision: &str) -> Option<String> {
    let problem = match revision {
        "" => "it is empty",
        _ if revision.starts_with('-') => "it begins with `-`",
        _ if revision.contains("..") => "it is a range; use `from` and `to`",
        _ if revision.contains(|c: char| c.is_whitespace() || c.is_control()) => "it has a blank in it",
        _ => return None,
    };
    Some(format!("`{revision}` can't be a revision: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_git_does() {
        for good in ["v1.2.3", "release/v1", "a@b", "v1.0.0-rc.1+build", "é"] {
            assert_eq!(name_problem(good), None, "{good}");
        }
        for (bad, problem) in [
            ("", "it is empty"),
            ("--force", "it begins with `-`"),
            ("v1 2", "it has a blank or one of `~^:?*[\\` in it"),
            ("v1..2", "it has `..` or `@{` in it"),
            ("a//b", "it has a misplaced `/` or `.`"),
            ("v1.", "it has a misplaced `/` or `.`"),
            ("a/.b", "a part of it begins with `.` or ends with `.lock`"),
        ] {
            assert_eq!(name_problem(bad), Some(problem), "{bad}");
        }
    }
}
