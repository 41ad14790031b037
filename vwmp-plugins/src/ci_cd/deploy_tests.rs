//! Deployments, with a stub that becomes healthy.

use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass};
use vwmp_testkit::{TestRun, execute, preview};

use super::deploy::Deploy;
use crate::http::adapter::HttpAdapter;
use crate::http::stub::{Reply, Stub};

async fn run() -> TestRun {
    TestRun::new().connected::<HttpAdapter>(json!({ "retries": 0 })).await.unwrap()
}

fn config(stub: &Stub, more: &Value) -> Value {
    let mut health = json!({ "url": format!("{}/health", stub.url), "every": 0.01, "within": 10 });
    health.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "run": "touch deployed", "health": health })
}

#[tokio::test]
async fn the_gate_opens_when_the_answers_are_healthy() {
    let stub = Stub::start(|_, count| match count {
        0 => Reply::text(503, ""),
        2 => Reply::Raw(Vec::new()),
        4 => Reply::text(200, "version 1.2.2"),
        _ => Reply::text(200, "version 1.2.3"),
    })
    .await;
    let run = run().await;
    let config = config(&stub, &json!({ "contains": "1.2.3", "in_a_row": 2 }));
    let shown = preview::<Deploy>(config.clone(), &run.context("deploy")).await.unwrap();
    let wait = format!("wait until {}/health is healthy, 10s at most", stub.url);
    assert_eq!(shown.changes[1], Change::Action { description: wait });
    let output = execute::<Deploy>(config, &run.context("deploy")).await.unwrap();
    assert_eq!(output["asked"], 7);
    assert!(run.exists("deployed"));
    let log: Vec<_> = run.log().iter().map(|line| line.replace(&stub.url, "http://stub")).collect();
    assert_eq!(
        log[..4],
        [
            "info: not healthy yet: GET http://stub/health answered 503, expected 200",
            "info: not healthy yet: healthy 1 times in a row",
            "info: not healthy yet: GET http://stub/health: the server closed the connection without an answer",
            "info: not healthy yet: healthy 1 times in a row",
        ]
    );
}

#[tokio::test]
async fn what_never_gets_healthy_fails() {
    let stub = Stub::start(|_, _| Reply::text(500, "")).await;
    let run = run().await;
    let sick = config(&stub, &json!({ "within": 0.05, "every": 0.04 }));
    let error = execute::<Deploy>(sick, &run.context("deploy")).await.unwrap_err();
    let said = error.message().replace(&stub.url, "http://stub").replace("of 1 ", "of 2 ");
    assert_eq!(
        said,
        "what was deployed isn't healthy after 0.05s, the last of 2 answers: GET http://stub/health answered 500, expected 200"
    );
    assert_eq!(error.class(), ErrorClass::Permanent);
    let mut failing = config(&stub, &json!({}));
    failing["run"] = "exit 1".into();
    let before = stub.seen().len();
    let error = execute::<Deploy>(failing, &run.context("deploy")).await.unwrap_err();
    assert_eq!((error.message(), stub.seen().len()), ("`exit 1` exited with code 1", before));
    assert_eq!(
        execute::<Deploy>(json!({ "run": "true" }), &run.context("deploy")).await.unwrap()["asked"],
        0
    );
}
