use serde_json::json;
use vwmp_testkit::{TestRun, execute, preview};

use super::*;
use crate::http::adapter::HttpAdapter;
use crate::http::stub::{Reply, Stub};

async fn run() -> TestRun {
    TestRun::new().connected::<HttpAdapter>(json!({ "retries": 0 })).await.unwrap()
}

#[tokio::test]
async fn broken_links_are_told_with_their_place() {
    let run = run().await;
    run.write(
        "README.md",
        "# Top\n\n[a](docs/a.md) [b](docs/a.md#first-part) [c](#top) [d](docs/) [e](/docs/a%20b.txt)\n[f](docs/none.md)\n\
         [g](docs/a.md#last-part) [h](#bottom) [i](../no-such-neighbour) [j](mailto:a@example.com) [k](https://example.com/)\n",
    );
    run.write("docs/a.md", "## First part\n\n[up](../README.md) [out](../../etc)\n")
        .write("docs/a b.txt", "x");
    run.write("node_modules/x/README.md", "[x](none.md)").write(".hidden/x.md", "[x](none.md)");
    let shown = preview::<LinkCheck>(json!({}), &run.context("links")).await.unwrap();
    assert_eq!(shown.summary, "checks the links of 2 Markdown files");
    let error = execute::<LinkCheck>(json!({}), &run.context("links")).await.unwrap_err();
    assert_eq!(error.message(), "5 links are broken");
    assert_eq!(
        error.causes()[0].lines().collect::<Vec<_>>(),
        [
            "README.md:4: `docs/none.md` doesn't exist",
            "README.md:5: `docs/a.md#last-part` has no heading `#last-part`",
            "README.md:5: `#bottom` has no heading `#bottom`",
            "README.md:5: `../no-such-neighbour` doesn't exist",
            "docs/a.md:3: `../../etc` doesn't exist",
        ]
    );
    let some = json!({ "paths": ["docs"], "ignore": ["../../"] });
    let output = execute::<LinkCheck>(some, &run.context("links")).await.unwrap();
    assert_eq!(output, json!({ "files": 1, "links": 1, "broken": [] }));
    let allowed = execute::<LinkCheck>(json!({ "allow_broken": true }), &run.context("links")).await.unwrap();
    assert_eq!(allowed["broken"].as_array().unwrap().len(), 5);
    let error = execute::<LinkCheck>(json!({ "paths": ["none"] }), &run.context("links")).await.unwrap_err();
    assert_eq!(error.message(), "`none` doesn't exist");
}

#[tokio::test]
async fn the_web_is_asked_only_when_that_is_wanted() {
    let stub = Stub::start(|request, _| match (request.method.as_str(), request.path.as_str()) {
        (_, "/gone") => Reply::text(404, ""),
        ("HEAD", "/picky") => Reply::text(405, ""),
        _ => Reply::text(200, "fine"),
    })
    .await;
    let run = run().await;
    let url = &stub.url;
    run.write("a.md", format!("[a]({url}/fine#x) [b]({url}/gone) [c]({url}/picky) [d]({url}/fine#y)\n"));
    let output = execute::<LinkCheck>(json!({}), &run.context("links")).await.unwrap();
    assert_eq!((&output["links"], stub.seen().len()), (&json!(0), 0));
    let error = execute::<LinkCheck>(json!({ "external": true }), &run.context("links")).await.unwrap_err();
    assert_eq!(error.causes(), [format!("a.md:1: `{url}/gone` answered 404")]);
    assert_eq!(stub.lines(), ["HEAD /fine", "HEAD /gone", "GET /gone", "HEAD /picky", "GET /picky"]);
}
