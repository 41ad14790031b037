//! Reports of recorded runs, in every form.

use serde_json::Value;

use super::latest;
use crate::Place;

const WORKFLOW: &str = "name: a <b> & `c`
on_failure: rollback
steps:
  - { id: note, handler: team.note, config: { file: a } }
  - id: many
    handler: shell.run
    foreach: [one, '<two>']
    config: { run: 'echo \"<script>alert(1)</script> $<item>\"' }
  - { id: fail, handler: shell.run, needs: [note, many], config: { run: 'echo oops >&2; exit 3' } }
  - { id: never, handler: flow.noop, needs: fail }
";

fn failed() -> Place {
    let place = Place::new().with("w.yaml", WORKFLOW);
    assert_eq!(place.team(&["run", "-q", "w.yaml"]).code, 1);
    place
}

#[test]
fn the_page_needs_nothing_else_and_nothing_escapes() {
    let place = failed();
    let said = place.team(&["report", "last", "--format", "html", "-o", "r.html"]);
    assert_eq!((said.code, &*said.out), (0, ""));
    let page = place.file("r.html").unwrap();
    for part in [
        "<title>a &lt;b&gt; &amp; `c` rolled_back (",
        "<svg ",
        "class=\"node failed\"",
        "class=\"node undone\"",
        "<span class=\"mark undone\">succeeded, taken back</span> <b>note</b>",
        "<rect class=\"bar failed\"",
        "<title>note: taking it back, attempt 1 ",
        "<td>many[1]</td>",
        "&lt;script&gt;alert(1)&lt;",
        "exited with code 3",
        "caused by: oops",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    for part in ["<script", "http://", "https://", "<two>", "<link", "src="] {
        assert!(!page.contains(part), "{part} is in\n{page}");
    }
    assert_eq!(page.matches("<details id=\"s").count(), 4);
}

#[test]
fn a_large_plan_is_drawn() {
    let steps: String = (0..2000)
        .map(|step| {
            let needs = if step >= 50 { format!(", needs: s{}", step - 50) } else { String::new() };
            format!("  - {{ id: s{step}, handler: flow.noop{needs} }}\n")
        })
        .collect();
    let place = Place::new().with("w.yaml", &format!("name: large\nsteps:\n{steps}"));
    assert_eq!(place.team(&["run", "-q", "w.yaml"]).code, 0);
    let page = place.team(&["report", "last", "--format", "html"]).out;
    assert_eq!(page.matches("class=\"node succeeded\"").count(), 2000);
    assert_eq!(page.matches("class=\"edge\"").count(), 1950);
    // No step lies on another one.
    let mut places: Vec<&str> = page
        .split("class=\"node ")
        .skip(1)
        .map(|node| {
            let start = node.find("<rect x=").unwrap();
            &node[start..start + node[start..].find(" width").unwrap()]
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 2000);
}

#[test]
fn a_report_is_markdown() {
    let place = failed();
    let text = place.team(&["report", "last", "--format", "markdown"]).out;
    assert!(text.starts_with("## a \\<b\\> \\& \\`c\\`\n"), "{text}");
    assert!(text.contains("| `fail` | failed | "), "{text}");
    assert!(
        text.contains(
            "### `fail` failed\n\n```text\n`echo oops >&2; exit 3` exited with code 3\ncaused by: oops\n```\n"
        ),
        "{text}"
    );
    assert!(text.contains("### What was taken back\n\n"), "{text}");
    assert!(text.contains("- `note` taken back\n"), "{text}");
}

#[test]
fn a_report_is_junit_and_json_and_text() {
    let place = failed();
    let xml = place.team(&["report", "last", "--format", "junit"]).out;
    assert!(xml.contains("<failure type=\"failed\" message=\"`echo oops &gt;&amp;2; exit 3` exited with code 3\">oops</failure>"), "{xml}");
    let json = place.team(&["report", "last", "--format", "json", "--timings"]).out;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["run_id"], latest(&place));
    let undone: Vec<&Value> = report["undone"].as_array().unwrap().iter().map(|one| &one["step"]).collect();
    assert!(undone.contains(&&Value::from("note")), "{undone:?}");
    let path: Vec<&str> = report["timings"]["critical_path"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["step"].as_str().unwrap())
        .collect();
    assert_eq!(path.last(), Some(&"fail"));
    let text = place.team(&["report", "last"]).out;
    assert!(text.contains("taken back, the last first: note\n"), "{text}");
}

#[test]
fn everything_known_of_a_run_is_shown() {
    let text = "name: w\nparameters:\n  who: { type: string }\nconfig: { word: hi }\nsteps:\n  - id: many\n    handler: shell.run\n    foreach: [x, y]\n    config: { run: 'echo $<config.word> $<item>' }\n";
    let place = Place::new().with("w.yaml", text);
    assert_eq!(place.team(&["run", "-q", "w.yaml", "-p", "who=you"]).code, 0);
    let shown = place.team(&["show", "last", "--timings"]).out;
    for part in [
        "w succeeded\n",
        "many[0]  succeeded  SOME  1  \"x\"",
        "parameters.who  \"you\"  -p who=you",
        "config.word  \"hi\"  workflow: w.yaml:4:17",
        "critical path",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let logs = place.team(&["logs", "last", "many"]).out;
    assert!(logs.contains("many[0] | hi x\n") && logs.contains("many[1] | hi y\n"), "{logs}");
    let shown: Value = serde_json::from_str(&place.team(&["show", "last", "--format", "json"]).out).unwrap();
    assert_eq!(shown["items"]["many"][1]["value"], "y");
    assert_eq!(shown["parameters"]["who"]["origin"], "-p who=you");
}
