//! Notes of a real history.

use serde_json::{Value, json};
use vwmp_testkit::{TestRun, execute, preview};

use super::Notes;
use crate::release::repository_for_tests::{commit, git, repository};

async fn history() -> TestRun {
    let run = repository().await;
    commit(&run, "feat: old");
    git(&run, &["tag", "v1.0.0"]);
    commit(&run, "feat(core)!: faster (#12)\n\nBREAKING CHANGE: needs more memory, see #13");
    commit(&run, "chore: tidy");
    commit(&run, "fix: crash\n\nCo-authored-by: B <b@example.com>");
    commit(&run, "Make it nicer");
    commit(&run, "feat: twice\n\n* feat(ui): once\n* fix(ui): other");
    run
}

async fn notes(run: &TestRun, config: Value) -> Value {
    let ctx = run.context("notes");
    let seen = preview::<Notes>(config.clone(), &ctx).await.unwrap();
    let output = execute::<Notes>(config, &ctx).await.unwrap();
    assert_eq!(seen.output.as_ref(), Some(&output));
    output
}

/// Ids differ from run to run.
fn without_ids(text: &str) -> String {
    regex::Regex::new("[0-9a-f]{7,40}").unwrap().replace_all(text, "ID").into_owned()
}

#[tokio::test]
async fn commits_are_grouped_and_linked() {
    let run = history().await;
    let config =
        json!({ "version": "2.0.0", "repository": "https://x.example/a/b.git", "contributors": true });
    let output = notes(&run, config).await;
    let expected = "### ⚠ Breaking Changes\n\n\
        - **core:** needs more memory, see [#13](https://x.example/a/b/issues/13) ([ID](https://x.example/a/b/commit/ID))\n\n\
        ### Features\n\n\
        - **core:** faster ([#12](https://x.example/a/b/issues/12)) ([ID](https://x.example/a/b/commit/ID))\n\
        - **ui:** once ([ID](https://x.example/a/b/commit/ID))\n\
        - twice ([ID](https://x.example/a/b/commit/ID))\n\n\
        ### Bug Fixes\n\n\
        - **ui:** other ([ID](https://x.example/a/b/commit/ID))\n\
        - crash ([ID](https://x.example/a/b/commit/ID))\n\n\
        ### Other Changes\n\n\
        - Make it nicer ([ID](https://x.example/a/b/commit/ID))\n\n\
        ### Contributors\n\n- A\n- B\n\n\
        [All changes](https://x.example/a/b/compare/v1.0.0...v2.0.0)";
    assert_eq!(without_ids(output["markdown"].as_str().unwrap()), expected);
    assert_eq!((output["previous_tag"].as_str(), output["empty"].as_bool()), (Some("v1.0.0"), Some(false)));
    assert_eq!(output["commits"].as_array().unwrap().len(), 5);
    assert_eq!(run.log(), ["info: 6 changes to tell of 5 commits since v1.0.0"]);
}

#[tokio::test]
async fn groups_and_layout_are_open_to_choice() {
    let run = history().await;
    let sections = json!([{ "title": "New", "types": ["feat"] }]);
    let output = notes(&run, json!({ "sections": sections, "other": "", "paths": [] })).await;
    let expected = "### ⚠ Breaking Changes\n\n- **core:** needs more memory, see #13 (ID)\n\n\
                    ### New\n\n- **core:** faster (#12) (ID)\n- **ui:** once (ID)\n- twice (ID)";
    assert_eq!(without_ids(output["markdown"].as_str().unwrap()), expected);
    let template = "{{ version }} of {{ date }}:{% for s in sections %} {{ s.title }} {{ s.changes|length }}{% endfor %}";
    let output = notes(&run, json!({ "version": "2.0.0", "template": template })).await;
    assert_eq!(output["markdown"], "2.0.0 of 2026-01-02: Features 3 Bug Fixes 2 Other Changes 1");
    let output = notes(&run, json!({ "since": "v1.0.0", "until": "v1.0.0" })).await;
    assert_eq!((output["markdown"].as_str(), output["empty"].as_bool()), (Some(""), Some(true)));
}

#[tokio::test]
async fn what_a_config_asks_for_makes_sense() {
    let run = history().await;
    for (config, message) in [
        (
            json!({ "template": "{{ a" }),
            "config of release.notes: the template can't be read: syntax error: unexpected end of input, expected end of variable block (in <string>:1)",
        ),
        (json!({ "template": "{{ a.b }}" }), "the template can't be filled: undefined value (in <string>:1)"),
        (
            json!({ "commit_url": "https://x" }),
            "config of release.notes: `commit_url` needs `{id}` where the address differs",
        ),
    ] {
        assert_eq!(execute::<Notes>(config, &run.context("notes")).await.unwrap_err().message(), message);
    }
}
