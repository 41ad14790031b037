//! Handlers that are made of workflows.

use super::*;
use crate::workflow::tests::{document, plugins};
use crate::workflow::{Again, Inputs, NoFiles, Record, Settings, Workflow};

const BUILD: &str = "
handler: team.build
description: Builds one thing.
parameters:
  name: { type: string, required: true, description: What to build }
  key: { type: string, secret: true }
  count: { type: integer, default: 1 }
outputs: { version: $<step-outputs.make.version> }
steps:
  - { id: make, handler: test.make, config: { name: $<parameters.name>, count: $<parameters.count> } }
";
const SHIP: &str = "
name: Ships
steps:
  - { id: build, handler: team.build, config: { name: x } }
  - { handler: git.push, needs: build }
";

fn texts(texts: &[(&str, &str)]) -> Vec<Arc<Document>> {
    texts.iter().map(|(name, text)| document(name, text)).collect()
}

fn registry() -> Registry {
    let mut registry = plugins::registry();
    add_composites(&mut registry, &texts(&[("p/build.yaml", BUILD), ("p/team.ship.yaml", SHIP)])).unwrap();
    registry
}

fn told(registry: &Registry, text: &str) -> String {
    let document = document("w.yaml", text);
    match Workflow::check(document, registry, &Settings::default(), &NoFiles) {
        Ok(_) => "fine".into(),
        Err(found) => found.to_string(),
    }
}

#[test]
fn a_composite_is_described_like_any_handler() {
    let registry = registry();
    let build = registry.step("team.build").unwrap();
    assert_eq!(build.info().description, "Builds one thing.\n\nA composite handler. Its steps: make.");
    assert_eq!(
        build.info().config_schema,
        json!({
            "type": "object",
            "properties": {
                "name": { "type": "string", "description": "What to build" },
                "key": { "type": "string", "writeOnly": true },
                "count": { "type": "integer", "default": 1 },
            },
            "required": ["name"],
            "additionalProperties": false,
        })
    );
    assert_eq!((build.effect(), &*build.origin().file), (Effect::Idempotent, "p/build.yaml"));
    let ship = registry.step("team.ship").unwrap();
    let names: Vec<&str> = ship.composite().unwrap().iter().map(|text| text.source().name()).collect();
    assert_eq!(names, ["p/team.ship.yaml", "p/build.yaml"]);
    assert_eq!(registry.composite("team.ship").unwrap().source().name(), "p/team.ship.yaml");
}

#[test]
fn a_composite_is_checked_where_it_is_used() {
    let registry = registry();
    let text = "
name: x
parameters: { token: { type: string, secret: true } }
steps:
  - { id: fine, handler: team.build, config: { name: x, key: $<parameters.token> } }
  - { id: wrong, handler: team.build, config: { nmae: x, count: many } }
  - { id: leaks, handler: team.build, config: { name: $<parameters.token> } }
  - { id: reads, handler: test.make, config: { name: '$<step-outputs.fine.version> $<step-outputs.fine.part>' } }
";
    let expected = include_str!("tests/composite/used.txt");
    assert_eq!(told(&registry, text), expected.trim_end());
}

#[test]
fn what_can_not_be_a_handler_is_told() {
    let mut registry = registry();
    let given = texts(&[
        ("p/a.yaml", "handler: test.make\nsteps: [{ handler: test.make }]\n"),
        ("p/b.yaml", "name: none\nsteps: []\n"),
        ("p/c.yaml", "handler: one\nextends: x.yaml\n"),
        ("p/d.yaml", "handler: two.one\nsteps: []\n"),
        ("p/e.yaml", "handler: two.one\nstpes: []\n"),
        ("p/two.one.yaml", "name: x\nsteps: []\n"),
    ]);
    let found = add_composites(&mut registry, &given).unwrap_err();
    assert_eq!(found.to_string(), include_str!("tests/composite/refused.txt").trim_end());
    assert!(registry.step("two.one").is_none());
}

#[test]
fn composites_that_use_each_other_are_told_where_they_are_used() {
    let mut registry = plugins::registry();
    let a = "handler: t.a\nsteps: [{ handler: t.b }]\n";
    let b = "handler: t.b\nsteps: [{ handler: t.a }, { handler: test.none }]\n";
    add_composites(&mut registry, &texts(&[("a.yaml", a), ("b.yaml", b)])).unwrap();
    let expected = include_str!("tests/composite/circle.txt");
    assert_eq!(told(&registry, "name: x\nsteps: [{ handler: t.a }]\n"), expected.trim_end());
}

#[test]
fn a_run_goes_on_with_composites_as_they_were() {
    let text = "name: x\nsteps: [{ id: a, handler: team.ship }, { id: b, handler: test.make, config: { name: y } }]\n";
    let checked = Workflow::check(document("w.yaml", text), &registry(), &Settings::default(), &NoFiles);
    let (workflow, _) = checked.unwrap();
    let inputs = Inputs::new(Path::new("/work"));
    let plan = workflow.plan(inputs.clone()).unwrap();
    let record = Record::read(&Record::of(&workflow, &inputs, &plan).write()).unwrap();
    // Here one is gone and the other one is something else.
    let mut later = plugins::registry();
    add_composites(&mut later, &texts(&[("q/new.yaml", "handler: team.ship\nsteps: []\n")])).unwrap();
    let made = record.plan(&later, Again::default()).unwrap();
    assert_eq!(made.steps()[0].handler().composite().unwrap().len(), 2);
    assert!(record.changes(&later).is_empty());
    let kept = record.registry(&later).unwrap();
    assert_eq!(kept.composite("team.build").unwrap().source().text(), BUILD);
    assert_eq!(kept.composite("team.ship").unwrap().source().text(), SHIP);
    assert_eq!(later.composite("team.ship").unwrap().source().name(), "q/new.yaml");
}
