//! Texts brought up to date.

use serde_json::{Value, json};
use vwmp_testkit::{TestRun, execute, preview};

use super::*;
use crate::filesystem::adapter::LocalFiles;

async fn update(text: &str, update: Value) -> Result<String, String> {
    let run = TestRun::new().connected::<LocalFiles>(json!({})).await.unwrap();
    run.write("README.md", text);
    let ctx = run.context("readme");
    let config = json!({ "version": "1.1.0", "updates": [update] });
    let fails = |error: StepError| error.message().to_owned();
    let seen = preview::<ReadmeUpdate>(config.clone(), &ctx).await.map_err(fails)?;
    let output = execute::<ReadmeUpdate>(config.clone(), &ctx).await.map_err(fails)?;
    assert_eq!(seen.output.as_ref(), Some(&output));
    let again = execute::<ReadmeUpdate>(config, &ctx).await.map_err(fails)?;
    assert_eq!(again, json!({ "files": [], "changed": false }));
    Ok(run.read("README.md"))
}

#[tokio::test]
async fn places_are_brought_up_to_date() {
    for (text, config, after) in [
        (
            "a = \"1.0\"\r\n",
            json!({ "pattern": "\"[0-9.]+\"", "text": "\"{version}\"" }),
            "a = \"1.1.0\"\r\n",
        ),
        (
            "<!--v-->1<!--/v--> 2\n",
            json!({ "markers": ["<!--v-->", "<!--/v-->"], "text": "{tag} {date}" }),
            "<!--v-->v1.1.0 2026-01-02<!--/v--> 2\n",
        ),
        (
            "<a>\r\n\r\nold\r\n<b>",
            json!({ "markers": ["<a>", "<b>"], "text": "x\ny" }),
            "<a>\r\n\r\nx\r\ny\r\n<b>",
        ),
        ("<a>\n<b>", json!({ "markers": ["<a>", "<b>"], "text": "x" }), "<a>\nx<b>"),
        ("1 1", json!({ "pattern": "1(\\.1\\.0)?", "matches": 2, "text": "1.1.0" }), "1.1.0 1.1.0"),
    ] {
        assert_eq!(update(text, config).await.as_deref(), Ok(after), "{text:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    for (config, message) in [
        (json!({ "pattern": "x", "text": "x" }), "`README.md` matches `x` 0 times, not 1 as `matches` says"),
        (
            json!({ "pattern": "1.0", "text": "{version}" }),
            "`README.md` would no longer match `1.0` with `1.1.0` in it; widen the pattern",
        ),
        (
            json!({ "markers": ["<a>", "<b>"], "text": "x" }),
            "`README.md` has the marker `<a>` 0 times, not once",
        ),
        (json!({ "markers": [")", "("], "text": "x" }), "`README.md` has the marker `(` before `)`"),
        (json!({ "file": "none", "pattern": "x", "text": "x" }), "there is no file `none`"),
        (
            json!({ "pattern": "(", "text": "x" }),
            "config of release.readme_update: the pattern can't be read: unclosed group",
        ),
        (
            json!({ "text": "x" }),
            "config of release.readme_update: an update needs either `markers` or a `pattern`",
        ),
    ] {
        assert_eq!(update("(1.0)", config).await.unwrap_err(), message);
    }
}
