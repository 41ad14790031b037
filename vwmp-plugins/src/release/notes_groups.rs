//! Changes in groups, as release notes show them.

use std::sync::LazyLock;

use regex::Regex;
use vwmp_interfaces::capability::LogEntry;

use super::conventional::Change;
use super::notes::{CommitLine, Item, Section, SectionRule};

/// Changes in groups.
pub(super) struct Groups {
    pub(super) sections: Vec<Section>,
    pub(super) breaking: Vec<Item>,
}

static CO_AUTHOR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?mi)^Co-authored-by: *([^<\n]+?) *<").expect("a valid expression"));

/// The groups of those who say nothing else.
pub(super) fn usual() -> Vec<SectionRule> {
    let rule = |(title, types): (&str, &[&str])| SectionRule {
        title: title.to_owned(),
        types: types.iter().map(|&kind| kind.to_owned()).collect(),
    };
    let rules: [(&str, &[&str]); 5] = [
        ("Features", &["feat", "feature"]),
        ("Bug Fixes", &["fix", "bugfix"]),
        ("Performance", &["perf"]),
        ("Reverts", &["revert"]),
        ("Documentation", &["docs", "doc"]),
    ];
    rules.map(rule).to_vec()
}

/// Puts changes into groups; what fits none goes under the heading `other`, if there is one.
pub(super) fn group(changes: &[Change], rules: &[SectionRule], hidden: &[String], other: &str) -> Groups {
    let kind = |change: &Change| change.kind.clone().unwrap_or_default();
    let chosen = |rule: &SectionRule, change: &Change| rule.types.contains(&kind(change));
    let mut sections: Vec<Section> = rules
        .iter()
        .map(|rule| section(&rule.title, changes.iter().filter(|change| chosen(rule, change))))
        .collect();
    let rest = changes.iter().filter(|change| {
        let named = rules.iter().any(|rule| chosen(rule, change));
        let hidden = hidden.contains(&kind(change)) && change.breaking.is_none();
        let silent = change.description.is_empty() || (change.merge && change.kind.is_none());
        !(named || hidden || silent)
    });
    if !other.is_empty() {
        sections.push(section(other, rest));
    }
    sections.retain(|section| !section.changes.is_empty());
    let breaking = changes.iter().filter(|change| change.breaking.is_some()).map(item).collect();
    Groups { sections, breaking }
}

/// Authors and co-authors, each once.
pub(super) fn contributors(commits: &[LogEntry]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for commit in commits {
        let co_authors = CO_AUTHOR.captures_iter(&commit.message).map(|found| found[1].to_owned());
        for name in std::iter::once(commit.author.clone()).chain(co_authors) {
            if !names.contains(&name) && !name.ends_with("[bot]") {
                names.push(name);
            }
        }
    }
    names
}

pub(super) fn commit_line(commit: &LogEntry) -> CommitLine {
    let subject = commit.message.lines().next().unwrap_or_default().to_owned();
    CommitLine { id: commit.id.clone(), subject, author: commit.author.clone() }
}

/// Changes with a scope come first, by scope, else the order stays.
fn section<'c>(title: &str, changes: impl Iterator<Item = &'c Change>) -> Section {
    let mut changes: Vec<Item> = changes.map(item).collect();
    changes.sort_by(|one, other| {
        let place = |item: &Item| (item.scope.is_none(), item.scope.clone());
        place(one).cmp(&place(other))
    });
    Section { title: title.to_owned(), changes }
}

fn item(change: &Change) -> Item {
    Item {
        kind: change.kind.clone(),
        scope: change.scope.clone(),
        description: change.description.clone(),
        breaking: change.breaking.clone(),
        commit: change.commit.clone(),
        issues: change.issues.clone(),
    }
}
