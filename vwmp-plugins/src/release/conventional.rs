//! What commits say they change, after the Conventional Commits specification.

use std::collections::HashSet;
use std::sync::LazyLock;

use git_conventional::Commit;
use regex::Regex;
use vwmp_interfaces::capability::LogEntry;

use super::version::Increment;

/// One change that a commit brings; a commit may bring several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The type, such as `feat`; nothing where the commit doesn't follow the specification.
    pub(super) kind: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) description: String,
    /// What breaks.
    pub(super) breaking: Option<String>,
    /// The id of the commit.
    pub(super) commit: String,
    /// Numbers of issues that it names, such as `#12`.
    pub(super) issues: Vec<String>,
    /// Whether it is a merge, which says nothing that the merged commits don't.
    pub(super) merge: bool,
}

/// Types that begin a change inside the body of a commit. Only these: prose has colons too.
const NESTED: &str = r"(?m)^(?:[*-] )?(?:feat|fix|perf|refactor|docs|revert|deps|build|ci|test|style|chore)(?:\([^()\r\n]+\))?!?: \S";

static NESTED_START: LazyLock<Regex> = LazyLock::new(|| Regex::new(NESTED).expect("a valid expression"));
static REVERTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bThis reverts commits? ([0-9a-f]{7,40})\b").expect("a valid expression")
});
static ISSUE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s(,])#([0-9]+)\b").expect("a valid expression"));

/// The changes of commits, in their order. A commit and the one that reverts it are both left out
/// where both are there, and so is what a merge only repeats of the commits it merges.
pub(super) fn changes(commits: &[LogEntry]) -> Vec<Change> {
    let reverts: Vec<(&LogEntry, String)> = commits
        .iter()
        .filter_map(|commit| Some((commit, REVERTED.captures(&commit.message)?[1].to_lowercase())))
        .collect();
    let undone = |commit: &LogEntry| {
        // A revert that was itself reverted undoes nothing.
        let live = |revert: &LogEntry| !reverts.iter().any(|(_, target)| revert.id.starts_with(target));
        let by_another = reverts.iter().any(|(revert, target)| live(revert) && commit.id.starts_with(target));
        let undoes = reverts.iter().any(|(revert, target)| {
            revert.id == commit.id && commits.iter().any(|other| other.id.starts_with(target))
        });
        by_another || undoes
    };
    let mut changes: Vec<Change> =
        commits.iter().filter(|commit| !undone(commit)).flat_map(of_commit).collect();
    let said: HashSet<Words> = changes.iter().filter(|change| !change.merge).map(words).collect();
    changes.retain(|change| !change.merge || !said.contains(&words(change)));
    changes
}

/// The part of the version that the changes ask for; nothing where there is none.
pub(super) fn level(changes: &[Change], ignored: &[String]) -> Option<Increment> {
    let counts = |change: &&Change| {
        let kind = change.kind.as_deref().unwrap_or_default();
        change.breaking.is_some() || !ignored.iter().any(|ignored| ignored == kind)
    };
    let levels = changes.iter().filter(|change| !change.merge || change.kind.is_some()).filter(counts);
    levels.map(level_of).max_by_key(|level| match level {
        Increment::Major => 2,
        Increment::Minor => 1,
        _ => 0,
    })
}

fn level_of(change: &Change) -> Increment {
    match (&change.breaking, change.kind.as_deref()) {
        (Some(_), _) => Increment::Major,
        (None, Some("feat" | "feature")) => Increment::Minor,
        _ => Increment::Patch,
    }
}

fn of_commit(commit: &LogEntry) -> Vec<Change> {
    let message = commit.message.replace("\r\n", "\n");
    let (subject, body) = message.split_once('\n').unwrap_or((&message, ""));
    let starts: Vec<usize> = NESTED_START.find_iter(body).map(|found| found.start()).collect();
    let own_end = starts.first().copied().unwrap_or(body.len());
    let mut found = vec![one(commit, subject, &body[..own_end])];
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(body.len());
        let part = body[start..end].trim_start_matches(['*', '-', ' ']);
        let (subject, body) = part.split_once('\n').unwrap_or((part, ""));
        let change = one(commit, subject, body);
        // Squashed commits often repeat the subject.
        if !found.iter().any(|other| words(other) == words(&change)) {
            found.push(change);
        }
    }
    found
}

/// What is the same in two changes that say the same.
type Words = (Option<String>, Option<String>, String, bool);

/// The number of a pull request doesn't count.
fn words(change: &Change) -> Words {
    let bare = change.description.split(" (#").next().unwrap_or_default().trim().to_lowercase();
    (change.kind.clone(), change.scope.clone(), bare, change.breaking.is_some())
}

fn one(commit: &LogEntry, subject: &str, body: &str) -> Change {
    // A blank line after the subject is often forgotten, and means the same.
    let normal = format!("{}\n\n{}", subject.trim(), body.trim());
    let issues = issues(&normal);
    let change = |kind, scope, description: &str, breaking| Change {
        kind,
        scope,
        description: description.to_owned(),
        breaking,
        commit: commit.id.clone(),
        issues,
        merge: commit.merge,
    };
    if let Some(reverted) = subject.strip_prefix("Revert \"").and_then(|rest| rest.strip_suffix('"')) {
        return change(Some("revert".to_owned()), None, reverted, None);
    }
    let parsed = Commit::parse(normal.trim_end());
    // A body that breaks the rules doesn't make the subject worthless.
    let parsed = parsed.or_else(|_| Commit::parse(subject.trim()));
    let Ok(parsed) = parsed else {
        let breaking = breaking_line(body);
        return change(None, None, subject.trim(), breaking);
    };
    let breaking = parsed.breaking().then(|| parsed.breaking_description().unwrap_or(parsed.description()));
    let breaking = breaking.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let scope = parsed.scope().map(|scope| scope.to_string());
    change(
        Some(parsed.type_().to_string().to_lowercase()),
        scope,
        parsed.description(),
        breaking.or_else(|| breaking_line(body)),
    )
}

/// The note of a footer in a body that isn't quite in order.
fn breaking_line(body: &str) -> Option<String> {
    let note = |line: &str| {
        let rest =
            line.strip_prefix("BREAKING CHANGE: ").or_else(|| line.strip_prefix("BREAKING-CHANGE: "))?;
        Some(rest.trim().to_owned())
    };
    body.lines().find_map(note)
}

fn issues(text: &str) -> Vec<String> {
    let mut numbers: Vec<String> = ISSUE.captures_iter(text).map(|found| found[1].to_owned()).collect();
    let mut seen = std::collections::BTreeSet::new();
    numbers.retain(|number| seen.insert(number.clone()));
    numbers
}

#[cfg(test)]
#[path = "conventional_tests.rs"]
mod tests;
