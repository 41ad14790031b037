//! `explain`: which layer wins.

use serde_json::Value;

use crate::Place;

const WORKFLOW: &str = "name: w\ntype: release\nconfig:\n  tag_prefix: w\nparameters:\n  token: { type: string, secret: true }\nsteps:\n  - { handler: flow.noop }\n";

fn place() -> Place {
    Place::new()
        .with("w.yaml", WORKFLOW)
        .with(
            "vwmp_config.yaml",
            "config: { tag_prefix: g, token: low }\nworkflow_types:\n  release:\n    config: { tag_prefix: p }\n",
        )
        .with(".config/vwmp/config.yaml", "config: { tag_prefix: u }\n")
}

#[test]
fn every_layer_is_named_with_its_place() {
    let place = place();
    let mut command = place.command(&["explain", "tag_prefix", "w.yaml", "--set", "tag_prefix=s"]);
    let said = crate::place::Said::of(&command.env("VWMP_CONFIG_TAG_PREFIX", "e").output().unwrap());
    let user = place.path().join(".config/vwmp/config.yaml");
    said.check(
        0,
        &format!(
            "tag_prefix = \"s\"

layer  where  value
1 runtime  wins  --set tag_prefix=s  \"s\"
2 workflow  shadowed  w.yaml:4:15  \"w\"
3 plugin  shadowed  plugin release: vwmp_config.yaml:4:27  \"p\"
4 global  shadowed  vwmp_config.yaml:1:23  \"g\"
4 global  shadowed  {}:1:23  \"u\"
5 default  shadowed  default of release  \"v\"
6 environment  shadowed  VWMP_CONFIG_TAG_PREFIX  \"e\"
",
            user.display()
        ),
        "",
    );
}

#[test]
fn secrets_are_masked() {
    let said = place().vwmp(&["explain", "token", "w.yaml", "-p", "token=hunter2"]);
    assert!(said.out.starts_with("token = \"***\"\n") && said.code == 0, "{}", said.out);
    assert!(!said.out.contains("hunter2") && !said.out.contains("low"), "{}", said.out);
}

#[test]
fn explanations_are_json_on_request() {
    let said = place().vwmp(&["explain", "tag_prefix", "--format", "json"]);
    let one: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(one["layer"], "global");
    assert_eq!(one["origin"], "global: vwmp_config.yaml:1:23");
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    place().vwmp(&["explain", "tag_prefx", "w.yaml"]).check(
        2,
        "",
        "error[vwmp::unknown-config-key]: no layer sets the config key `tag_prefx`\n |\n = help: did you mean `tag_prefix`?\n\n1 error\n",
    );
}
