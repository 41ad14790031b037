//! Plans that are made again from what was written down.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::workflow::NoFiles;
use crate::workflow::tests::plugins::registry;

fn planned(text: &str, settings: &Settings, given: &[(&str, Value)]) -> (Record, Plan) {
    let document = Document::parse(Arc::new(Source::new("w.yaml", text))).unwrap();
    let (workflow, _) = Workflow::check(Arc::new(document), &registry(), settings, &NoFiles).unwrap();
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), (value.clone(), format!("-p {name}"))));
    let inputs = Inputs { parameters: given.collect(), ..Inputs::new(Path::new("/work")) };
    let plan = workflow.plan(inputs.clone()).unwrap();
    (Record::of(&workflow, &inputs, &plan), plan)
}

fn shape(plan: &Plan) -> String {
    let mut out = format!("{} {} {:?}\n", plan.parameters(), plan.config(), plan.on_failure());
    for (index, step) in plan.indexed() {
        writeln!(out, "{} {:?} {:?} {:?}", step.id(), plan.needs(index), step.config(), step.extras).unwrap();
    }
    out
}

const WORKFLOW: &str = "
name: x
type: release
parameters: { who: { type: string }, token: { type: string, secret: true } }
config: { url: $<env.HOST>, name: $<parameters.who> }
steps:
  - { id: a, handler: test.make, config: { name: $<config.url> } }
  - { id: b, handler: shell.run, config: { run: 'echo $<step-outputs.a.version>', env: { T: $<parameters.token> } } }
";

#[test]
fn the_same_plan_comes_of_what_was_written_down() {
    let environment = [("HOST", "here"), ("UNUSED", "x"), ("API_TOKEN", "env.API_TOKEN")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sets = vec![Setting { key: "name".into(), value: json!("set"), how: "--set name=set".into() }];
    let settings = Settings { environment: Arc::new(environment.into()), sets, ..Settings::default() };
    let given = [("who", json!("ann")), ("token", json!("hunter2-hunter2"))];
    let (record, plan) = planned(WORKFLOW, &settings, &given);
    let bytes = record.write();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("UNUSED"), "{text}");
    let record = Record::read(&bytes).unwrap();
    let missing = record.plan(&registry(), Again::default()).unwrap_err().to_string();
    assert_eq!(
        missing,
        "error[vwmp::secret-again]: the parameter `token` is secret, so it was not written down\n  = help: give it \
         again: -p token=…"
    );
    // Another environment changes nothing.
    let again = Again {
        environment: [("HOST".to_owned(), "there".to_owned())].into(),
        parameters: [("token".to_owned(), (json!("hunter2-hunter2"), "-p token".to_owned()))].into(),
        sets: Vec::new(),
    };
    let made = record.plan(&registry(), again).unwrap();
    assert_eq!(shape(&made), shape(&plan));
    assert!(record.changes(&registry()).is_empty());
}

#[test]
fn what_changed_since_is_named() {
    let text = "name: x\nsteps: [{ id: a, handler: test.make, config: { name: x } }]\n";
    let (mut record, _) = planned(text, &Settings::default(), &[]);
    record.handlers[0].version = "0.0.1".into();
    record.fingerprint = "other".into();
    let told = record.plan(&registry(), Again::default()).unwrap_err().to_string();
    assert!(told.contains("test.make was of vwmp-core 0.0.1, and is of vwmp-core "), "{told}");
    record.format = 9;
    let told = Record::read(&record.write()).unwrap_err();
    assert_eq!(told, "it has format 9, and this program knows formats up to 1");
}
