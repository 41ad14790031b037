//! Messages as people write them.

use super::*;

fn entry(id: &str, message: &str) -> LogEntry {
    LogEntry {
        id: id.into(),
        time: 0,
        author: "A".into(),
        email: "a@example.com".into(),
        merge: message.starts_with("Merge"),
        message: message.into(),
    }
}

/// `type(scope): description !breaking`, without what is missing.
fn shown(messages: &[&str]) -> Vec<String> {
    let commits: Vec<LogEntry> = messages
        .iter()
        .enumerate()
        .map(|(index, message)| entry(&format!("{index:07}aaaa"), message))
        .collect();
    let line = |change: Change| {
        let kind = change.kind.unwrap_or_else(|| "-".into());
        let scope = change.scope.map(|scope| format!("({scope})")).unwrap_or_default();
        let breaking = change.breaking.map(|text| format!(" !{text}")).unwrap_or_default();
        format!("{kind}{scope}: {}{breaking}", change.description)
    };
    changes(&commits).into_iter().map(line).collect()
}

#[test]
fn messages_are_read() {
    for (message, lines) in [
        ("feat: a", vec!["feat: a"]),
        ("Feat(core)!: a\r\n\r\nbody", vec!["feat(core): a !a"]),
        ("fix: a\nbody without a blank line", vec!["fix: a"]),
        ("fix: a\n\nBREAKING CHANGE: all\n  of it", vec!["fix: a !all of it"]),
        (
            "Make it faster\n\nBREAKING CHANGE: slower on Sundays",
            vec!["-: Make it faster !slower on Sundays"],
        ),
        ("Revert \"feat: a\"\n\nThis reverts commit 1234567890.", vec!["revert: feat: a"]),
        ("Merge branch 'x'", vec!["-: Merge branch 'x'"]),
        (
            "feat: a (#3)\n\n* feat: a\n\n* fix(x): b\n\nBREAKING CHANGE: c",
            vec!["feat: a (#3)", "fix(x): b !c"],
        ),
        ("feat: a\n\nNote: this is prose", vec!["feat: a"]),
        ("", vec!["-: "]),
    ] {
        assert_eq!(shown(&[message]), lines, "{message:?}");
    }
    assert_eq!(changes(&[entry("a", "fix: x (#3)\n\nCloses #4, #3, a#5")])[0].issues, ["3", "4"]);
}

#[test]
fn what_was_reverted_is_gone() {
    let revert = "Revert \"feat: a\"\n\nThis reverts commit 0000001aaaa.";
    assert_eq!(shown(&[revert, "feat: a", "fix: b"]), ["fix: b"]);
    let again = "Revert \"Revert \"feat: a\"\"\n\nThis reverts commit 0000001aaaa.";
    let first = "Revert \"feat: a\"\n\nThis reverts commit 0000002aaaa.";
    assert_eq!(shown(&[again, first, "feat: a"]), ["feat: a"]);
}

#[test]
fn a_merge_does_not_repeat_what_it_merges() {
    let merge = "Merge pull request #7 from a/b\n\nfix(x): a";
    assert_eq!(shown(&[merge, "fix(x): A (#7)"]), ["-: Merge pull request #7 from a/b", "fix(x): A (#7)"]);
    assert_eq!(shown(&[merge, "wip"]), ["-: Merge pull request #7 from a/b", "fix(x): a", "-: wip"]);
    let breaking = "Merge pull request #7 from a/b\n\nfix(x)!: a";
    assert_eq!(shown(&[breaking, "fix(x): a"])[1..], ["fix(x): a !a", "fix(x): a"]);
}

#[test]
fn changes_ask_for_a_version() {
    let asked = |messages: &[&str], ignored: &[&str]| {
        let commits: Vec<LogEntry> =
            messages.iter().enumerate().map(|(index, message)| entry(&index.to_string(), message)).collect();
        let ignored: Vec<String> = ignored.iter().map(|&kind| kind.to_owned()).collect();
        level(&changes(&commits), &ignored)
    };
    assert_eq!(asked(&[], &[]), None);
    assert_eq!(asked(&["Merge branch 'x'"], &[]), None);
    assert_eq!(asked(&["typo"], &[]), Some(Increment::Patch));
    assert_eq!(asked(&["fix: a", "feat: b", "chore: c"], &[]), Some(Increment::Minor));
    assert_eq!(asked(&["fix!: a", "feat: b"], &[]), Some(Increment::Major));
    assert_eq!(asked(&["chore: a"], &["chore"]), None);
    assert_eq!(asked(&["typo"], &[""]), None);
    assert_eq!(asked(&["chore!: a"], &["chore"]), Some(Increment::Major));
}
