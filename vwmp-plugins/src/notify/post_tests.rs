//! Web hooks, against a stub.

use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass, StepContext};
use vwmp_testkit::{TestRun, execute, preview};

use super::slack::Slack;
use super::teams::Teams;
use super::webhook::Webhook;
use crate::http::adapter::HttpAdapter;
use crate::http::stub::{Reply, Stub};

async fn ctx() -> StepContext {
    TestRun::new().connected::<HttpAdapter>(json!({ "retries": 0 })).await.unwrap().context("tell")
}

fn body(stub: &Stub) -> Value {
    serde_json::from_slice(&stub.seen().last().unwrap().body).unwrap()
}

#[tokio::test]
async fn a_web_hook_gets_the_document_and_nobody_sees_its_address() {
    let stub = Stub::start(|request, _| match request.path.as_str() {
        "/canary" => Reply::text(200, "ok"),
        _ => Reply::text(410, "no such hook"),
    })
    .await;
    let config = json!({
        "url": format!("{}/canary", stub.url),
        "payload": { "event": "released" },
        "secret_headers": { "x-key": "hunter2" },
    });
    let output = execute::<Webhook>(config.clone(), &ctx().await).await.unwrap();
    assert_eq!(output, json!({ "status": 200, "answer": "ok" }));
    assert_eq!(body(&stub), json!({ "event": "released" }));
    assert_eq!(stub.seen()[0].headers["x-key"], "hunter2");
    let shown = preview::<Webhook>(config, &ctx().await).await.unwrap();
    let description = r#"post {"event":"released"} to the web hook at 127.0.0.1"#.to_owned();
    assert_eq!(shown.changes, [Change::Action { description }]);

    let config = json!({ "url": format!("{}/canary-2", stub.url), "payload": {} });
    let error = execute::<Webhook>(config, &ctx().await).await.unwrap_err();
    assert_eq!(error.message(), "POST the web hook at 127.0.0.1 answered 410 Gone");
    let error =
        execute::<Webhook>(json!({ "url": "canary-3", "payload": {} }), &ctx().await).await.unwrap_err();
    assert_eq!(error.message(), "the web hook can't be read; write one such as https://example.com/path");
}

#[tokio::test]
async fn slack_gets_blocks_in_which_values_are_only_text() {
    let stub = Stub::start(|_, _| Reply::text(200, "ok")).await;
    let config = json!({ "url": stub.url, "title": "Released", "text": "*1.2.3* <!channel>", "fields": { "By": "A & B" } });
    execute::<Slack>(config.clone(), &ctx().await).await.unwrap();
    assert_eq!(
        body(&stub),
        json!({
            "text": "Released: *1.2.3* &lt;!channel&gt;",
            "blocks": [
                { "type": "header", "text": { "type": "plain_text", "text": "Released" } },
                { "type": "section", "text": { "type": "mrkdwn", "text": "*1.2.3* &lt;!channel&gt;" } },
                { "type": "section", "fields": [{ "type": "mrkdwn", "text": "*By*\nA &amp; B" }] },
            ],
        })
    );
    execute::<Slack>(json!({ "url": stub.url, "text": "hi" }), &ctx().await).await.unwrap();
    assert_eq!(body(&stub), json!({ "text": "hi" }));
    let shown = preview::<Slack>(config, &ctx().await).await.unwrap();
    let description = "post to the Slack web hook at 127.0.0.1: Released".to_owned();
    assert_eq!(shown.changes, [Change::Action { description }]);
    let long = json!({ "url": stub.url, "text": "<".repeat(1000) });
    assert_eq!(
        execute::<Slack>(long, &ctx().await).await.unwrap_err().message(),
        "config of notify.slack: the text has 4000 characters, more than the 3000 that Slack takes"
    );
}

#[tokio::test]
async fn teams_gets_a_card_and_its_lies_are_seen_through() {
    let stub = Stub::start(|request, _| match request.path.as_str() {
        "/old" => Reply::text(
            200,
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
        ),
        _ => Reply::text(202, ""),
    })
    .await;
    let config = json!({
        "url": stub.url, "title": "Released", "text": "**1.2.3**", "fields": { "By": "A" },
        "links": { "Notes": "https://example.com/" },
    });
    assert_eq!(execute::<Teams>(config, &ctx().await).await.unwrap()["status"], 202);
    let card = &body(&stub)["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(
        card["content"]["body"],
        json!([
            { "type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true, "text": "Released" },
            { "type": "TextBlock", "wrap": true, "text": "**1.2.3**" },
            { "type": "FactSet", "facts": [{ "title": "By", "value": "A" }] },
        ])
    );
    let button = json!([{ "type": "Action.OpenUrl", "title": "Notes", "url": "https://example.com/" }]);
    assert_eq!(card["content"]["actions"], button);

    let config = json!({ "url": format!("{}/old", stub.url), "text": "hi" });
    let error = execute::<Teams>(config, &ctx().await).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert_eq!(error.message(), "the Teams web hook at 127.0.0.1 took the message but couldn't deliver it");
}
