//! What a step would change, as people read it.

use anstyle::Style;
use similar::TextDiff;
use vwmp_interfaces::Change;

use super::plain;
use crate::terminal::{BOLD, CYAN, GREEN, RED, paint};

/// Lines around a change.
const CONTEXT: usize = 2;
/// Longer diffs are cut.
const MOST_LINES: usize = 200;

/// A file as a unified diff, anything else as a line.
pub(crate) fn change(change: &Change) -> Vec<String> {
    match change {
        Change::File { path, before, after } => file(path, before.as_deref(), after.as_deref()),
        Change::Action { description } => {
            let mut lines = description.lines().map(plain);
            let first = format!("{} {}", paint(CYAN, "then:"), lines.next().unwrap_or_default());
            std::iter::once(first).chain(lines.map(|line| format!("      {line}"))).collect()
        }
    }
}

fn file(path: &str, before: Option<&str>, after: Option<&str>) -> Vec<String> {
    if before == after {
        return vec![format!("{path} stays as it is")];
    }
    let name = |side: &str, text: Option<&str>| match text {
        Some(_) => format!("{side}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    let mut unified = diff.unified_diff();
    unified.context_radius(CONTEXT).header(&name("a", before), &name("b", after));
    let text = unified.to_string();
    let mut lines: Vec<String> = text.lines().take(MOST_LINES).map(painted).collect();
    let more = text.lines().skip(MOST_LINES).count();
    if more > 0 {
        lines.push(format!("… and {}", super::counted(more, "more line")));
    }
    lines
}

fn painted(line: &str) -> String {
    let text = plain(line);
    match style(line) {
        Some(style) => paint(style, text),
        None => text,
    }
}

fn style(line: &str) -> Option<Style> {
    Some(match line.as_bytes().first()? {
        _ if line.starts_with("--- ") || line.starts_with("+++ ") => BOLD,
        b'-' => RED,
        b'+' => GREEN,
        b'@' => CYAN,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(one: &Change) -> String {
        anstream::adapter::strip_str(&change(one).join("\n")).to_string()
    }

    fn file(before: Option<&str>, after: Option<&str>) -> Change {
        let text = |text: &str| text.to_owned();
        Change::File { path: "VERSION".into(), before: before.map(text), after: after.map(text) }
    }

    #[test]
    fn files_are_shown_as_diffs() {
        assert_eq!(
            shown(&file(Some("1.2.0\n"), Some("1.3.0\n"))),
            "--- a/VERSION\n+++ b/VERSION\n@@ -1 +1 @@\n-1.2.0\n+1.3.0"
        );
        assert_eq!(shown(&file(None, Some("1\n"))), "--- /dev/null\n+++ b/VERSION\n@@ -0,0 +1 @@\n+1");
        assert_eq!(shown(&file(Some("1\n"), None)), "--- a/VERSION\n+++ /dev/null\n@@ -1 +0,0 @@\n-1");
        assert_eq!(shown(&file(Some("1\n"), Some("1\n"))), "VERSION stays as it is");
    }

    #[test]
    fn actions_are_lines() {
        let action = Change::Action { description: "push main\nand v1.3.0".into() };
        assert_eq!(shown(&action), "then: push main\n      and v1.3.0");
    }
}
