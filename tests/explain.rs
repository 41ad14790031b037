//! Where a config value comes from: each of the six layers wins once, with its file and line.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use vwmp_core::config::{ConfigFile, Parameter, Setting, explain};
use vwmp_core::document::Document;
use vwmp_core::registry::Registry;
use vwmp_core::source::Source;
use vwmp_core::workflow::{Inputs, NoFiles, Settings, Workflow};
use vwmp_plugins as _;

const WORKFLOW: &str = "name: layers
type: release
parameters:
  remote: { type: string }
config:
  version_file: from-workflow
  remote: from-workflow
  nested: { here: from-workflow }
steps:
  - { id: bump, handler: release.version_bump }
";

const WORKSPACE_CONFIG: &str = "config:
  version_file: from-global
  tag_prefix: from-global
  organisation: from-global
  nested: { here: from-global, there: from-global }
workflow_types:
  release:
    config:
      version_file: from-plugin
      tag_prefix: from-plugin
";

const USER_CONFIG: &str = "config:
  organisation: from-user
  editor: from-user
";

fn document(name: &str, text: &str) -> Arc<Document> {
    Arc::new(Document::parse(Arc::new(Source::new(name, text))).unwrap())
}

fn settings(sets: Vec<Setting>) -> Settings {
    let variables = [
        ("VWMP_CONFIG_VERSION_FILE", "from-environment"),
        ("VWMP_CONFIG_MAIN_CHANGELOG", "from-environment"),
        ("VWMP_CONFIG_TOKEN_FILE", "from-environment"),
    ];
    let environment: BTreeMap<_, _> =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let file = |name: &str, text: &str| Some(ConfigFile::new(document(name, text)).unwrap());
    Settings {
        workspace_config: file("vwmp_config.yaml", WORKSPACE_CONFIG),
        user_config: file("user/vwmp_config.yaml", USER_CONFIG),
        environment: Arc::new(environment),
        sets,
    }
}

fn workflow(sets: Vec<Setting>) -> Workflow {
    let registry = Registry::linked().unwrap();
    let document = document("layers.yaml", WORKFLOW);
    Workflow::check(document, &registry, &settings(sets), &NoFiles).unwrap().0
}

/// What is told of a key: its value and origin, then what that shadows.
fn told(workflow: &Workflow, parameters: &[Parameter], key: &str) -> Vec<String> {
    let explained = explain(&workflow.config_layers(parameters), key).unwrap();
    let line = |value: &Value, origin: &dyn std::fmt::Display, layer: u8| format!("{layer} {value} {origin}");
    let first = line(&explained.value, &explained.origin, explained.origin.layer());
    let shadowed = explained.shadowed.iter().map(|(value, origin)| line(value, origin, origin.layer()));
    std::iter::once(first).chain(shadowed).collect()
}

#[test]
fn each_layer_wins_where_no_higher_one_speaks() {
    let set = Setting { key: "version_file".into(), value: json!("V"), how: "--set version_file=V".into() };
    let given = Parameter { name: "remote".into(), value: json!("fork"), how: "-p remote=fork".into() };
    let workflow = workflow(vec![set]);
    let cases: [(&str, &[&str]); 7] = [
        (
            "version_file",
            &[
                "1 \"V\" runtime: --set version_file=V",
                "2 \"from-workflow\" workflow: layers.yaml:6:17",
                "3 \"from-plugin\" plugin release: vwmp_config.yaml:9:21",
                "4 \"from-global\" global: vwmp_config.yaml:2:17",
                "5 \"VERSION\" default of release",
                "6 \"from-environment\" environment: VWMP_CONFIG_VERSION_FILE",
            ],
        ),
        (
            "remote",
            &[
                "1 \"fork\" runtime: parameter remote, -p remote=fork",
                "2 \"from-workflow\" workflow: layers.yaml:7:11",
                "5 \"origin\" default of release",
            ],
        ),
        (
            "nested.here",
            &[
                "2 \"from-workflow\" workflow: layers.yaml:8:19",
                "4 \"from-global\" global: vwmp_config.yaml:5:19",
            ],
        ),
        (
            "tag_prefix",
            &[
                "3 \"from-plugin\" plugin release: vwmp_config.yaml:10:19",
                "4 \"from-global\" global: vwmp_config.yaml:3:15",
                "5 \"v\" default of release",
            ],
        ),
        (
            "organisation",
            &[
                "4 \"from-global\" global: vwmp_config.yaml:4:17",
                "4 \"from-user\" global: user/vwmp_config.yaml:2:17",
            ],
        ),
        (
            "main_changelog",
            &[
                "5 \"CHANGELOG.md\" default of release",
                "6 \"from-environment\" environment: VWMP_CONFIG_MAIN_CHANGELOG",
            ],
        ),
        ("token_file", &["6 \"from-environment\" environment: VWMP_CONFIG_TOKEN_FILE"]),
    ];
    for (key, expected) in cases {
        assert_eq!(told(&workflow, std::slice::from_ref(&given), key), expected, "{key}");
    }
}

#[test]
fn what_is_explained_is_what_a_plan_uses() {
    let workflow = workflow(Vec::new());
    let inputs = Inputs {
        parameters: [("remote".to_owned(), (json!("fork"), "-p remote=fork".to_owned()))].into(),
        ..Inputs::new(Path::new("/"))
    };
    let plan = workflow.plan(inputs).unwrap();
    let given = [Parameter { name: "remote".into(), value: json!("fork"), how: "-p remote=fork".into() }];
    let layers = workflow.config_layers(&given);
    for (key, value, origin) in plan.resolved_config().leaves() {
        let explained = explain(&layers, &key).unwrap();
        assert_eq!((&explained.value, explained.origin.to_string()), (value, origin.to_string()), "{key}");
        assert_eq!(plan.resolved_config().get(&key), Some(value));
    }
    assert_eq!(plan.config()["remote"], "fork");
    assert_eq!(plan.config()["nested"], json!({ "here": "from-workflow", "there": "from-global" }));
}

#[test]
fn a_mapping_is_told_by_its_parts_and_a_missing_key_by_its_neighbour() {
    let layers = workflow(Vec::new()).config_layers(&[]);
    let nested = explain(&layers, "nested").unwrap();
    let parts: Vec<String> =
        nested.parts.iter().map(|part| format!("{} {}", part.key, part.origin)).collect();
    assert_eq!(
        parts,
        ["nested.here workflow: layers.yaml:8:19", "nested.there global: vwmp_config.yaml:5:39"],
    );
    assert_eq!(
        explain(&layers, "nested.ther").unwrap_err().to_string(),
        "error[vwmp::unknown-config-key]: no layer sets the config key `nested.ther`\n  = help: did you mean `nested.there`?"
    );
}
