//! `plan` and `graph`: what would happen.

use serde_json::Value;

use crate::Place;

const WORKFLOW: &str = r#"
name: bump
parameters:
  level: { type: string, required: true, enum: [patch, minor] }
config: { file: VERSION }
steps:
  - id: bump
    handler: release.version_bump
    config: { version_file: $<config.file>, increment_type: $<parameters.level> }
  - id: build
    handler: shell.run
    needs: bump
    config: { run: "make; touch pwned" }
  - { id: hotfix, handler: flow.noop, when: parameters.level == "patch" }
  - { id: say, handler: shell.run, config: { command: [echo, $<step-outputs.build.stdout>] } }
"#;

fn place() -> Place {
    Place::new().with("w.yaml", WORKFLOW).with("VERSION", "1.2.0\n")
}

#[test]
fn a_plan_shows_every_step_and_touches_nothing() {
    let place = place();
    let said = place.vwmp(&["plan", "w.yaml", "-p", "level=minor", "--max-parallel", "2"]);
    let workspace = std::fs::canonicalize(place.path()).unwrap();
    let expected = format!(
        "bump: 4 steps, at most 2 at once
in {}

config  value  where
file  \"VERSION\"  workflow: w.yaml:5:17

1. bump  release.version_bump
   $<config.file> = \"VERSION\" (workflow: w.yaml:5:17)
   $<parameters.level> = \"minor\" (parameter level)
   => raises 1.2.0 to 1.3.0: as `increment_type` says
   --- a/VERSION
   +++ b/VERSION
   @@ -1 +1 @@
   -1.2.0
   +1.3.0

2. build  shell.run
   after bump
   => run `make; touch pwned`
   * run with sh: make; touch pwned

3. hotfix  flow.noop
   does not run: its condition does not hold: `parameters.level == \"patch\"`
   $<parameters.level == \"patch\"> = false (parameter level)

4. say  shell.run
   after build
   known during the run: $<step-outputs.build.stdout>

3 steps would run, 1 would not; nothing was touched
",
        workspace.display()
    );
    said.check(0, &expected, "");
    assert_eq!(std::fs::read_to_string(place.path().join("VERSION")).unwrap(), "1.2.0\n");
    assert!(!place.path().join("pwned").exists());
}

#[test]
fn a_plan_is_json_on_request() {
    let said = place().vwmp(&["plan", "w.yaml", "-p", "level=patch", "--format", "json"]);
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(plan["config"][0]["origin"], "workflow: w.yaml:5:17");
    let change = &plan["steps"][0]["preview"]["changes"][0];
    assert_eq!((&change["kind"], &change["after"]), (&"file".into(), &"1.2.1\n".into()));
    assert_eq!(plan["steps"][2]["preview"]["verdict"], "runs");
}

#[test]
fn a_graph_needs_no_parameters() {
    place().vwmp(&["graph", "w.yaml"]).check(
        0,
        "flowchart TD
    n0[\"bump<br/>release.version_bump\"]
    n1[\"build<br/>shell.run\"]
    n2[\"hotfix<br/>flow.noop\"]
    n3[\"say<br/>shell.run\"]
    n0 --> n1
    n1 --> n3
",
        "",
    );
    let dot = place().vwmp(&["graph", "w.yaml", "--format", "dot"]).out;
    assert!(dot.starts_with("digraph bump {") || dot.starts_with("digraph \"bump\" {"), "{dot}");
    let json: Value =
        serde_json::from_str(&place().vwmp(&["graph", "w.yaml", "--format", "json"]).out).unwrap();
    assert_eq!(json["steps"][1]["needs"][0], "bump");
}

const FANS: &str = r#"
name: release
on_failure: rollback
lock: release
steps:
  - { id: list, handler: shell.run, config: { run: cat list, outputs: { files: { from: stdout, format: json } } } }
  - id: write
    handler: filesystem.write
    matrix: { os: [debian, alpine], v: [1, 2], exclude: [{ os: alpine, v: 1 }] }
    max_parallel: 2
    fail_fast: true
    lock: disk
    cache: { inputs: ["src/**"], outputs: ["out/**"] }
    config: { file: "out/$<matrix.os>$<matrix.v>", text: "" }
  - { id: later, handler: flow.set, foreach: $<step-outputs.list.files>, config: { values: { a: $<item> } } }
  - { id: hello, handler: team.greet, config: { who: you } }
"#;

const GREET: &str = "
handler: team.greet
description: Greets.
parameters: { who: { type: string, required: true } }
steps:
  - { id: one, handler: flow.noop }
  - { id: two, handler: flow.noop }
";

#[test]
fn a_plan_shows_items_locks_caches_calls_and_what_can_be_taken_back() {
    let config = "plugins: { discovery: { directories: [plugins] } }\n";
    let place = Place::new().with("w.yaml", FANS).with("plugins/greet.yaml", GREET);
    let said = place.with("vwmp_config.yaml", config).vwmp(&["plan", "w.yaml", "--max-parallel", "2"]);
    let (_, steps) = said.out.split_once("holds the lock").unwrap_or_else(|| panic!("{said:?}"));
    assert_eq!(steps, include_str!("plan_fans.txt"));
}
