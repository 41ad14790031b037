//! What is told of plans.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use vwmp_interfaces::{CancellationToken, Change, Timestamp};

use super::preview::{ItemPreviews, StepPreview, Verdict, preview};
use super::{Plan, render};
use crate::run::PausedClock;
use crate::workflow::tests::{document, plugins};
use crate::workflow::{Inputs, NoFiles, Settings, Workflow};

const WORKFLOW: &str = r#"
name: a "quoted" <name>
type: release
timeout: 90m
parameters: { token: { secret: true }, env: { default: prod } }
config: { title: "v$<parameters.env>" }
steps:
  - id: make
    name: 'Make "it" <now> #1; `x` \ 100%'
    handler: test.make
    config: { name: $<config.title>, files: [{ path: literal $$<x> }] }
    retry: { max_attempts: 3, backoff: linear, delay: 1500ms }
  - { id: use, handler: test.make, config: { name: "$<step-outputs.make.version> of $<parameters.token>" } }
  - { id: run, handler: shell.run, config: { run: echo }, needs: use, timeout: none }
  - { id: read, handler: test.make, config: { name: $<step-outputs.run.stdout> }, when: steps.run.status == "succeeded" }
  - { id: not, handler: test.make, config: { name: x }, when: parameters.env == "test" }
  - { id: after, handler: test.make, config: { name: "$<step-outputs.not.version ?? 'nothing'> for $<steps.not.status>" } }
  - { id: maybe, handler: test.make, config: { name: x }, when: steps.run.outputs.stdout == "x" }
  - { id: broken, handler: test.make, config: { name: broken, count: "$<env.COUNT>" } }
  - { id: broken2, handler: test.make, config: { name: broken } }
  - { id: push, handler: git.push, needs: make }
finally:
  - { id: tell, handler: shell.run, config: { run: $<run.status> }, when: failed() }
"#;

fn plan() -> Plan {
    let environment = BTreeMap::from([("COUNT".to_owned(), "many".to_owned())]);
    let settings = Settings { environment: Arc::new(environment), ..Settings::default() };
    let checked = Workflow::check(document("w.yaml", WORKFLOW), &plugins::registry(), &settings, &NoFiles);
    let mut inputs = Inputs::new(Path::new("/work"));
    inputs.parameters.insert("token".into(), (json!("hunter2"), "-p token=hunter2".into()));
    checked.unwrap().0.plan(inputs).unwrap()
}

#[test]
fn names_are_quoted_in_graphs() {
    let plan = plan();
    let mermaid = render::mermaid(&plan);
    assert_eq!(
        mermaid.lines().nth(1).unwrap(),
        "    n0[\"Make #34;it#34; #60;now#62; #35;1#59; #96;x#96; #92; 100#37;<br/>test.make\"]"
    );
    assert!(mermaid.starts_with("flowchart TD\n") && mermaid.contains("    n0 --> n1\n"), "{mermaid}");
    assert!(
        mermaid.contains("    subgraph finally\n        n10[\"tell<br/>shell.run\"]\n    end\n"),
        "{mermaid}"
    );
    let dot = render::dot(&plan);
    assert!(dot.starts_with("digraph \"a \\\"quoted\\\" <name>\" {\n"), "{dot}");
    assert!(dot.contains("n0 [label=\"Make \\\"it\\\" <now> #1; `x` \\\\ 100%\\ntest.make\"];\n"), "{dot}");
    assert!(dot.contains("    n0 -> n1;\n") && dot.ends_with("}\n"), "{dot}");
}

#[test]
fn a_plan_as_json_has_everything_as_written() {
    let json = render::json(&plan());
    assert_eq!(json["timeout"], "1h30m");
    assert_eq!(json["on_failure"], "stop");
    assert_eq!(json["adapters"], json!(["git"]));
    assert_eq!(json["steps"][2]["timeout"], json!(null));
    assert_eq!(json["steps"][10]["finally"], true);
    assert_eq!(
        json["steps"][0],
        json!({
            "id": "make", "name": "Make \"it\" <now> #1; `x` \\ 100%", "handler": "test.make",
            "effect": "idempotent", "finally": false, "needs": [], "when": null, "required": true,
            "timeout": "1h",
            "retry": { "max_attempts": 3, "backoff": "linear", "delay": "1s500ms", "max_delay": "1m", "jitter": false },
            "priority": 0, "adapters": [],
            "config": { "name": "$<config.title>", "files": [{ "path": "literal $$<x>" }] },
            "can_undo": false, "point_of_no_return": false,
        })
    );
    assert!(!json.to_string().contains("hunter2"));
}

