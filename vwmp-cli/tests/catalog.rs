//! `handlers`, `types`, `adapters` and `schema`.

use std::sync::Arc;

use serde_json::Value;
use vwmp_core::document::Document;
use vwmp_core::schema::Schema;
use vwmp_core::source::Source;

use crate::Place;

#[test]
fn handlers_are_listed_and_described() {
    let place = Place::new();
    let list = place.vwmp(&["handlers"]);
    assert!(
        list.out.starts_with("name  effect  what it does\n")
            && list.out.contains("\nflow.noop  read only  Does nothing"),
        "{}",
        list.out
    );
    assert!(list.out.ends_with(" handlers\n"), "{}", list.out);
    let page = place.vwmp(&["handlers", "flow.noop"]);
    assert_eq!(page.code, 0);
    assert!(page.out.starts_with("flow.noop"), "{}", page.out);
    assert!(page.out.contains("\neffect: read only\norigin: vwmp-plugins "), "{}", page.out);
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    for (command, name, said) in [
        (
            "handlers",
            "git.psh",
            "error[vwmp::unknown-handler]: there is no handler `git.psh`\n |\n = help: did you mean `git.push`?\n\n1 error\n",
        ),
        (
            "types",
            "relase",
            "error[vwmp::unknown-type]: there is no workflow type `relase`\n |\n = help: did you mean `release`?\n\n1 error\n",
        ),
        (
            "adapters",
            "subversion",
            "error[vwmp::unknown-adapter]: there is no adapter `subversion`\n |\n = help: there are command_secrets, env_secrets, file_secrets, files, git, git_source, github, gitlab, http, postgres, smtp, sqlite\n\n1 error\n",
        ),
    ] {
        Place::new().vwmp(&[command, name]).check(2, "", said);
    }
}

#[test]
fn catalogs_are_json_and_markdown_on_request() {
    let place = Place::new();
    let all: Value = serde_json::from_str(&place.vwmp(&["handlers", "--format", "json"]).out).unwrap();
    let names: Vec<_> = all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.contains(&"shell.run"), "{names:?}");
    let markdown = place.vwmp(&["handlers", "--format", "markdown"]).out;
    assert!(
        markdown.starts_with("# Handlers\n\n## `") && markdown.contains("\n## `flow.noop`\n\n"),
        "{markdown}"
    );
    let one: Value =
        serde_json::from_str(&place.vwmp(&["types", "release", "--format", "json"]).out).unwrap();
    assert_eq!(one["config"]["properties"]["version_file"]["default"], "VERSION");
}

#[test]
fn the_schema_knows_the_handlers() {
    let schema: Value = serde_json::from_str(&Place::new().vwmp(&["schema"]).out).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let handlers = schema["$defs"]["step"]["properties"]["handler"]["oneOf"].as_array().unwrap();
    assert!(handlers.iter().any(|one| one["const"] == "shell.run"));
    assert_eq!(schema["$defs"]["shell.run"]["properties"]["run"]["type"][0], "string");
}

#[test]
fn the_schema_accepts_what_the_engine_accepts() {
    let schema: Value = serde_json::from_str(&Place::new().vwmp(&["schema"]).out).unwrap();
    let schema = Schema::new(&schema);
    let read =
        |name: &str, text: &str| Document::parse(Arc::new(Source::new(name, text))).unwrap().root().to_json();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../workflows");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let name = path.display().to_string();
            let errors = schema.errors(&read(&name, &std::fs::read_to_string(&path).unwrap()));
            assert!(errors.is_empty(), "{name}: {errors:?}");
        }
    }
    let wrong = "name: w\nsteps:\n  - { handler: release.version_bump, config: { versoin_file: V } }\n";
    assert!(!schema.errors(&read("wrong.yaml", wrong)).is_empty());
}

/// The YAML language server completes nothing in a step whose config has one.
#[test]
fn the_schema_has_no_default_of_nothing() {
    let schema = Place::new().vwmp(&["schema"]).out;
    assert!(!schema.contains("\"default\": null"));
}
