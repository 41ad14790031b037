//! The rules of a release, as tables.

use vwmp_interfaces::workflow_type::StepOutline;

use super::*;

/// A workflow from lines such as `tag git.create_tag 0 1`: id, handler, needs.
fn outline(steps: &[&str]) -> WorkflowOutline {
    let step = |line: &&str| {
        let mut words = line.split(' ');
        StepOutline {
            id: words.next().unwrap().into(),
            handler: words.next().unwrap().into(),
            needs: words.map(|need| need.parse().unwrap()).collect(),
            ..StepOutline::default()
        }
    };
    WorkflowOutline { steps: steps.iter().map(step).collect(), ..WorkflowOutline::default() }
}

/// Findings as `code @step message / help`, warnings with a `?` before.
fn findings(steps: &[&str]) -> Vec<String> {
    let mut findings = Findings::default();
    Release.validate_workflow(&outline(steps), &mut findings);
    let line = |finding: vwmp_interfaces::finding::Finding| {
        let mark = if finding.warning { "?" } else { "" };
        let place = match finding.place {
            Place::Step(step) => format!("@{step}"),
            place => format!("{place:?}"),
        };
        format!("{mark}{} {place} {} / {}", finding.code, finding.message, finding.help.unwrap())
    };
    findings.into_iter().map(line).collect()
}

#[test]
fn a_release_in_order_is_fine() {
    let steps = [
        "bump release.version_bump",
        "notes release.changelog_create 0",
        "log release.changelog_update 0",
        "stage git.stage_all 1 2",
        "commit git.commit 3",
        "tag git.create_tag 4",
        "push git.push 5",
    ];
    assert!(findings(&steps).is_empty());
}

#[test]
fn tag_and_push_wait_for_the_commit() {
    let steps = ["bump release.version_bump", "tag git.create_tag 0", "commit git.commit 1", "push git.push"];
    assert_eq!(
        findings(&steps),
        [
            "release::tag-before-commit @1 step `tag` must wait for step `commit`: the tag would point at the \
             commit before the release / add `needs: [commit]` to step `tag`",
            "release::push-before-commit @3 step `push` must wait for step `commit`: the release would not be \
             pushed / add `needs: [commit]` to step `push`",
            "release::push-before-tag @3 step `push` must wait for step `tag`: the tag would not be pushed / add \
             `needs: [tag]` to step `push`",
        ]
    );
}

#[test]
fn what_is_written_is_in_the_commit() {
    let steps = [
        "stage git.stage_all",
        "commit git.commit",
        "bump release.version_bump 1",
        "notes release.changelog_create 1",
    ];
    assert_eq!(
        findings(&steps),
        [
            "release::stage-before-bump @2 step `bump` must end before step `stage` starts: its change would not \
             be staged / add `needs: [bump]` to step `stage`",
            "release::commit-before-bump @2 step `bump` must end before step `commit` starts: its change would \
             be missing in the commit / add `needs: [bump]` to step `commit`",
            "release::stage-before-changelog @3 step `notes` must end before step `stage` starts: its change \
             would not be staged / add `needs: [notes]` to step `stage`",
            "release::commit-before-changelog @3 step `notes` must end before step `commit` starts: its change \
             would be missing in the commit / add `needs: [notes]` to step `commit`",
            "release::commit-before-stage @1 step `commit` must wait for step `stage`: the commit would be empty \
             / add `needs: [stage]` to step `commit`",
        ]
    );
}

#[test]
fn what_is_missing_is_asked_about() {
    assert_eq!(
        findings(&["push git.push"]),
        [
            "?release::no-version-bump Workflow no step raises the version / add a step with `handler: \
             release.version_bump`",
            "?release::push-without-commit Workflow a step pushes, but none commits / add a step with `handler: \
             git.commit`",
            "?release::push-without-tag Workflow a step pushes, but none creates a tag / add a step with \
             `handler: git.create_tag`",
        ]
    );
}

#[test]
fn defaults_are_complete() {
    let config: ReleaseConfig = serde_json::from_value(serde_json::json!({ "own": 1 })).unwrap();
    assert_eq!((config.version_file.as_str(), config.tag_prefix.as_str()), ("VERSION", "v"));
}

#[test]
fn what_is_checked_is_checked_in_time() {
    let steps = [
        "bump release.version_bump",
        "commit git.commit 0",
        "tag git.create_tag 1",
        "push git.push 2",
        "verify release.verify 0",
        "tests ci_cd.test 0",
        "notes release.notes 2",
        "readme release.readme_update 1",
    ];
    assert_eq!(
        findings(&steps),
        [
            "release::commit-before-readme @7 step `readme` must end before step `commit` starts: its change \
             would be missing in the commit / add `needs: [readme]` to step `commit`",
            "release::push-before-validators @3 step `push` must wait for step `verify`: what it finds would come \
             too late / add `needs: [verify]` to step `push`",
            "release::push-before-validators @3 step `push` must wait for step `tests`: what it finds would come \
             too late / add `needs: [tests]` to step `push`",
            "release::tag-before-validators @2 step `tag` must wait for step `verify`: the tag it looks for would \
             be there already / add `needs: [verify]` to step `tag`",
            "release::tag-before-notes @2 step `tag` must wait for step `notes`: the notes would begin after the \
             new tag, and be empty / add `needs: [notes]` to step `tag`",
        ]
    );
}
