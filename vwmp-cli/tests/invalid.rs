//! What can't be used, and what is said about it.

use serde_json::Value;

use crate::Place;

const NOTHING: &str = "name: nothing\nsteps:\n  - { handler: flow.noop }\n";

#[test]
fn a_valid_workflow_is_said_to_be_valid() {
    Place::new()
        .with("w.yaml", "name: w\nsteps:\n  - handler: flow.noop\n")
        .vwmp(&["validate", "w.yaml"])
        .check(0, "w.yaml is valid: 1 step\n", "");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "name: w\nstepz: []\nsteps:\n  - { id: a, handler: shell.rnu }\n";
    Place::new().with("w.yaml", text).vwmp(&["validate", "w.yaml"]).check(
        2,
        "w.yaml is invalid: 2 errors\n",
        "error[vwmp::unknown-key]: a workflow has no key `stepz`
 --> w.yaml:2:1
  |
2 | stepz: []
  | ^^^^^
  |
  = help: did you mean `steps`?

error[vwmp::unknown-handler]: the handler `shell.rnu` is not known
 --> w.yaml:4:23
  |
4 |   - { id: a, handler: shell.rnu }
  |                       ^^^^^^^^^
  |
  = help: did you mean `shell.run`?

2 errors
",
    );
}

#[test]
fn verdicts_are_json_on_request() {
    let place = Place::new().with("good.yaml", NOTHING).with("bad.yaml", "name: w\nsteps: 3\n");
    let answer = place.vwmp(&["validate", "good.yaml", "bad.yaml", "--format", "json"]);
    let verdicts: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((answer.code, &*answer.err), (2, ""));
    assert_eq!(verdicts[0]["valid"], true);
    assert_eq!(verdicts[1]["valid"], false);
    assert_eq!(verdicts[1]["diagnostics"][0]["code"], "vwmp::wrong-type");
    assert_eq!(verdicts[1]["diagnostics"][0]["labels"][0]["start"]["line"], 2);
}

#[test]
fn files_that_can_not_be_read_are_named() {
    let place = Place::new().with("workflows/release.yaml", NOTHING).with("empty.yaml", "");
    let unreadable = |file: &str, rest: &str| {
        format!("error[vwmp::unreadable]: the workflow `{file}` can't be read: {rest}\n\n1 error\n")
    };
    for (file, said) in [
        (
            "workflows/relase.yaml",
            unreadable(
                "workflows/relase.yaml",
                "there is no such file\n |\n = help: did you mean `workflows/release.yaml`?",
            ),
        ),
        (
            "work/release.yaml",
            unreadable(
                "work/release.yaml",
                "there is no such file\n |\n = help: there is no directory `work`",
            ),
        ),
        ("workflows", unreadable("workflows", "it is a directory")),
    ] {
        place.vwmp(&["run", file]).check(2, "", &said);
    }
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let text = "name: w\nparameters:\n  count: { type: integer, required: true, description: How many }\nsteps:\n  - { handler: flow.noop }\n";
    let place = Place::new().with("w.yaml", text).with("list.yaml", "- a\n").with("broken.yaml", "a: [1\n");
    place.vwmp(&["run", "w.yaml", "-p", "count=many"]).check(
        2,
        "",
        "error[vwmp::invalid-parameter]: parameter `count` (-p count=many): expected a whole number, found the text \"many\"\n\n1 error\n",
    );
    place.vwmp(&["run", "w.yaml", "-p", "coutn=1"]).check(
        2,
        "",
        "error[vwmp::unknown-parameter]: the workflow has no parameter `coutn` (-p coutn=…)
 |
 = help: did you mean `count`?

error[vwmp::missing-parameter]: the parameter `count` is required
 --> w.yaml:3:3
  |
3 |   count: { type: integer, required: true, description: How many }
  |   ^^^^^ How many
  |
  = help: give it with `-p count=VALUE`

2 errors
",
    );
    let said = place.vwmp(&["run", "w.yaml", "--params", "list.yaml"]);
    assert!(said.err.contains("expected a mapping of parameters, found a list"), "{}", said.err);
    let said = place.vwmp(&["run", "w.yaml", "--params", "broken.yaml"]);
    assert!(said.code == 2 && said.err.contains("--> broken.yaml:"), "{}", said.err);
    let said = place.vwmp(&["run", "w.yaml", "--params", "lits.yaml"]);
    assert!(said.err.contains("the parameter file `lits.yaml` can't be read"), "{}", said.err);
}

#[test]
fn invalid_workflows_are_json_on_request() {
    let answer =
        Place::new().with("w.yaml", "name: w\nsteps: 3\n").vwmp(&["run", "w.yaml", "--format", "json"]);
    let result: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((answer.code, &*answer.err), (2, ""));
    assert_eq!(result["status"], "invalid");
    assert_eq!(result["diagnostics"][0]["severity"], "error");
}

#[test]
fn config_files_are_checked_and_empty_ones_are_fine() {
    let place = Place::new().with("w.yaml", NOTHING).with("vwmp_config.yaml", "# nothing\n");
    assert_eq!(place.vwmp(&["validate", "w.yaml"]).code, 0);
    let place = place.with("other.yaml", "confg: {}\n");
    place.vwmp(&["validate", "w.yaml", "--config", "other.yaml"]).check(
        2,
        "",
        "error[vwmp::unknown-key]: the config file has no key `confg`
 --> other.yaml:1:1
  |
1 | confg: {}
  | ^^^^^
  |
  = help: did you mean `config`?

1 error
",
    );
    assert_eq!(place.vwmp(&["validate", "w.yaml", "--config", "missing.yaml"]).code, 2);
}

#[test]
fn a_value_for_set_that_is_no_yaml_is_shown() {
    let place = Place::new().with("w.yaml", NOTHING);
    let said = place.vwmp(&["run", "w.yaml", "--set", "files=[a"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--> --set files:1:"), "{}", said.err);
}
