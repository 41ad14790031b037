//! Paths with `*` in their last part.

use std::path::Path;

use vwmp_interfaces::{StepError, WorkspacePath};

/// The files that a path with `*` in its last part stands for, sorted.
pub(crate) fn matching(root: &Path, written: &WorkspacePath) -> Result<Vec<WorkspacePath>, StepError> {
    let (folder, name) = written.as_str().rsplit_once('/').unwrap_or(("", written.as_str()));
    let Some((first, rest)) = name.split_once('*') else {
        return Ok(if root.join(written).is_file() { vec![written.clone()] } else { Vec::new() });
    };
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return Ok(Vec::new()) };
    let parts: Vec<&str> = rest.split('*').collect();
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter(|name| name.strip_prefix(first).is_some_and(|rest| fits(rest, &parts))).collect();
    names.sort();
    let paths =
        names.iter().map(|name| if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") });
    let files = paths.filter(|path| root.join(path).is_file());
    files.map(|path| WorkspacePath::parse(&path).map_err(StepError::invalid)).collect()
}

/// Whether a text consists of these parts with anything before each, the last one at its end.
fn fits(text: &str, parts: &[&str]) -> bool {
    match parts {
        [] => true,
        [last] => text.ends_with(last),
        [next, more @ ..] => text.match_indices(next).any(|(at, _)| fits(&text[at + next.len()..], more)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_in_a_name() {
        let run = vwmp_testkit::TestRun::new();
        run.write("dist/a.tar.gz", "").write("dist/b.tar.xz", "").write("dist/c.zip", "").write("d.gz", "");
        for (written, found) in [
            ("dist/*.tar.*", vec!["dist/a.tar.gz", "dist/b.tar.xz"]),
            ("*.gz", vec!["d.gz"]),
            ("dist/c.zip", vec!["dist/c.zip"]),
            ("dist/a*z", vec!["dist/a.tar.gz"]),
            ("dist", vec![]),
            ("none/*", vec![]),
        ] {
            let paths = matching(run.workspace(), &WorkspacePath::parse(written).unwrap()).unwrap();
            assert_eq!(paths.iter().map(WorkspacePath::as_str).collect::<Vec<_>>(), found, "{written}");
        }
    }
}