const FANS: &str = r#"
name: fans
on_failure: rollback
lock: release
outputs: { all: $<step-outputs.each> }
parameters: { token: { secret: true }, oses: { type: array, default: [a, b, a] } }
steps:
  - { id: each, handler: test.make, foreach: [x, $<parameters.token>], config: { name: "v$<item>" } }
  - { id: grid, handler: test.make, matrix: { os: $<parameters.oses>, v: [1, 2], exclude: [{ os: b }] }, max_parallel: 2,
      lock: db, cache: { inputs: ["src/**"], key: ["$<parameters.oses>"] }, config: { name: "$<matrix.os>$<matrix.v>" } }
  - { id: later, handler: test.make, foreach: $<step-outputs.run.values.list>, config: { name: $<item> } }
  - { id: run, handler: shell.run, config: { run: echo } }
  - { id: of, handler: test.make, foreach: "$<step-outputs.each.map(one, one.version)>", config: { name: "$<item> $<run.id>" } }
  - { id: none, handler: test.make, foreach: $<parameters.token>, config: { name: $<item> } }
  - { id: broken, handler: test.make, foreach: [broken, fine], config: { name: $<item> } }
"#;

fn fans() -> Plan {
    let settings = Settings::default();
    let checked = Workflow::check(document("w.yaml", FANS), &plugins::registry(), &settings, &NoFiles);
    let mut inputs = Inputs::new(Path::new("/work"));
    inputs.parameters.insert("token".into(), (json!("hunter2"), "-p token=hunter2".into()));
    checked.unwrap().0.plan(inputs).unwrap()
}

fn told_items(out: &mut String, preview: &StepPreview) {
    match &preview.items {
        None => {}
        Some(ItemPreviews::Unknown(why)) => writeln!(out, "  items are unknown: {why}").unwrap(),
        Some(ItemPreviews::Known { values, asked }) => {
            for (value, one) in values.iter().zip(asked) {
                let after = one.changes.iter().map(|change| match change {
                    Change::File { before, after, .. } => format!(" {before:?} -> {after:?}"),
                    Change::Action { description } => format!(" {description}"),
                });
                let (changes, error) = (after.collect::<String>(), one.error.as_deref().unwrap_or_default());
                writeln!(out, "  {value}: {} {:?} {}{changes} {error}", one.config, one.unknown, one.summary)
                    .unwrap();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_item_says_what_it_would_do() {
    let plan = Arc::new(fans());
    let clock = Arc::new(PausedClock::starting(Timestamp::from_micros(0)));
    let mut told = String::new();
    for one in preview(Arc::clone(&plan), clock, CancellationToken::new()).await {
        let error = one.error.as_deref().unwrap_or_default();
        writeln!(told, "{} {:?} {} changes {error}", plan[one.step].id(), one.unknown, one.changes.len())
            .unwrap();
        told_items(&mut told, &one);
    }
    assert_eq!(told, include_str!("tests/items.txt"));
}

#[test]
fn items_locks_and_caches_are_drawn_and_written() {
    let plan = fans();
    let graph = render::mermaid(&plan);
    assert!(graph.contains("[\"grid<br/>test.make<br/>× 4<br/>lock db<br/>cached\"]"), "{graph}");
    assert!(graph.contains("[\"later<br/>test.make<br/>× n\"]"), "{graph}");
    let json = render::json(&plan);
    assert_eq!((&json["lock"], &json["on_failure"]), (&json!("release"), &json!("rollback")));
    assert_eq!(json["outputs"], json!({ "all": "$<step-outputs.each>" }));
    let grid = json["steps"].as_array().unwrap().iter().find(|step| step["id"] == "grid").unwrap();
    assert_eq!(
        grid["matrix"],
        json!({ "os": "$<parameters.oses>", "v": [1, 2], "exclude": [{ "os": "b" }] })
    );
    assert_eq!(
        (&grid["max_parallel"], &grid["fail_fast"], &grid["lock"]),
        (&json!(2), &json!(false), &json!("db"))
    );
    assert_eq!(grid["cache"], json!({ "inputs": ["src/**"], "key": ["$<parameters.oses>"], "outputs": [] }));
}

#[tokio::test(start_paused = true)]
async fn each_step_says_what_it_would_do() {
    let plan = Arc::new(plan());
    let clock = Arc::new(PausedClock::starting(Timestamp::from_micros(0)));
    let mut told = String::new();
    for one in preview(Arc::clone(&plan), clock, CancellationToken::new()).await {
        let verdict = match &one.verdict {
            Verdict::Runs => "runs".to_owned(),
            Verdict::Skipped(reason) => format!("skipped: {reason}"),
            Verdict::Unknown(reason) => format!("unknown: {reason}"),
        };
        writeln!(told, "{} {verdict}; {}", plan[one.step].id(), one.config).unwrap();
        for known in &one.values {
            let origins: Vec<String> = known.origins.iter().map(ToString::to_string).collect();
            writeln!(told, "  {} = {} <- {}", known.expression, known.value, origins.join(", ")).unwrap();
        }
        one.unknown.iter().for_each(|unknown| writeln!(told, "  {unknown} is unknown").unwrap());
        one.error.iter().for_each(|error| writeln!(told, "  error: {error}").unwrap());
        for change in &one.changes {
            let Change::File { before, after, .. } = change else { continue };
            writeln!(told, "  {}: {before:?} -> {after:?}", one.summary).unwrap();
        }
    }
    assert_eq!(told, include_str!("tests/preview.txt"));
}
