//! The rules of the four workflow types that build, test, deploy and document.

use serde_json::json;
use vwmp_interfaces::workflow_type::StepOutline;
use vwmp_interfaces::{Findings, WorkflowOutline, WorkflowTypePlugin};

use super::workflow_type::CiCd;

/// Messages of the findings on a workflow, from lines such as `test ci_cd.test 0`: id, handler, needs.
fn findings<T: WorkflowTypePlugin>(steps: &[&str]) -> Vec<String> {
    let step = |line: &&str| {
        let mut words = line.split(' ');
        StepOutline {
            id: words.next().unwrap().into(),
            handler: words.next().unwrap().into(),
            needs: words.map(|need| need.parse().unwrap()).collect(),
            config: json!({}),
            ..StepOutline::default()
        }
    };
    let outline = WorkflowOutline { steps: steps.iter().map(step).collect(), ..WorkflowOutline::default() };
    let mut findings = Findings::default();
    T::default().validate_workflow(&outline, &mut findings);
    findings.into_iter().map(|one| format!("{}: {} / {}", one.code, one.message, one.help.unwrap())).collect()
}

#[test]
fn nothing_is_deployed_that_was_not_built_and_tested() {
    assert!(findings::<CiCd>(&["b ci_cd.build", "t ci_cd.test 0", "d ci_cd.deploy 1"]).is_empty());
    assert_eq!(
        findings::<CiCd>(&["b ci_cd.build", "d ci_cd.deploy 0", "t ci_cd.test 0"]),
        ["ci_cd::deploy-before-test: step `d` must wait for step `t`: it would deploy what wasn't tested / \
          add `needs: [t]` to step `d`"]
    );
    assert_eq!(
        findings::<CiCd>(&["b ci_cd.build"]),
        ["ci_cd::no-test: no step tests anything / add a step with `handler: ci_cd.test`"]
    );
}

#[cfg(feature = "http")]
#[test]
fn deployments_come_one_after_another_and_are_told_afterwards() {
    use crate::deployment::workflow_type::Deployment;
    let found = findings::<Deployment>(&["a ci_cd.deploy", "b ci_cd.deploy", "n notify.slack 0"]);
    assert_eq!(
        found,
        [
            "deployment::two-at-once: steps `a` and `b` may run at the same time / add `needs: [a]` to step `b`",
            "deployment::told-too-early: step `n` must wait for step `b`: it would tell what hasn't happened yet / \
             add `needs: [b]` to step `n`",
            "deployment::no-health-gate: nothing sees whether what step `a` deploys is healthy / add `health: { url: … }` \
             to its config",
            "deployment::no-health-gate: nothing sees whether what step `b` deploys is healthy / add `health: { url: … }` \
             to its config",
        ]
    );
}

#[test]
fn coverage_is_looked_at_after_the_tests() {
    use crate::testing::workflow_type::Testing;
    assert_eq!(
        findings::<Testing>(&["g testing.coverage_gate", "t ci_cd.test"]),
        [
            "testing::gate-before-test: step `g` must wait for step `t`: it would look at what was covered before / \
          add `needs: [t]` to step `g`"
        ]
    );
}

#[cfg(feature = "http")]
#[test]
fn documents_are_checked_before_they_are_published() {
    use crate::documentation::workflow_type::Documentation;
    assert_eq!(
        findings::<Documentation>(&["p git.push"]),
        [
            "documentation::no-link-check: no step checks the links / add a step with `handler: documentation.link_check`"
        ]
    );
    assert_eq!(
        findings::<Documentation>(&["l documentation.link_check", "p git.push"]),
        [
            "documentation::published-before-check: step `p` must wait for step `l`: it would publish what wasn't checked / \
          add `needs: [l]` to step `p`"
        ]
    );
}
