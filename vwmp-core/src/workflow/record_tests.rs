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

/// Secrets that come on every way: declared, read by a handler that takes a secret, through the config, from the
/// environment, and too short to be found by their value.
const SECRETS: &str = "
name: x
parameters: { declared: { type: string, secret: true, minLength: 10 }, read: { type: string }, open: { type: string } }
config: { through: '$<env.THROUGH>', set: none, pin: none, same: none, layer: none }
steps:
  - { id: a, handler: test.login, config: { token: $<parameters.declared> } }
  - { id: b, handler: test.login, config: { token: $<parameters.read> } }
  - { id: c, handler: test.login, config: { token: 'Bearer $<config.through>' } }
  - { id: d, handler: test.login, config: { token: $<config.set> } }
  - { id: e, handler: test.login, config: { token: $<config.pin> } }
  - { id: f, handler: test.login, config: { token: $<config.same.part> } }
  - { id: g, handler: test.login, config: { token: $<env.PLAIN> } }
  - { id: h, handler: test.login, config: { token: $<config.from_layer> } }
  - { id: i, handler: test.make, config: { name: '$<parameters.open> $<env.OPEN> $<env.MY_TOKEN>' } }
";
const SECRET_VARIABLES: [(&str, &str); 6] = [
    ("THROUGH", "hidden-through"),
    ("PLAIN", "hid"),
    ("OPEN", "open-variable"),
    ("MY_TOKEN", "hidden-token"),
    ("VWMP_CONFIG_FROM_LAYER", "hidden-layer"),
    ("VWMP_CONFIG_OTHER", "open-layer"),
];

#[test]
fn no_secret_is_written_down() {
    let environment: BTreeMap<_, _> =
        SECRET_VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let set =
        |key: &str, value: Value| Setting { key: key.into(), how: format!("--set {key}={value}"), value };
    let sets = vec![
        set("set", json!("hidden-set")),
        set("pin", json!(42)),
        set("same", json!({ "part": "hidden-part" })),
        set("free", json!("open-set")),
    ];
    let settings =
        Settings { environment: Arc::new(environment.clone()), sets: sets.clone(), ..Settings::default() };
    let given = [("declared", "hidden-declared"), ("read", "hidden-read"), ("open", "open-parameter")];
    let given = given.map(|(name, value)| (name, json!(value)));
    let (record, plan) = planned(SECRETS, &settings, &given);
    let bytes = record.write();
    let written = String::from_utf8(bytes.clone()).unwrap();
    let (record, written) =
        (Record::read(&bytes).unwrap(), written.replace(&serde_json::to_string(SECRETS).unwrap(), ""));
    assert!(!written.contains("hid") && !written.contains("42"), "{written}");
    for open in ["open-parameter", "open-variable", "open-layer", "open-set"] {
        assert!(written.contains(open), "{open}");
    }
    let shown: String =
        plan.resolved_config().leaves().map(|(_, value, origin)| format!("{value} {origin} ")).collect();
    assert!(!shown.contains("hidden"), "{shown}");

    let missing = record.plan(&registry(), Again::default()).unwrap_err();
    let missing: Vec<&str> = missing.iter().map(|one| one.help[0].as_str()).collect();
    assert_eq!(
        missing,
        [
            "give it again: -p declared=…",
            "give it again: -p read=…",
            "give it again: --set set=…",
            "give it again: --set pin=…",
            "give it again: --set same=…",
            "give it again: MY_TOKEN=… in the environment",
            "give it again: PLAIN=… in the environment",
            "give it again: THROUGH=… in the environment",
            "give it again: VWMP_CONFIG_FROM_LAYER=… in the environment",
        ]
    );
    let parameters = given.into_iter().take(2);
    let parameters =
        parameters.map(|(name, value)| (name.to_owned(), (value, format!("-p {name}")))).collect();
    let again = Again { environment, parameters, sets: sets.into_iter().take(3).collect() };
    assert_eq!(shape(&record.plan(&registry(), again).unwrap()), shape(&plan));
    // To look at it, nothing has to be given, not even what would fit.
    let seen = record.look(&registry(), BTreeMap::new()).unwrap();
    assert_eq!(seen.parameters(), &json!({ "declared": "***", "read": "***", "open": "open-parameter" }));
}

#[test]
fn everything_but_values_makes_another_plan() {
    let text = |more: &str| {
        format!(
            "name: x\nparameters: {{ p: {{ default: 1 }} }}\nsteps: [{{ id: a, handler: test.make, config: {{ name: x }}{more} }}]\n"
        )
    };
    let print = |more: &str| planned(&text(more), &Settings::default(), &[]).0.fingerprint;
    let plain = print("");
    assert_eq!(planned(&text(""), &Settings::default(), &[("p", json!(2))]).0.fingerprint, plain);
    for more in [
        ", when: parameters.p == 1",
        ", required: false",
        ", timeout: 5s",
        ", priority: 1",
        ", retry: { max_attempts: 2 }",
        ", lock: l",
        ", foreach: [1]",
        ", foreach: [2]",
        ", matrix: { a: [1] }",
        ", cache: { key: 1 }",
        ", adapters: [git]",
    ] {
        assert_ne!(print(more), plain, "{more}");
    }
    assert_ne!(print(", foreach: [1]"), print(", foreach: [1], fail_fast: true"));
}
