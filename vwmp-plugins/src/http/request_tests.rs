use serde_json::json;
use vwmp_interfaces::{Change, ErrorClass};
use vwmp_testkit::{TestRun, execute, preview};

use super::*;
use crate::http::adapter::HttpAdapter;
use crate::http::stub::{Reply, Stub};

async fn connected() -> StepContext {
    TestRun::new().connected::<HttpAdapter>(json!({ "retries": 0 })).await.unwrap().context("ask")
}

#[tokio::test]
async fn a_request_and_its_answer() {
    let stub =
        Stub::start(|_, _| Reply::json(201, &json!({ "id": 7 })).with("x-many", "a").with("x-many", "b"))
            .await;
    let config = json!({
        "method": "POST",
        "url": format!("{}/builds", stub.url),
        "query": { "branch": "main", "tag": ["a", 2], "none": null },
        "secret_headers": { "authorization": "Bearer hunter2" },
        "json": { "deep": [1, "ü"] },
        "idempotency_key": true,
    });
    let output = execute::<Request>(config.clone(), &connected().await).await.unwrap();
    assert_eq!(output["status"], 201);
    assert_eq!(output["json"], json!({ "id": 7 }));
    assert_eq!(output["body"], r#"{"id":7}"#);
    assert_eq!(output["headers"]["x-many"], "a, b");
    assert_eq!(output["url"], format!("{}/builds", stub.url));
    let seen = &stub.seen()[0];
    assert_eq!(seen.path, "/builds?branch=main&tag=a&tag=2");
    assert_eq!(seen.body, r#"{"deep":[1,"ü"]}"#.as_bytes());
    for (name, value) in [
        ("authorization", "Bearer hunter2"),
        ("content-type", "application/json"),
        ("idempotency-key", "test-run:ask"),
        ("user-agent", concat!("vwmp/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(seen.headers[name], value);
    }

    let shown = preview::<Request>(config, &connected().await).await.unwrap();
    let description =
        format!("send POST {}/builds?branch=main&tag=a&tag=2 with {{\"deep\":[1,\"ü\"]}}", stub.url);
    assert_eq!(shown.changes, [Change::Action { description }]);
    assert_eq!(stub.seen().len(), 1, "the preview sent something");
}

#[tokio::test]
async fn a_status_must_be_expected() {
    let stub = Stub::start(|request, _| match request.path.as_str() {
        "/gone" => Reply::text(404, "no such build"),
        "/locked" => Reply::text(401, ""),
        _ => Reply::text(200, "fine"),
    })
    .await;
    let ask = async |path: &str, expect: Value| {
        let config = json!({ "url": format!("{}{path}", stub.url), "expect": expect });
        execute::<Request>(config, &connected().await).await
    };
    assert_eq!(ask("/gone", json!([200, 404])).await.unwrap()["status"], 404);
    for (path, expect, class, message) in [
        ("/gone", json!([]), ErrorClass::Permanent, "GET http://stub/gone answered 404 Not Found"),
        ("/locked", json!([]), ErrorClass::Denied, "GET http://stub/locked answered 401 Unauthorized"),
        ("/", json!([201, 202]), ErrorClass::Permanent, "GET http://stub/ answered 200, expected 201 or 202"),
    ] {
        let error = ask(path, expect).await.unwrap_err();
        let said = error.message().replace(&stub.url, "http://stub");
        assert_eq!((error.class(), said.as_str()), (class, message));
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let ctx = connected().await;
    for (config, message) in [
        (
            json!({ "url": "http://x", "method": "POST", "json": 1, "text": "1" }),
            "config of http.request: both `json` and `text` are given; remove one",
        ),
        (json!({ "url": "http://x", "text": "1" }), "config of http.request: a GET request has no body"),
        (
            json!({ "url": "http://x", "query": { "a": {} } }),
            "query.a must be text, a number or a list of these",
        ),
        (
            json!({ "url": "http://x", "headers": { "a b": "c" } }),
            "`a b` can't be the name of a header field",
        ),
        (
            json!({ "url": "http://x", "secret_headers": { "key": "hunter2\nx: y" } }),
            "the value of the header field `key` has a line break or a control character",
        ),
    ] {
        let error = execute::<Request>(config, &ctx).await.unwrap_err();
        assert_eq!((error.class(), error.message()), (ErrorClass::Invalid, message));
    }
}
