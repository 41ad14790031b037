//! Values are data: whatever they contain and wherever they stand in a script, they arrive as they are
//! and nothing in them is run.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use vwmp_core::registry::Registry;
use vwmp_core::run::RunStatus;
use vwmp_plugins as _;

use crate::path::{planned, ran};

/// A step in which the value stands in every place where a value may stand, and in its environment.
const PLACES: &str = r#"
name: injection
parameters:
  x: { type: string, required: true }
config:
  copied: $<parameters.x>
steps:
  - id: bare
    handler: shell.run
    config: { run: "printf %s $<parameters.x>", outputs: { value: { from: stdout, format: text } } }
  - id: quoted
    handler: shell.run
    config: { run: 'printf %s "$<parameters.x>"' }
  - id: within
    handler: shell.run
    config: { run: 'printf %s "<$<parameters.x>>"' }
  - id: assigned
    handler: shell.run
    config:
      run: |
        y=$<parameters.x>
        z="$<config.copied>"
        printf '%s|%s' "$y" "$z"
  - id: substituted
    handler: shell.run
    config: { run: 'printf %s "$(printf %s "$<parameters.x>")"' }
  - id: looped
    handler: shell.run
    config:
      run: |
        for word in a $<parameters.x>; do printf '%s|' "$word"; done
        case $<parameters.x> in "$<parameters.x>") printf same ;; *) printf other ;; esac
  - id: here
    handler: shell.run
    config:
      run: |
        cat <<END
        $<parameters.x>
        END
  - id: environment
    handler: shell.run
    config: { run: 'printf %s "$X"', env: { X: "$<parameters.x>" } }
  - id: input
    handler: shell.run
    config: { run: cat, stdin: $<parameters.x> }
  - id: words
    handler: shell.run
    config: { command: [printf, "%s", $<parameters.x>] }
  - id: handed-on
    handler: shell.run
    config: { run: 'printf %s $<step-outputs.bare.value>' }
  - id: python
    handler: shell.run
    config: { shell: python3, run: "import os; print(os.environ['X'], end='')", env: { X: $<parameters.x> } }
"#;

/// Runs the steps with the value: it arrives everywhere, and no file appears.
async fn check(value: &str) {
    let folder = tempfile::tempdir().unwrap();
    let plan = planned(PLACES, &Registry::linked().unwrap(), folder.path(), &[("x", json!(value))]).unwrap();
    let report = ran(plan).await;
    let failed: Vec<_> = report.steps().filter_map(|step| Some((step.id, step.error?))).collect();
    assert_eq!(report.status(), RunStatus::Succeeded, "{value:?}: {failed:?}");
    // What is handed on of the standard output has no line breaks at its end, as in a shell.
    let seen = value.trim_end_matches('\n');
    for (step, expected) in [
        ("bare", seen.to_owned()),
        ("quoted", seen.to_owned()),
        ("within", format!("<{value}>")),
        ("assigned", format!("{value}|{seen}")),
        ("substituted", seen.to_owned()),
        ("looped", format!("a|{value}|same")),
        ("here", seen.to_owned()),
        ("environment", seen.to_owned()),
        ("input", seen.to_owned()),
        ("words", seen.to_owned()),
        ("handed-on", seen.to_owned()),
        ("python", seen.to_owned()),
    ] {
        let output = report.step(step).unwrap().output.unwrap();
        assert_eq!(output["stdout"].as_str(), Some(&*expected), "{step}: {value:?}");
    }
    assert_eq!(files(folder.path()), [""; 0], "{value:?}");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn values_that_look_like_code_are_data() {
    for value in [
        "$(touch pwned)",
        "`touch pwned`",
        "\"; touch pwned; \"",
        "'; touch pwned; '",
        "\n touch pwned\n",
        "a\nEND\ntouch pwned\n",
        "&& touch pwned",
        "| touch pwned",
        "> pwned",
        "$<parameters.x>",
        "${x:=$(touch pwned)}",
        "$((1 + 1))",
        "\\$(touch pwned)\\",
        "* ? [a-z] ~ {a,b}",
        "-n",
        "%s%n",
        "a b\tc  d",
        "é 🦀 \u{1}",
        "",
    ] {
        check(value).await;
    }
}

#[test]
fn any_text_is_data() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let word = prop::sample::select(vec![
        "$(touch pwned)",
        "`touch pwned`",
        "'",
        "\"",
        "\\",
        "\n",
        "$",
        "${",
        "}",
        "$((",
        "))",
        "$<",
        ">",
        "<<END",
        "END",
        ";",
        "&",
        "|",
        "#",
        "!",
        "*",
        " ",
        "\t",
        "a",
        "é",
        "\r",
    ]);
    let text = prop::collection::vec(word, 0..12).prop_map(|words| words.concat());
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    runner
        .run(&text, |text| {
            runtime.block_on(check(&text));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_value_of_200_kilobytes_arrives_whole() {
    let value = "$(touch pwned)`touch pwned`'\"\n".repeat(200_000 / 30);
    let text = "name: large\nparameters: { x: { type: string } }\nsteps:\n\
                \x20 - { id: bare, handler: shell.run, config: { run: \"printf %s $<parameters.x> | wc -c\" } }\n\
                \x20 - { id: quoted, handler: shell.run, config: { run: 'printf %s \"$<parameters.x>\" | wc -c' } }\n\
                \x20 - { id: input, handler: shell.run, config: { run: cat > copy.txt, stdin: $<parameters.x> } }\n";
    let folder = tempfile::tempdir().unwrap();
    let plan = planned(text, &Registry::linked().unwrap(), folder.path(), &[("x", json!(value))]).unwrap();
    let report = ran(plan).await;
    assert_eq!(report.status(), RunStatus::Succeeded, "{:?}", report.steps().collect::<Vec<_>>());
    for step in ["bare", "quoted"] {
        let output: &Value = report.step(step).unwrap().output.unwrap();
        assert_eq!(output["stdout"], value.len().to_string(), "{step}");
    }
    assert_eq!(files(folder.path()), ["copy.txt"]);
    assert!(std::fs::read_to_string(folder.path().join("copy.txt")).unwrap() == value);
}

#[tokio::test]
async fn a_value_that_is_no_text_arrives_as_json() {
    let text = "name: json\nparameters: { x: { type: object } }\nsteps:\n\
                \x20 - { id: a, handler: shell.run, config: { run: 'printf %s $<parameters.x>' } }\n";
    let value = json!({ "a": ["$(touch pwned)", 1, null, true], "`b`": {} });
    let folder = tempfile::tempdir().unwrap();
    let plan = planned(text, &Registry::linked().unwrap(), folder.path(), &[("x", value.clone())]).unwrap();
    let report = ran(plan).await;
    let stdout = report.step("a").unwrap().output.unwrap()["stdout"].as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), value);
    assert_eq!(files(folder.path()), [""; 0]);
}
