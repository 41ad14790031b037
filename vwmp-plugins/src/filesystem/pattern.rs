//! Patterns of paths: `*` is anything but `/`, `**` any folders, `?` one character, `{a,b}` one of them.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use vwmp_interfaces::capability::{Entry, Files};
use vwmp_interfaces::{Findings, Place, StepContext, StepError, WorkspacePath};

use super::planned;

/// Reports patterns that can't be read or that leave the workspace.
pub(super) fn validate(key: &str, patterns: &[String], findings: &mut Findings) {
    for (index, pattern) in patterns.iter().enumerate() {
        if let Err(problem) = set(std::slice::from_ref(pattern)) {
            findings.error("filesystem::pattern", Place::Config(format!("/{key}/{index}")), problem);
        }
    }
}

/// All that match one of the patterns and none of those left out, sorted. What is in a `.git` folder
/// matches only patterns that name it.
pub(super) async fn matching(
    ctx: &StepContext,
    files: &dyn Files,
    patterns: &[String],
    exclude: &[String],
) -> Result<Vec<(WorkspacePath, Entry)>, StepError> {
    let (wanted, left_out) =
        (set(patterns).map_err(StepError::invalid)?, set(exclude).map_err(StepError::invalid)?);
    let of_git = patterns.iter().any(|pattern| pattern.split('/').any(|part| part == ".git"));
    let hidden = |path: &WorkspacePath| !of_git && path.as_str().split('/').any(|part| part == ".git");
    let start = common_folder(patterns);
    let found = planned::walk(ctx, files, start.as_ref()).await?.into_iter();
    let matches = found.filter(|(path, _)| {
        wanted.is_match(path.as_str()) && !left_out.is_match(path.as_str()) && !hidden(path)
    });
    Ok(matches.collect())
}

/// The files among them; links and the like are told and left out.
pub(super) async fn matching_files(
    ctx: &StepContext,
    files: &dyn Files,
    patterns: &[String],
    exclude: &[String],
) -> Result<Vec<(WorkspacePath, bool)>, StepError> {
    let mut all = Vec::new();
    for (path, entry) in matching(ctx, files, patterns, exclude).await? {
        match entry {
            Entry::File { executable, .. } => all.push((path, executable)),
            Entry::Link | Entry::Other => ctx.log().warn(format!("{path} is no plain file, and is left out")),
            Entry::Directory => {}
        }
    }
    Ok(all)
}

fn set(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if pattern.starts_with('/') {
            return Err(format!("`{pattern}` is absolute; write it relative to the workspace"));
        }
        if pattern.split('/').any(|part| part == "..") {
            return Err(format!("`{pattern}` leads out of the workspace"));
        }
        let pattern = pattern.trim_start_matches("./");
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|error| format!("`{pattern}` is no pattern: {}", error.kind()))?);
    }
    set.build().map_err(|error| error.to_string())
}

/// The innermost folder that everything that can match is in, so that no more than that is read.
fn common_folder(patterns: &[String]) -> Option<WorkspacePath> {
    let plain = |pattern: &String| {
        let folder =
            pattern.trim_start_matches("./").rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let parts = folder.split('/').take_while(|part| !part.contains(['*', '?', '[', '{', '\\']));
        parts.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let common = patterns.iter().map(plain).reduce(|one, other| {
        one.into_iter().zip(other).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    });
    WorkspacePath::parse(&common?.join("/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_match_is_read() {
        let folder = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|&one| one.to_owned()).collect();
            common_folder(&patterns).map(|path| path.to_string())
        };
        assert_eq!(folder(&["src/*.rs"]).as_deref(), Some("src"));
        assert_eq!(folder(&["./a/b/**/c"]).as_deref(), Some("a/b"));
        assert_eq!(folder(&["a/b/x", "a/c/*"]).as_deref(), Some("a"));
        assert_eq!(folder(&["a/{b,c}/x"]).as_deref(), Some("a"));
        assert_eq!(folder(&["*.md", "a/b"]), None);
        assert_eq!(folder(&["**/x"]), None);
    }

    #[test]
    fn patterns_stay_inside() {
        let problem = |pattern: &str| set(&[pattern.to_owned()]).unwrap_err();
        assert_eq!(problem("/etc/*"), "`/etc/*` is absolute; write it relative to the workspace");
        assert_eq!(problem("a/../../*"), "`a/../../*` leads out of the workspace");
        assert_eq!(problem("a[b"), "`a[b` is no pattern: unclosed character class; missing ']'");
    }
}
