//! Continuous integration: sections, annotations, reports, JSON lines.

use regex::Regex;
use serde_json::Value;

use crate::Place;
use crate::place::Said;

const FAILING: &str = "name: ci
steps:
  - id: build
    handler: shell.run
    config: { run: \"echo one; echo '::error::fake'; exit 3\" }
  - id: test
    needs: [build]
    handler: flow.noop
";

fn in_ci(name: &str, arguments: &[&str]) -> Said {
    let place =
        Place::new().with("w.yaml", FAILING).with("bad.yaml", "name: w\nsteps:\n  - { handler: x }\n");
    Said::of(&place.command(arguments).env(name, "true").output().unwrap())
}

#[test]
fn github_folds_what_steps_write_and_shows_failures_at_their_lines() {
    let said = in_ci("GITHUB_ACTIONS", &["run", "w.yaml"]);
    let token = Regex::new("vwmp-[0-9a-f]{16}").unwrap();
    let err = token.replace_all(&said.err, "TOKEN");
    let group = "build started\n::group::build\n::stop-commands::TOKEN\nbuild | one\nbuild | ::error::fake\n::TOKEN::\n::endgroup::\nbuild failed after SOME: ";
    assert!(err.starts_with(group), "{err}");
    assert!(
        err.contains("test skipped: it needs build, which did not succeed\n::stop-commands::TOKEN\n"),
        "{err}"
    );
    let end = "::TOKEN::\n::error file=w.yaml,line=3,title=step build::`echo one; echo '::error::fake'; exit 3` exited with code 3\n";
    assert!(err.ends_with(end), "{err}");
    assert_eq!(said.code, 1);
}

#[test]
fn github_shows_findings_at_their_places() {
    let said = in_ci("GITHUB_ACTIONS", &["validate", "bad.yaml"]);
    let end = "::error file=bad.yaml,line=3,col=16,title=vwmp%3A%3Aunknown-handler::the handler `x` is not known%0A";
    assert!(said.err.contains(end), "{}", said.err);
    assert!(in_ci("GITHUB_ACTIONS", &["plan", "bad.yaml"]).err.contains(end));
}

#[test]
fn gitlab_has_sections() {
    let err = in_ci("GITLAB_CI", &["run", "w.yaml"]).err;
    let section = Regex::new(
        "\x1b\\[0Ksection_start:\\d+:build\\[collapsed=true\\]\r\x1b\\[0Kbuild\nbuild \\| one\nbuild \\| ::error::fake\n\x1b\\[0Ksection_end:\\d+:build\r\x1b\\[0K\n",
    );
    assert!(section.unwrap().is_match(&err), "{err:?}");
}

#[test]
fn steps_side_by_side_have_sections_of_their_own() {
    let step = |id: &str| {
        format!(
            "  - id: {id}\n    handler: shell.run\n    config: {{ run: \"for i in 1 2 3 4; do echo {id}; sleep 0.03; done\" }}\n"
        )
    };
    let text = format!("name: w\nmax_parallel: 3\nsteps:\n{}{}{}", step("a"), step("b"), step("c"));
    let place = Place::new().with("w.yaml", &text);
    let said = Said::of(&place.command(&["run", "w.yaml"]).env("GITHUB_ACTIONS", "true").output().unwrap());
    for id in ["a", "b", "c"] {
        let lines = format!("{id} | {id}\n").repeat(4);
        let section = Regex::new(&format!("::group::{id}\n::stop-commands::\\S+\n{}", regex::escape(&lines)));
        assert!(section.unwrap().is_match(&said.err), "{}", said.err);
    }
}

#[test]
fn a_run_can_be_followed_as_json() {
    let place = Place::new().with("w.yaml", FAILING);
    let output = place.command(&["run", "w.yaml", "--log-format", "json"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    let expected = [
        "run_started",
        "attempt_started",
        "attempt_finished",
        "step_finished",
        "step_finished",
        "run_finished",
    ];
    assert_eq!(kinds, expected);
    let said: Vec<&str> = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(said, ["one", "::error::fake"]);
    let skipped = lines.iter().find(|line| line["status"] == "skipped").unwrap();
    assert_eq!((&skipped["step"], &skipped["cause"]["step"]), (&"test".into(), &"build".into()));
    let refused = Place::new().with("w.yaml", "a: 1").vwmp(&["run", "w.yaml", "--log-format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&refused.err).unwrap()["type"], "invalid");
    assert_eq!(refused.code, 2);
}

#[test]
fn a_run_is_a_junit_report_too() {
    let place = Place::new().with("w.yaml", FAILING);
    assert_eq!(place.vwmp(&["run", "-q", "w.yaml", "--junit", "out.xml"]).code, 1);
    let xml = std::fs::read_to_string(place.path().join("out.xml")).unwrap();
    assert!(
        xml.contains("<testsuites name=\"ci\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\" "),
        "{xml}"
    );
    assert!(xml.contains(
        "<failure type=\"failed\" message=\"`echo one; echo '::error::fake'; exit 3` exited with code 3\">"
    ));
    assert!(xml.contains("<skipped message=\"skipped: it needs build, which did not succeed\"/>"), "{xml}");
    // Its folder is made.
    assert_eq!(place.vwmp(&["run", "-q", "w.yaml", "--junit", "a/b/out.xml"]).code, 1);
    let xml = std::fs::read_to_string(place.path().join("a/b/out.xml")).unwrap();
    assert!(xml.contains("<failure type=\"failed\""), "{xml}");
    // What certainly can't be written is known before anything runs.
    let refused = place.vwmp(&["run", "w.yaml", "--junit", "w.yaml/out.xml"]);
    assert_eq!((refused.code, &*refused.err), (3, "error: can't write `w.yaml/out.xml`: not a directory\n"));
    // A pipe stays one: whoever reads from it gets the report.
    let pipe = place.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    assert_eq!(place.vwmp(&["run", "-q", "w.yaml", "--junit", "pipe"]).code, 1);
    assert!(reader.join().unwrap().contains("<failure type=\"failed\""));
}

#[test]
fn findings_are_sarif_on_request() {
    let place = Place::new().with("bad name.yaml", "name: w\nsteps:\n  - { handler: x }\n");
    let said = place.vwmp(&["validate", "bad name.yaml", "--format", "sarif"]);
    assert_eq!((said.code, &*said.err), (2, ""));
    let sarif: Value = serde_json::from_str(&said.out).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"vwmp::unknown-handler".into(), &"error".into()));
    let place_of = &result["locations"][0]["physicalLocation"];
    assert_eq!(place_of["artifactLocation"]["uri"], "bad%20name.yaml");
    assert_eq!(place_of["region"]["startLine"], 3);
    let good = place.with("w.yaml", FAILING).vwmp(&["validate", "w.yaml", "--format", "sarif"]);
    assert_eq!(good.code, 0);
    let place = Place::new().with("w.yaml", FAILING).with("vwmp_config.yaml", "conig: 1\n");
    let config = place.vwmp(&["validate", "w.yaml", "--format", "sarif"]);
    assert_eq!((config.code, &*config.err), (2, ""));
    assert!(config.out.contains("\"uri\": \"vwmp_config.yaml\""), "{}", config.out);
}

#[test]
fn nobody_is_asked_without_a_terminal() {
    let text =
        "name: w\nparameters:\n  who: { type: string, required: true }\nsteps:\n  - { handler: flow.noop }\n";
    let answer = Place::new().with("w.yaml", text).vwmp(&["run", "w.yaml"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.starts_with("error[vwmp::missing-parameter]: the parameter `who` is required\n"));
}

#[test]
fn colors_can_be_forced() {
    let place = Place::new().with("w.yaml", FAILING);
    let forced = place.command(&["validate", "no.yaml"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stderr.contains(&0x1b));
    let refused = place.command(&["run", "w.yaml"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output();
    assert!(!refused.unwrap().stderr.contains(&0x1b));
}
